import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createServer, type Server, type ServerOptions } from '@onezero/server';
import type { AccessLogEntry } from '../../src/options.ts';
import { readAll, textResponse } from '../exchange.ts';
import { freePort } from '../free-port.ts';

const run = promisify(execFile);

let folder = '';
let tls = { cert: '', key: '' };
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'proxy-protocol-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-days',
    '1',
  ];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
});
afterAll(() => rmSync(folder, { recursive: true }));

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const LINE = 'PROXY TCP4 192.0.2.7 198.51.100.1 55555 443\r\n';
const NAMED = 'http 192.0.2.7:55555 198.51.100.1:443';

const ECHO: ServerOptions = {
  proxyProtocol: ['127.0.0.0/8', '::1'],
  routes: [
    {
      responder: ({ scheme, remote, local }) =>
        textResponse(`${scheme} ${remote.address}:${remote.port} ${local.address}:${local.port}`),
    },
  ],
};

async function listen(options: ServerOptions, secure = false): Promise<{ server: Server; port: number }> {
  const server = createServer(options);
  onTestFinished(() => server.close({ graceMs: 0 }));
  const [address] = await server.listen({ host: '127.0.0.1', port: 0, tls: secure ? tls : undefined });
  return { server, port: address?.port ?? 0 };
}

/** Sends pieces, each in a packet of its own, and reads to the end; a closed connection reads as nothing. */
async function exchange(port: number, pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const answer = readAll(socket).catch(() => Buffer.alloc(0));
  for (const piece of pieces) {
    if (socket.destroyed) break;
    socket.write(piece);
    await new Promise(setImmediate);
  }
  return String(await answer);
}

describe('a connection from a named proxy', () => {
  test('has the announced client as its peer', async () => {
    const { port } = await listen(ECHO);
    expect(await exchange(port, [LINE + GET])).toContain(NAMED);
  });

  test('may send its header in pieces of any size', async () => {
    const { port } = await listen(ECHO);
    expect(await exchange(port, [...Array.from(LINE), GET])).toContain(NAMED);
  });

  test('keeps its own ends when the proxy speaks for itself', async () => {
    const { port } = await listen(ECHO);
    const local = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1');
    expect(await exchange(port, [local, GET])).toContain('http 127.0.0.1:');
  });

  test.each(['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'PROXY TCP4 1.2.3.4 5.6.7.8 9 99999\r\n', ''])(
    'is closed without an answer when it begins with %j',
    async (begun) => {
      const { server, port } = await listen(ECHO);
      const socket = connect({ port, host: '127.0.0.1' });
      await once(socket, 'connect');
      const answer = readAll(socket).catch(() => Buffer.alloc(0));
      socket.end(begun);
      expect(String(await answer)).toBe('');
      await expect.poll(() => server.connections).toBe(0);
    },
  );

  test('is closed when its header does not come in time', async () => {
    const { port } = await listen({ ...ECHO, limits: { headTimeoutMs: 100 } });
    expect(await exchange(port, ['PROXY TCP4'])).toBe('');
  });

  test('counts for its client among connections and in the log', async () => {
    const log: AccessLogEntry[] = [];
    const options = {
      ...ECHO,
      limits: { maxConnectionsPerAddress: 1 },
      accessLog: (entry: AccessLogEntry) => log.push(entry),
    };
    const { port } = await listen(options);
    const idle = connect({ port, host: '127.0.0.1' });
    onTestFinished(() => void idle.destroy());
    idle.write(`${LINE}GET / HTTP/1.1\r\nHost: a\r\n\r\n`);
    await once(idle, 'data');
    expect(await exchange(port, [LINE + GET])).toMatch(/^HTTP\/1\.1 503 /);
    expect(await exchange(port, [LINE.replace('2.7', '2.8') + GET])).toContain('192.0.2.8');
    expect(log[0]?.remoteAddress).toBe('192.0.2.7');
  });

  test('is trusted for X-Forwarded-For by the address it announces', async () => {
    const { port } = await listen({ ...ECHO, trustedProxies: ['192.0.2.7'] });
    const asked = GET.replace('Host', 'X-Forwarded-For: 203.0.113.9\r\nHost');
    expect(await exchange(port, [LINE + asked])).toContain('http 203.0.113.9:0');
    expect(await exchange(port, [LINE.replace('2.7', '2.8') + asked])).toContain('http 192.0.2.8:');
  });

  test('does not outlive a stop', async () => {
    const { server, port } = await listen(ECHO);
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.write('PROXY');
    await new Promise(setImmediate);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await server.close();
    socket.resume();
    await closed;
  });
});

describe('a connection from anybody else', () => {
  test('cannot name another client', async () => {
    const { port } = await listen({ ...ECHO, proxyProtocol: ['192.0.2.1'] });
    expect(await exchange(port, [LINE + GET])).toMatch(/^HTTP\/1\.1 400 /);
    expect(await exchange(port, [GET])).toContain('http 127.0.0.1:');
  });
});

describe('before TLS', () => {
  /** Sends what comes before the handshake, then asks through TLS. */
  async function secured(port: number, begun: readonly string[]): Promise<string> {
    const raw = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(raw, 'connect');
    for (const piece of begun) {
      raw.write(piece);
      await new Promise(setImmediate);
    }
    const socket = connectTls({ socket: raw, rejectUnauthorized: false });
    socket.write(GET);
    return await readAll(socket).catch(() => '');
  }

  test('the header is read, whole or in pieces', async () => {
    const { port } = await listen(ECHO, true);
    expect(await secured(port, [LINE])).toContain(NAMED.replace('http', 'https'));
    expect(await secured(port, Array.from(LINE))).toContain(NAMED.replace('http', 'https'));
  });

  test('the handshake may come with the header', async () => {
    const { port } = await listen(ECHO, true);
    const raw = connect({ port, host: '127.0.0.1' });
    raw.cork();
    raw.write(LINE);
    const socket = connectTls({ socket: raw, rejectUnauthorized: false });
    socket.write(GET);
    raw.uncork();
    expect(await readAll(socket)).toContain(NAMED.replace('http', 'https'));
  });

  test('a connection without a header is closed', async () => {
    const { port } = await listen(ECHO, true);
    expect(await secured(port, [])).toBe('');
  });

  test('clients that are no proxies need none', async () => {
    const { port } = await listen({ ...ECHO, proxyProtocol: ['192.0.2.1'] }, true);
    expect(await secured(port, [])).toContain('https 127.0.0.1:');
  });

  test('a connection that says nothing does not outlive a stop', async () => {
    const { server, port } = await listen(ECHO, true);
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    await once(socket, 'connect');
    await new Promise(setImmediate);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await server.close();
    socket.resume();
    await closed;
  });
});

const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0 || process.env['CI'] !== undefined;

describe.runIf(hasHaproxy)('behind HAProxy', () => {
  test.each([
    ['send-proxy', false],
    ['send-proxy-v2', false],
    ['send-proxy-v2-ssl-cn', false],
    ['send-proxy', true],
    ['send-proxy-v2', true],
  ])('%s names the client (TLS: %s)', async (word, secure) => {
    const { port } = await listen(ECHO, secure);
    const front = await freePort();
    const configuration = join(folder, `haproxy-${word}-${secure}.cfg`);
    writeFileSync(
      configuration,
      `defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen front
  bind 127.0.0.1:${front}
  server one 127.0.0.1:${port} ${word} check inter 200ms\n`,
    );
    const haproxy = spawn('haproxy', ['-db', '-q', '-f', configuration], { stdio: 'ignore' });
    onTestFinished(async () => {
      haproxy.kill('SIGTERM');
      if (haproxy.exitCode === null && haproxy.signalCode === null) await once(haproxy, 'exit');
    });
    const scheme = secure ? 'https' : 'http';
    const ask = ['-sS', '-k', '--interface', '127.0.0.9', `${scheme}://127.0.0.1:${front}/`];
    await expect
      .poll(() => run('curl', ask).then(({ stdout }) => stdout, String))
      .toMatch(new RegExp(`^${scheme} 127\\.0\\.0\\.9:\\d+ 127\\.0\\.0\\.1:${front}$`));
  });
});

describe('curl --haproxy-protocol', () => {
  test.runIf(spawnSync('curl', ['--version']).status === 0)('is understood', async () => {
    const { port } = await listen(ECHO);
    const { stdout } = await run('curl', ['-sS', '--haproxy-protocol', `http://127.0.0.1:${port}/`]);
    expect(stdout).toMatch(new RegExp(`^http 127\\.0\\.0\\.1:\\d+ 127\\.0\\.0\\.1:${port}$`));
  });
});
