import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { untilStopped } from '../../../src/command-line/running/signals.ts';
import { run, site, start, startPlain, type Started } from '../command.ts';

const bigBytes = 64 * 1024 * 1024;
const place = site({
  'www/a.txt': 'one',
  'slow.py':
    'import os, sys, time\nprint("loading in", os.getpid(), file=sys.stderr, flush=True)\ntime.sleep(60)\ndef app(environ, start): pass\n',
  'cgi-bin/slow.cgi': '#!/bin/sh\necho Content-Type: text/plain\necho\necho begun\nsleep 30\necho ended\n',
});
execFileSync('truncate', ['-s', String(bigBytes), join(place.path, 'www/big.bin')]);
const config = join(place.path, 'onezero.config.json');
const started: Started[] = [];

async function serve(...words: string[]): Promise<Started> {
  const server = await start(words, { cwd: place.path });
  started.push(server);
  return server;
}

afterEach(async () => {
  for (const { child, finished } of started.splice(0)) {
    if (child.exitCode === null) child.kill('SIGKILL');
    await finished;
  }
  writeFileSync(config, '{}');
});
afterAll(() => place.remove());

/** Asks for a large file and reads only its beginning. */
async function beginDownload(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'readable');
  return socket;
}

/** Resolves when no connection is taken any more. */
async function untilRefused(port: number): Promise<void> {
  const attempt = (): Promise<string | undefined> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.destroy());
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      socket.on('close', () => resolve(undefined));
    });
  await vi.waitFor(async () => expect(await attempt()).toBe('ECONNREFUSED'), 120_000);
}

/** Reads to the end; resolves to how many bytes of content came. */
async function rest(socket: Socket): Promise<number> {
  let text: Buffer | undefined;
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const end = text === undefined ? chunk.indexOf('\r\n\r\n') + 4 : 0;
    text ??= chunk;
    bytes += chunk.length - end;
  }
  return bytes;
}

describe('SIGTERM', () => {
  test('ends an idle server at once, kept connections and all', async () => {
    const server = await serve('www', '--close-timeout', '20s');
    const idle = connect(server.port, '127.0.0.1').resume();
    idle.write('GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(idle, 'data');
    expect((await server.stop()).code).toBe(0);
  });

  test('lets downloads finish, takes no new connections, then ends with 0', async () => {
    const server = await serve('www');
    const socket = await beginDownload(server.port);
    server.child.kill('SIGTERM');
    await untilRefused(server.port);
    expect(await rest(socket)).toBe(bigBytes);
    expect((await server.finished).code).toBe(0);
  });

  test('cuts off what outlasts the close time-out', async () => {
    const server = await serve('www', '--close-timeout=100ms');
    const socket = await beginDownload(server.port);
    socket.on('error', () => undefined);
    expect((await server.stop()).code).toBe(0);
    socket.destroy();
  });

  test.each([
    ['one process', []],
    ['two workers', ['--workers', '2']],
  ])('forces the end when another comes, and ends the scripts: %s', async (_, words) => {
    const server = await serve('www', '--cgi-bin', 'cgi-bin', ...words);
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    socket.write('GET /cgi-bin/slow.cgi HTTP/1.0\r\n\r\n');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    await vi.waitFor(() => expect(received).toContain('begun'), 120_000);
    server.child.kill('SIGTERM');
    await untilRefused(server.port);
    server.child.kill('SIGINT');
    expect((await server.finished).code).toBe(130);
    await vi.waitFor(
      () => expect(spawnSync('pgrep', ['-f', join(place.path, 'cgi-bin/slow.cgi')]).stdout.toString()).toBe(''),
      120_000,
    );
  });
});

const OBEYED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const;

/** Obeys signals in this process, until the test ends. */
function obey(stop: (graceMs?: number) => Promise<void>): Promise<number> {
  const before = OBEYED.map((signal) => process.listeners(signal));
  onTestFinished(() => {
    vi.useRealTimers();
    for (const [index, signal] of OBEYED.entries()) {
      for (const listener of process.listeners(signal)) {
        if (before[index]?.includes(listener) !== true) process.off(signal, listener);
      }
    }
  });
  return untilStopped({ reload: () => Promise.resolve(), reopenLog: () => undefined, stop });
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s that npm sends on as well', (signal) => {
  test.each([
    ['later', signal, 500],
    ['at once, but another', signal === 'SIGINT' ? 'SIGTERM' : 'SIGINT', 0],
  ] as const)('is one signal; a second one comes %s', async (_, second, afterMs) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const graces: (number | undefined)[] = [];
    const stopped = obey((graceMs) => {
      graces.push(graceMs);
      return graceMs === undefined ? new Promise(() => undefined) : Promise.resolve();
    });
    process.emit(signal, signal);
    process.emit(signal, signal);
    expect(graces).toEqual([undefined]);
    vi.advanceTimersByTime(afterMs);
    process.emit(second, second);
    expect(graces).toEqual([undefined, 0]);
    expect(await stopped).toBe(second === 'SIGINT' ? 130 : 143);
  });
});

describe.each([
  ['one process', []],
  ['two workers', ['--workers', '2']],
])('before anybody listens, %s', (_, words) => {
  const python = spawnSync('python3', ['--version']).status === 0;
  const slow = [...words, '-p', '0', '--wsgi', 'slow:app', '--no-config'];

  test.skipIf(!python && process.env['CI'] === undefined).each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends it in order, and what it had started',
    async (signal) => {
      const server = startPlain(slow, { cwd: place.path });
      await vi.waitFor(() => expect(server.output.stderr).toContain('loading in'), 120_000);
      server.child.kill(signal);
      const { code, stderr } = await server.finished;
      expect({ code, errors: stderr.match(/^Error:.*/gm) }).toEqual({ code: 0, errors: null });
      const pids = [...stderr.matchAll(/loading in (\d+)/g)].map(([, pid]) => pid);
      await vi.waitFor(() => expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]), 120_000);
    },
  );
});

/** Asks on and on, over fresh and kept connections, until told to stop; resolves to what was answered. */
function load(server: Started): { stop(): Promise<readonly string[]> } {
  const answers: string[] = [];
  let isOver = false;
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const response = await server.fetch('/a.txt', { headers: Math.random() < 0.5 ? { connection: 'close' } : {} });
      answers.push(`${response.status} ${await response.text()}`);
    }
  };
  const asking = Promise.all([ask(), ask(), ask(), ask()]);
  return {
    stop: async () => {
      isOver = true;
      await asking;
      return answers;
    },
  };
}

describe.each([
  ['one process', []],
  ['two workers', ['--workers', '2']],
])('SIGHUP, %s', (_name, words) => {
  test('reloads without a failed request, and keeps the old state when the new is no good', async () => {
    writeFileSync(config, '{ "headers": [{ "fields": { "X-Generation": "0" } }] }');
    const server = await serve('www', '--no-access-log', ...words);
    const underLoad = load(server);
    const generation = async (): Promise<string | null> => (await server.fetch('/a.txt')).headers.get('x-generation');
    for (let count = 1; count <= 5; count++) {
      writeFileSync(config, `{ "headers": [{ "fields": { "X-Generation": "${count}" } }] }`);
      server.child.kill('SIGHUP');
      await vi.waitFor(() => expect(server.output.stderr.split('Reloaded').length).toBe(count + 1), 120_000);
      expect(await generation()).toBe(String(count));
    }
    for (const bad of ['{ "headerss": [] }', '{', '{ "root": "no/such/place", "cgiBin": "none" }']) {
      writeFileSync(config, bad);
      const before = server.output.stderr.split('not reloaded').length;
      server.child.kill('SIGHUP');
      await vi.waitFor(() => expect(server.output.stderr.split('not reloaded').length).toBe(before + 1), 120_000);
    }
    expect(await generation()).toBe('5');
    const answers = await underLoad.stop();
    expect(answers.length).toBeGreaterThan(20);
    expect(new Set(answers)).toEqual(new Set(['200 one']));
    expect((await server.stop()).code).toBe(0);
  });
});

test('SIGHUP says what only a start changes', async () => {
  writeFileSync(config, '{}');
  const server = await serve('www', '--no-access-log');
  const line = 'Warning: addresses, workers and the ready file change only at the next start';
  const changes = [{}, { listen: ['localhost:1'] }, { workers: 2 }, { readyFile: join(place.path, 'ready') }, {}];
  for (const [count, changed] of changes.entries()) {
    const before = server.output.stderr.length;
    writeFileSync(config, JSON.stringify(changed));
    server.child.kill('SIGHUP');
    await vi.waitFor(() => expect(server.output.stderr.split('Reloaded')).toHaveLength(count + 2), 120_000);
    const said = server.output.stderr.slice(before).includes(line);
    expect({ changed, said }).toEqual({ changed, said: Object.keys(changed).length > 0 });
  }
  await server.stop();
  writeFileSync(config, '{}');
});

test('SIGHUP and SIGUSR1 open the log file anew', async () => {
  const log = join(place.path, 'access.log');
  const server = await serve('www', '--log-file', log, '--log-format', 'common');
  for (const [count, signal] of (['SIGHUP', 'SIGUSR1'] as const).entries()) {
    await server.fetch(`/a.txt?${count}`);
    await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain(`?${count}`), 120_000);
    renameSync(log, `${log}.${count}`);
    server.child.kill(signal);
    await vi.waitFor(() => expect(existsSync(log)).toBe(true), 120_000);
  }
  await server.fetch('/a.txt?last');
  await server.stop();
  expect(readFileSync(log, 'utf8')).toMatch(/^127\.0\.0\.1 - - \[.*\] "GET \/a\.txt\?last HTTP\/1\.1" 200 3\n$/);
});

function childrenOf(pid: number | undefined): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

describe('--workers', () => {
  test('leave no worker behind whose primary ended while it started', async () => {
    const env = { PRIMARY_OF_ONEZERO: String(process.pid + 1) };
    const orphan = await run(['www', '--workers', '2', '-p', '0'], { cwd: place.path, env });
    expect(orphan).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('share the port, and are replaced when they die', async () => {
    const server = await serve('www', '--workers', '2', '--metrics', '/metrics', '--header', 'X: y');
    const workers = (): number[] => childrenOf(server.child.pid);
    const before = workers();
    expect(before).toHaveLength(2);
    for (let count = 0; count < 10; count++) expect((await server.fetch('/a.txt')).status).toBe(200);
    const text = await (await server.fetch('/metrics')).text();
    expect(text).toContain('onezero_http_requests_total{method="GET",status="2xx"} 10\n');
    expect(text).toContain('onezero_http_workers 2\n');
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => {
      expect(workers().filter((pid) => !before.includes(pid))).toHaveLength(2);
      expect(server.output.stderr.match(/worker \d+ ended SIGKILL; another starts/g)).toHaveLength(2);
    }, 120_000);
    await vi.waitFor(async () => expect((await server.fetch('/a.txt')).status).toBe(200), 120_000);
    expect((await server.stop()).code).toBe(0);
    expect(spawnSync('pgrep', ['-P', String(server.child.pid)]).stdout.toString()).toBe('');
  });

  test('that follow others serve what was read last, whatever the file says by now', async () => {
    const write = (generation: number): void =>
      writeFileSync(config, `{ "headers": [{ "fields": { "X-Generation": "${generation}" } }] }`);
    write(0);
    const server = await serve('www', '--workers', '2');
    const workers = (): number[] => childrenOf(server.child.pid);
    const generation = async (): Promise<string | null> => {
      for (const pid of workers()) process.kill(pid, 'SIGKILL');
      // It is answered by one of the next, or was under way in one of those before.
      let answer: Response | undefined;
      while (answer === undefined)
        answer = await server.fetch('/a.txt', { headers: { connection: 'close' } }).catch(() => undefined);
      return answer.headers.get('x-generation');
    };
    write(1);
    expect(await generation()).toBe('0');
    writeFileSync(config, '{ broken');
    expect(await generation()).toBe('0');
    write(2);
    server.child.kill('SIGHUP');
    await vi.waitFor(() => expect(server.output.stderr).toContain('Reloaded'), 120_000);
    write(3);
    expect(await generation()).toBe('2');
    expect((await server.stop()).code).toBe(0);
  });

  test('have at a stop the time that was read last', async () => {
    writeFileSync(config, '{ "closeTimeout": 0 }');
    const server = await serve('www', '--workers', '2');
    writeFileSync(config, '{ "closeTimeout": "2m" }');
    server.child.kill('SIGHUP');
    await vi.waitFor(() => expect(server.output.stderr).toContain('Reloaded'), 120_000);
    const socket = await beginDownload(server.port);
    socket.on('error', () => undefined);
    server.child.kill('SIGTERM');
    await untilRefused(server.port);
    // Longer than a primary waits beyond the time.
    await new Promise((resolve) => setTimeout(resolve, 3500));
    expect(await rest(socket)).toBe(bigBytes);
    expect((await server.finished).code).toBe(0);
  });

  test('leave the port open, however often all of them die', async () => {
    const server = await serve('www', '--workers', '2', '--no-access-log', '-q');
    const workers = (): number[] => childrenOf(server.child.pid);
    let isOver = false;
    const refused: string[] = [];
    let connections = 0;
    const knock = async (): Promise<void> => {
      while (!isOver) {
        const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
          const socket = connect(server.port, '127.0.0.1', () => socket.destroy());
          socket.on('error', resolve).on('close', () => resolve(undefined));
        });
        connections++;
        if (error?.code === 'ECONNREFUSED') refused.push(error.code);
      }
    };
    const knocking = knock();
    for (let death = 1; death <= 6; death++) {
      const victims = workers();
      for (const pid of victims) process.kill(pid, 'SIGKILL');
      // Answered by one of the next workers; until then it waits in the kernel's queue.
      const answer = await server.fetch('/a.txt', { headers: { connection: 'close' } }).catch(() => undefined);
      if (answer !== undefined) expect(answer.status).toBe(200);
      await vi.waitFor(async () => {
        expect(workers().filter((pid) => !victims.includes(pid))).toHaveLength(2);
        expect((await server.fetch('/a.txt')).status).toBe(200);
      }, 120_000);
    }
    isOver = true;
    await knocking;
    expect(connections).toBeGreaterThan(100);
    expect(refused).toEqual([]);
    expect((await server.stop()).code).toBe(0);
  });

  test('end when the primary is gone', async () => {
    const server = await serve('www', '--workers', '2');
    const pids = spawnSync('pgrep', ['-P', String(server.child.pid)])
      .stdout.toString()
      .split('\n')
      .filter(Boolean)
      .map(Number);
    server.child.kill('SIGKILL');
    await vi.waitFor(() => {
      for (const pid of pids) expect(existsSync(`/proc/${pid}`)).toBe(false);
    }, 120_000);
  });

  test('fail together, with one message', async () => {
    const busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = busy.address() as AddressInfo;
    await expect(start(['www', '--workers', '2', '-p', String(port)], { cwd: place.path })).rejects.toThrow(
      new RegExp(`^ended with 1: Error: port ${port} is in use[^\\n]*\\n$`),
    );
    busy.close();
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

test.skipIf(!hasOpenssl && process.env['CI'] === undefined)(
  '--tls-cert serves HTTPS and takes up a new certificate',
  async () => {
    const make = (name: string): void => {
      const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
      const files = ['-keyout', join(place.path, `${name}.key`), '-out', join(place.path, `${name}.pem`)];
      execFileSync('openssl', ['req', '-x509', ...kind, ...files, '-subj', `/CN=${name}`], { stdio: 'ignore' });
    };
    const install = (name: string): void => {
      for (const kind of ['key', 'pem'])
        copyFileSync(join(place.path, `${name}.${kind}`), join(place.path, `live.${kind}`));
    };
    for (const name of ['first', 'second']) make(name);
    install('first');
    const server = await serve('www', '--tls-cert', 'live.pem', '--tls-key', 'live.key');
    expect(server.url).toMatch(/^https:\/\/localhost:\d+$/);
    const subject = async (): Promise<string> => {
      const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    expect(await subject()).toBe('first');
    writeFileSync(join(place.path, 'live.pem'), 'nonsense');
    await vi.waitFor(() => expect(server.output.stderr).toContain('Error: the old certificate stays in use'), 120_000);
    expect(await subject()).toBe('first');
    install('second');
    await vi.waitFor(async () => expect(await subject()).toBe('second'), 120_000);
    await server.stop();
  },
);
