import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { CgiLimits, CgiOptions, CgiResponder } from '../src/index.ts';
import { cgi, CgiError } from '../src/index.ts';
import { chunks, openDescriptors, plain, processesWith, request, Scripts, text, until, zombies } from './mount.ts';

const scripts = new Scripts({
  hello: plain('echo hello'),
  'write-forever': plain('cat /dev/zero'),
  'write-40-mb': plain('head -c 40000000 /dev/zero'),
  'sleep-before-header': '#!/bin/sh\nsleep 1000.41\n',
  'sleep-after-header': plain('echo first; sleep 1000.42'),
  'start-grandchild': plain('(sleep 1000.43 & sleep 1000.43 & wait) & echo first; sleep 1000.43'),
  'ignore-term': plain("trap '' TERM; echo first; while :; do sleep 0.0244; done"),
  'wait-for-file': plain('touch "$FLAG.started"; while [ ! -e "$FLAG" ]; do sleep 0.01; done; echo done'),
  'close-stdout-early': plain('echo out; exec >&- 2>&-; sleep 1000.45'),
  'leave-daemon': plain('setsid sleep 1000.46 </dev/null >/dev/null 2>&1 & echo out'),
  'leave-child': plain('sleep 1000.47 </dev/null >/dev/null 2>&1 & echo out'),
  'kill-own-group': plain('echo out; trap "" TERM; kill 0; echo more'),
  'kill-its-shell': plain('echo out; kill -KILL $PPID; sleep 1000.48'),
  'never-read': plain('sleep 1000.49'),
  'read-slowly': plain('wc -c'),
  'close-stdin': plain('exec <&-; echo out; sleep 1000.50'),
  'leave-job': plain('echo out; (while [ ! -e "$FLAG" ]; do sleep 0.01; done; echo late; touch "$FLAG.done") & exit 0'),
  'write-later': plain('echo first; sleep 0.15; head -c 60000 /dev/zero'),
  'write-twice': plain('echo first; sleep 0.15; echo second'),
  'trap-in-child': plain("(trap '' TERM; while :; do sleep 0.0245; done) & echo first; sleep 1000.4"),
  'leave-flood': plain('echo out; yes 1000.52 & exit 0'),
  'leave-complaints': plain('echo out; (yes 1000.53 >&2) >/dev/null & exit 0'),
  'start-groups': plain('echo first; timeout 1000.51 sleep 1000.51'),
});
afterAll(() => scripts.remove());

const responders: CgiResponder[] = [];
afterEach(async () => {
  await Promise.all(responders.splice(0).map(async (respond) => respond.close()));
});

type Options = Omit<Extract<CgiOptions, { directory: string }>, 'directory' | 'limits'>;

describe.each(['shell', 'direct'] as const)('scripts started by %s', (spawner) => {
  function responder(limits: CgiLimits = {}, options: Options = {}): CgiResponder {
    const base = { directory: scripts.path, passEnv: ['PATH'], log: () => {}, spawner };
    const respond = cgi({ ...base, limits: { killGraceMs: 100, ...limits }, ...options });
    responders.push(respond);
    return respond;
  }

  async function errorOf(content: Promise<unknown>): Promise<string> {
    const error: unknown = await content.then(() => undefined).catch((reason: unknown) => reason);
    return error instanceof CgiError ? error.code : String(error);
  }

  test('end with 504 when no header comes', async () => {
    const response = await responder({ headerTimeoutMs: 40 })(request('/sleep-before-header'));
    expect(response).toMatchObject({ status: 504, cause: { code: 'timed-out' } });
    await until(() => processesWith('1000.41').length === 0);
  });

  test.each([
    ['leave-flood', 'GET', '1000.52'],
    ['leave-flood', 'HEAD', '1000.52'],
    ['leave-complaints', 'GET', '1000.53'],
  ])('leave nothing behind that writes for ever for nobody (%s, %s)', async (name, method, word) => {
    const response = await responder()(request(`/${name}`, { method }));
    for await (const bytes of response.content as AsyncIterable<Uint8Array>) {
      expect(Buffer.from(bytes).toString()).toMatch(/^out/);
      break;
    }
    await until(() => processesWith(word).length === 0);
  });

  test('end when they fall silent', async () => {
    const response = await responder({ silenceTimeoutMs: 40 })(request('/sleep-after-header'));
    expect(await errorOf(text(response))).toBe('timed-out');
    await until(() => processesWith('1000.42').length === 0);
  });

  test('end at the limit of the whole run', async () => {
    const respond = responder({ totalTimeoutMs: 60 });
    expect(await respond(request('/sleep-before-header'))).toMatchObject({ status: 504 });
    // A busy machine may take as long to start it.
    const late = await respond(request('/sleep-after-header'));
    if (late.status === 504) expect(late).toMatchObject({ cause: { code: 'timed-out' } });
    else expect(await errorOf(text(late))).toBe('timed-out');
    await until(() => processesWith('1000.4').length === 0);
  });

  test.each(['sleep-after-header', 'start-grandchild', 'ignore-term', 'write-forever'])(
    'end when the client goes: %s',
    async (name) => {
      const gone = new AbortController();
      const response = await responder()(request(`/${name}`, { signal: gone.signal }));
      const reading = errorOf(text(response));
      gone.abort();
      expect(await reading).toBe('client-gone');
      await until(() => processesWith(`${scripts.path}/${name}`).length === 0);
      await until(() => processesWith('1000.4').length === 0);
    },
  );

  test('end when the client goes before the header', async () => {
    const gone = new AbortController();
    const response = responder()(request('/sleep-before-header', { signal: gone.signal }));
    await until(() => processesWith('1000.41').length > 0);
    gone.abort();
    expect(await response).toMatchObject({ cause: { code: 'client-gone' } });
    await until(() => processesWith('1000.41').length === 0);
  });

  test('end when their content is left, also before it was begun', async () => {
    const respond = responder();
    const unread = await respond(request('/write-forever'));
    await (unread.content as AsyncIterableIterator<Uint8Array>).return?.();
    const begun = await respond(request('/write-forever'));
    for await (const _ of begun.content as AsyncIterable<Uint8Array>) break;
    await until(() => processesWith(`${scripts.path}/write-forever`).length === 0);
  });

  test('go on after the client went when told to', async () => {
    const flag = `${scripts.path}/flag-ignore-${spawner}`;
    const gone = new AbortController();
    const respond = responder({}, { onDisconnect: 'ignore', env: { FLAG: flag } });
    const response = await respond(request('/wait-for-file', { signal: gone.signal }));
    await until(() => scripts.has(`flag-ignore-${spawner}.started`));
    gone.abort();
    await (response.content as AsyncIterableIterator<Uint8Array>).return?.();
    expect(processesWith(flag)).not.toEqual([]);
    scripts.add(`flag-ignore-${spawner}`, '');
    await until(() => processesWith(flag).length === 0);
  });

  test.each<[string, string, object]>([
    ['HEAD', 'Content-Type: text/plain', { method: 'HEAD' }],
    ['a redirect inside the server', 'Location: /elsewhere', {}],
  ])('work on behind the output that they have closed, also where nobody wants it: %s', async (what, header, asked) => {
    const name = `behind-${what.length}-${spawner}`;
    const lines = ['#!/bin/sh', `printf '${header}\\n\\n'`, 'sleep 0.2', 'exec >&-', ': > "$FLAG.closed"'];
    scripts.add(name, [...lines, 'sleep 1', ': > "$FLAG.done"', ''].join('\n'));
    const respond = responder({}, { env: { FLAG: `${scripts.path}/${name}` } });
    const { content } = await respond(request(`/${name}`, asked));
    await (content as AsyncIterableIterator<Uint8Array> | undefined)?.return?.();
    await until(() => scripts.has(`${name}.closed`));
    await until(() => scripts.has(`${name}.done`));
  });

  test.each<[string, object]>([
    ['HEAD', { method: 'HEAD' }],
    ['a client that has it already', { fields: [['if-none-match', '*']] }],
  ])('end when they write on for long and nobody wants it: %s', async (_, asked) => {
    const { content } = await responder({ silenceTimeoutMs: 100 })(request('/write-forever', asked));
    await (content as AsyncIterableIterator<Uint8Array> | undefined)?.return?.();
    await until(() => processesWith(`${scripts.path}/write-forever`).length === 0);
  });

  test('end when their content breaks off', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* chunks(20, 10_000);
      throw new Error('reset');
    }
    const content = { content: broken(), contentLength: 10 ** 6 };
    const response = await responder({}, { spool: 'small' })(request('/read-slowly', content));
    expect(await errorOf(text(response))).toBe('killed');
  });

  test('are not started when their content breaks off before', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* chunks(20, 10_000);
      throw new Error('reset');
    }
    const response = await responder()(request('/read-slowly', { content: broken(), contentLength: 10 ** 6 }));
    expect(response).toMatchObject({ status: 400, cause: { code: 'content-broken' } });
  });

  test.each(['read-slowly', 'never-read', 'close-stdin'])(
    'leave no descriptor when a client leaves in the middle of its content: %s',
    async (name) => {
      const respond = responder({}, { concurrency: { max: 2 }, spool: 'small' });
      const leave = async (): Promise<void> => {
        const gone = new AbortController();
        const whenLeft = new Promise<void>((resolve) => gone.signal.addEventListener('abort', () => resolve()));
        async function* broken(): AsyncGenerator<Uint8Array> {
          yield* chunks(10, 10_000);
          await whenLeft;
          throw new Error('reset');
        }
        const content = { content: broken(), contentLength: 10 ** 6 };
        const answer = respond(request(`/${name}`, { ...content, signal: gone.signal }));
        await until(() => processesWith(`${scripts.path}/${name}`).length > 0);
        gone.abort();
        const response = await answer;
        await text(response).catch(() => {});
      };
      const rest = async (): Promise<number> => {
        for (let count = 0; count < 3; count++) await leave();
        await until(() => processesWith(`${scripts.path}/${name}`).length === 0);
        return openDescriptors();
      };
      const early = [await rest(), await rest()];
      await until(async () => (await rest()) <= Math.max(...early));
    },
  );

  test('let a job go on that they left running with their output, and answer whole', async () => {
    const flag = `${scripts.path}/flag-job-${spawner}`;
    let answer = 'timed-out';
    // On a busy machine a script that goes on may be silent for as long.
    for (let silenceTimeoutMs = 40; answer === 'timed-out' && silenceTimeoutMs < 20_000; silenceTimeoutMs *= 8) {
      const respond = responder({ silenceTimeoutMs }, { env: { FLAG: flag } });
      const response = await respond(request('/leave-job'));
      answer = await text(response).catch((error: CgiError) => error.code);
    }
    expect(answer).toBe('out\n');
    scripts.add(`flag-job-${spawner}`, '');
    await until(() => scripts.has(`flag-job-${spawner}.done`));
  });

  test('give their place back when they have ended and their answer is left unread', async () => {
    const respond = responder({}, { concurrency: { max: 1 } });
    for (let count = 0; count < 2; count++) {
      const response = await respond(request('/write-later'));
      await until(() => processesWith(`${scripts.path}/write-later`).length === 0);
      await until(() => zombies() === 0);
      await (response.content as AsyncIterableIterator<Uint8Array>).return?.();
    }
    await respond.close();
  });

  test('are not ended by limits of a month or a year', async () => {
    for (const days of [30, 365]) {
      const long = days * 86_400_000;
      const limits = { headerTimeoutMs: long, silenceTimeoutMs: long, totalTimeoutMs: long, killGraceMs: long };
      const respond = responder(limits, { concurrency: { queueTimeoutMs: long, max: 1 } });
      const answers = await Promise.all([1, 2].map(async () => text(await respond(request('/write-twice')))));
      expect(answers).toEqual(['first\nsecond\n', 'first\nsecond\n']);
      await respond.close(long);
    }
  });

  test('leave nothing to their responder that traps SIGTERM', async () => {
    const respond = responder({ killGraceMs: 20 });
    const response = await respond(request('/trap-in-child'));
    const reading = errorOf(text(response));
    await respond.close();
    expect(processesWith(`${scripts.path}/trap-in-child`)).toEqual([]);
    expect(await reading).toBe('killed');
  });

  test('end what stays in their session when they are ended', async () => {
    const gone = new AbortController();
    const respond = responder();
    const response = await respond(request('/start-groups', { signal: gone.signal }));
    const reading = errorOf(text(response));
    await until(() => processesWith('1000.51').length > 0);
    gone.abort();
    await reading;
    await until(() => processesWith('1000.51').length === 0);
  });

  test('are held back by a slow reader', async () => {
    const response = await responder()(request('/write-40-mb'));
    const before = process.memoryUsage().rss;
    let length = 0;
    for await (const bytes of response.content as AsyncIterable<Uint8Array>) length += bytes.length;
    expect(length).toBe(40_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(64_000_000);
  });

  test('answer whole when they close their output and work on', async () => {
    const response = await responder()(request('/close-stdout-early'));
    expect(await text(response)).toBe('out\n');
    // It closes its output before it goes on.
    await until(() => processesWith('1000.45').length > 0);
  });

  test.each([
    ['leave-daemon', '1000.46'],
    ['leave-child', '1000.47'],
  ])('may %s, which outlives them', async (name, word) => {
    const respond = responder({}, { concurrency: { max: 1 } });
    expect(await text(await respond(request(`/${name}`)))).toBe('out\n');
    const gone = new AbortController();
    const next = await respond(request('/sleep-after-header', { signal: gone.signal }));
    gone.abort();
    await errorOf(text(next));
    await until(() => processesWith('1000.42').length === 0);
    // What was left may begin later than who left it ends.
    await until(() => processesWith(word).length === 1);
    for (const pid of processesWith(word)) process.kill(pid, 'SIGKILL');
  });

  test('may signal their own group without harm to others', async () => {
    const respond = responder();
    const other = await respond(request('/sleep-after-header'));
    expect(await text(await respond(request('/kill-own-group')))).toBe('out\nmore\n');
    expect(await text(await respond(request('/hello')))).toBe('hello\n');
    await until(() => processesWith('1000.42').length > 0);
    await (other.content as AsyncIterableIterator<Uint8Array>).return?.();
  });

  test('wait for a place, and are refused when too many wait', async () => {
    const flag = `${scripts.path}/flag-queue-${spawner}`;
    const respond = responder({}, { env: { FLAG: flag }, concurrency: { max: 1, maxQueue: 1 } });
    const running = respond(request('/wait-for-file'));
    await until(() => scripts.has(`flag-queue-${spawner}.started`));
    const waiting = respond(request('/hello'));
    const refused = await respond(request('/hello'));
    expect(refused).toMatchObject({ status: 503, fields: [['retry-after', '1']], cause: { code: 'queue-full' } });
    scripts.add(`flag-queue-${spawner}`, '');
    expect(await text(await running)).toBe('done\n');
    expect(await text(await waiting)).toBe('hello\n');
  });

  test('are not started when their client left while waiting, or waited too long', async () => {
    const flag = `${scripts.path}/flag-left-${spawner}`;
    const respond = responder({}, { env: { FLAG: flag }, concurrency: { max: 1, queueTimeoutMs: 30 } });
    const running = respond(request('/wait-for-file'));
    await until(() => scripts.has(`flag-left-${spawner}.started`));
    const gone = new AbortController();
    const leaving = respond(request('/hello', { signal: gone.signal }));
    gone.abort();
    expect(await leaving).toMatchObject({ cause: { code: 'client-gone' } });
    expect(await respond(request('/hello'))).toMatchObject({ status: 503 });
    scripts.add(`flag-left-${spawner}`, '');
    expect(await text(await running)).toBe('done\n');
  });

  test('end with their responder', async () => {
    const respond = responder();
    const response = await respond(request('/sleep-after-header'));
    const reading = errorOf(text(response));
    await respond.close();
    expect(await reading).toBe('killed');
    expect(processesWith('1000.42')).toEqual([]);
    expect(await respond(request('/hello'))).toMatchObject({ status: 503, cause: { code: 'closing' } });
  });

  test('may end by themselves within the grace', async () => {
    const flag = `${scripts.path}/flag-grace-${spawner}`;
    const respond = responder({}, { env: { FLAG: flag } });
    const answer = respond(request('/wait-for-file')).then(text);
    await until(() => scripts.has(`flag-grace-${spawner}.started`));
    const closed = respond.close(10_000);
    scripts.add(`flag-grace-${spawner}`, '');
    expect(await answer).toBe('done\n');
    await closed;
  });

  test('leave nothing behind, however they end', async () => {
    const respond = responder({ headerTimeoutMs: 500 });
    const round = async (index: number): Promise<void> => {
      const gone = new AbortController();
      const name = ['hello', 'write-forever', 'sleep-after-header', 'no-such', 'read-slowly'][index % 5] as string;
      const content = name === 'read-slowly' ? chunks(10, 10_000) : undefined;
      const response = await respond(request(`/${name}`, { signal: gone.signal, content }));
      if (name === 'hello' || name === 'read-slowly') await text(response);
      else gone.abort();
    };
    const rest = async (): Promise<number> => {
      await Promise.all(Array.from({ length: 20 }, async (_, index) => round(index)));
      await until(() => processesWith(scripts.path).length === 0);
      return openDescriptors();
    };
    // Each idle shell keeps two pipes or none, so rests differ. A leak makes every later one higher than every earlier one.
    const early = [await rest(), await rest(), await rest()];
    await until(async () => (await rest()) <= Math.max(...early));
    await until(() => zombies() === 0);
  });
});

describe('a spawner whose shell is killed', () => {
  test('breaks the answer off, ends the script, and goes on with another shell', async () => {
    const respond = cgi({ directory: scripts.path, log: () => {}, spawner: 'shell', concurrency: { max: 1 } });
    responders.push(respond);
    const response = await respond(request('/kill-its-shell'));
    await expect(text(response)).rejects.toMatchObject({ code: 'killed' });
    await until(() => processesWith('1000.48').length === 0);
    expect(await text(await respond(request('/hello')))).toBe('hello\n');
  });
});
