import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { takeNotify, takeSockets } from '../../../src/command-line/running/systemd.ts';
import { holdListener } from '../../../src/transport/held-listener.ts';
import { bin, site } from '../command.ts';

describe('takeSockets', () => {
  const take = (
    environment: Record<string, string | undefined>,
    hasCertificate = false,
  ): ReturnType<typeof takeSockets> => takeSockets({ environment, pid: 7, hasCertificate });

  test('takes what is meant for this process, and leaves nothing of it for others', () => {
    const environment = { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:admin', PATH: '/bin' };
    expect(take(environment)).toEqual([
      { descriptors: [3], secure: false },
      { descriptors: [4], secure: false },
    ]);
    expect(environment).toEqual({ PATH: '/bin' });
  });

  test('is for TLS where there is a certificate, but for a socket that is called http', () => {
    const environment = { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'https:http:other' };
    expect(take(environment, true)?.map(({ secure }) => secure)).toEqual([true, false, true]);
  });

  test.each([
    {},
    { LISTEN_FDS: '1' },
    { LISTEN_PID: '8', LISTEN_FDS: '1' },
    { LISTEN_PID: '7', LISTEN_FDS: '0' },
    { LISTEN_PID: '7', LISTEN_FDS: '-1' },
    { LISTEN_PID: '7', LISTEN_FDS: 'x' },
    { LISTEN_PID: '7', LISTEN_FDS: '99999' },
  ])('takes nothing from %j', (environment) => {
    expect(take(environment)).toBeUndefined();
  });
});

describe('takeNotify', () => {
  test('says nothing where nothing listens', () => {
    const lines: string[] = [];
    takeNotify({}, (line) => lines.push(line))('READY=1');
    expect(lines).toEqual([]);
  });
});

/** Starts the command with a socket as descriptor 3, as systemd would. */
function activate(words: readonly string[], socket: number, cwd: string): ReturnType<typeof spawn> {
  const script = 'LISTEN_PID=$$ LISTEN_FDS=1; export LISTEN_PID LISTEN_FDS; exec "$0" "$@"';
  return spawn('sh', ['-c', script, process.execPath, bin, ...words, '--json', '--no-access-log'], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit', socket],
  });
}

async function ready(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('"ready"')) return;
  throw new Error('it ended before it was ready');
}

/** One request on a connection of its own; resolves to the status, or to what went wrong. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /a.txt HTTP/1.0\r\nHost: localhost\r\n\r\n'));
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.on('close', () => resolve(text.slice(9, 12)));
  });
}

describe.each([
  ['one process', []],
  ['two workers', ['--workers', '2']],
])('a handed-over socket, %s', (_, words) => {
  test('loses no request while the server is restarted again and again', async () => {
    const place = site({ 'www/a.txt': 'a' });
    const held = await holdListener({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => {
      held.close();
      place.remove();
    });
    const { port } = held.address;
    const answers: string[] = [];
    let isOver = false;
    const askAgain = async (): Promise<void> => {
      while (!isOver) answers.push(await ask(port));
    };
    const asking: Promise<void>[] = [];
    for (let start = 0; start < 4; start++) {
      const child = activate(['www', ...words], held.descriptors[0] ?? -1, place.path);
      const ended = once(child, 'exit');
      await ready(child);
      // The first to start makes the socket listen; systemd has done that before.
      if (start === 0) asking.push(askAgain(), askAgain(), askAgain());
      const before = answers.length;
      await vi.waitFor(() => expect(answers.length).toBeGreaterThan(before + 20), 120_000);
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    }
    isOver = true;
    const last = activate(['www', ...words], held.descriptors[0] ?? -1, place.path);
    await ready(last);
    await Promise.all(asking);
    last.kill('SIGTERM');
    await once(last, 'exit');
    expect(answers.filter((answer) => answer !== '200')).toEqual([]);
    expect(answers.length).toBeGreaterThan(80);
  });
});

const hasSystemd = spawnSync('systemd-socket-activate', ['--version']).status === 0;

describe.skipIf(!hasSystemd && process.env['CI'] === undefined)('systemd', () => {
  test('hands a socket over, and is told of readiness and of the stop', async () => {
    const place = site({
      'www/a.txt': 'a',
      'cgi-bin/env.cgi': '#!/bin/sh\necho Content-Type: text/plain\necho\nenv; ls /proc/self/fd 2>/dev/null | wc -l\n',
    });
    const socket = join(place.path, 'notify');
    const log = join(place.path, 'messages');
    writeFileSync(
      join(place.path, 'receive.py'),
      'import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint("bound", flush=True)\n' +
        'while True:\n    open(sys.argv[2], "ab").write(s.recv(4096) + b"\\n")\n',
    );
    const receiver = spawn('python3', [join(place.path, 'receive.py'), socket, log], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(receiver.stdout, 'data');
    const port = await holdListener({ host: '127.0.0.1', port: 0 }).then((held) => {
      held.close();
      return held.address.port;
    });
    const words = [bin, 'www', '--cgi-bin', 'cgi-bin', '--json', '--no-access-log'];
    const flags = ['-l', `127.0.0.1:${port}`, '-E', `NOTIFY_SOCKET=${socket}`, '-E', `PATH=${process.env['PATH']}`];
    const child = spawn('systemd-socket-activate', [...flags, process.execPath, ...words], {
      cwd: place.path,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
      receiver.kill('SIGKILL');
      place.remove();
    });
    // The first connection is what starts the server.
    await vi.waitFor(async () => expect(await ask(port)).toBe('200'), 120_000);
    const messages = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
    await vi.waitFor(() => expect(messages()).toContain('READY=1'), 120_000);
    const environment = await (await fetch(`http://127.0.0.1:${port}/cgi-bin/env.cgi`)).text();
    expect(environment).not.toMatch(/^(?:LISTEN_|NOTIFY_SOCKET)/m);
    child.kill('SIGTERM');
    await vi.waitFor(() => expect(messages()).toContain('STOPPING=1'), 120_000);
  });
});
