// Clients that read or send slowly hold memory or a file, and neither a script nor its place.

import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { CgiOptions, CgiResponder, CgiResponse } from '../src/index.ts';
import { cgi } from '../src/index.ts';
import { openDescriptors, plain, request, Scripts, text, until } from './mount.ts';

const scripts = new Scripts({
  hello: plain('echo hello'),
  large: plain('head -c 5000000 /dev/zero; touch "$DONE$QUERY_STRING"'),
  count: plain('wc -c'),
  tick: plain('echo 1; while [ ! -e "$DONE$QUERY_STRING" ]; do sleep 0.01; done; echo 2'),
});
afterAll(() => scripts.remove());
const responders: CgiResponder[] = [];
afterEach(async () => {
  await Promise.all(responders.splice(0).map(async (respond) => respond.close()));
});

const PLACES = 2;
const SLOW = 6;

describe.each(['shell', 'direct'] as const)('with scripts started by %s', (spawner) => {
  function responder(options: Partial<CgiOptions> = {}): CgiResponder {
    const env = { DONE: `${scripts.path}/done-${spawner}-` };
    const respond = cgi({ directory: scripts.path, spawner, env, concurrency: { max: PLACES }, ...options });
    responders.push(respond);
    return respond;
  }

  const reader = ({ content }: CgiResponse): AsyncIterator<Uint8Array> =>
    (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();

  test('slow readers let others run, and get all in the end', async () => {
    const respond = responder();
    // What the first run of a process opens once stays open.
    await text(await respond(request('/hello')));
    const before = openDescriptors();
    const slow: AsyncIterator<Uint8Array>[] = [];
    for (let index = 0; index < SLOW; index++) {
      slow.push(reader(await respond(request('/large', { query: `read-${index}` }))));
      await slow[index]?.next();
    }
    await until(() =>
      Array.from({ length: SLOW }, (_, index) => `done-${spawner}-read-${index}`).every((name) => scripts.has(name)),
    );
    expect(await text(await respond(request('/hello')))).toBe('hello\n');
    for (const one of slow) {
      let bytes = 0;
      for (;;) {
        const { done, value } = await one.next();
        if (done === true) break;
        bytes += value.length;
      }
      expect(bytes).toBeGreaterThan(4_800_000);
    }
    await respond.close();
    await until(() => openDescriptors() <= before);
  });

  test('readers that leave give back what was kept for them', async () => {
    const before = openDescriptors();
    const respond = responder();
    for (let index = 0; index < SLOW; index++) {
      const one = reader(await respond(request('/large', { query: `left-${index}` })));
      await one.next();
      await until(() => scripts.has(`done-${spawner}-left-${index}`));
      await one.return?.();
    }
    await respond.close();
    await until(() => openDescriptors() <= before);
  });

  test('beyond the limit of the file nothing is lost', async () => {
    const respond = responder({ limits: { spoolFileBytes: 1_000_000 } });
    const response = await respond(request('/large', { query: 'limit' }));
    const one = reader(response);
    const { value } = await one.next();
    let bytes = (value as Uint8Array).length;
    for (let next = await one.next(); next.done !== true; next = await one.next()) bytes += next.value.length;
    expect(bytes).toBe(5_000_000);
  });

  test('slow uploads let others run, whatever has come of them', async () => {
    const respond = responder();
    const ends: (() => void)[] = [];
    async function* slowly(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(200_000);
      await new Promise<void>((resolve) => ends.push(resolve));
      yield Buffer.alloc(100_000);
    }
    const uploads = Array.from({ length: SLOW }, async () =>
      text(await respond(request('/count', { content: slowly(), contentLength: 300_000 }))),
    );
    await until(() => ends.length === SLOW);
    expect(await text(await respond(request('/hello')))).toBe('hello\n');
    for (const end of ends) end();
    expect((await Promise.all(uploads)).map((count) => count.trim())).toEqual(
      Array.from({ length: SLOW }, () => '300000'),
    );
  });

  test('what a script writes is there at once', async () => {
    const respond = responder();
    const one = reader(await respond(request('/tick', { query: 'tick' })));
    expect(Buffer.from((await one.next()).value as Uint8Array).toString()).toBe('1\n');
    scripts.add(`done-${spawner}-tick`, '');
    expect(Buffer.from((await one.next()).value as Uint8Array).toString()).toBe('2\n');
    expect(await one.next()).toMatchObject({ done: true });
  });
});
