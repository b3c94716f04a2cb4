import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer as createNetServer, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createServer, type Server, type ServerOptions } from '@onezero/server';
import { addressMatcher, forwarded } from '../../src/transport/forwarded.ts';
import { openDirectly } from '../../src/transport/handle.ts';
import { parse, readAll, start, textResponse } from '../exchange.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'listening-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ECHO: ServerOptions = {
  routes: [
    { responder: ({ scheme, remote, local }) => textResponse(`${scheme} ${remote.address} ${local.address}`) },
    { path: '/echo', responder: ({ content }) => ({ status: 200, fields: [], content }) },
  ],
};

function make(options: ServerOptions = ECHO): Server {
  const server = createServer(options);
  onTestFinished(() => server.close({ graceMs: 0 }));
  return server;
}

function certificate(name: string): { cert: string; key: string } {
  const cert = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  const subject = ['-subj', `/CN=${name}`, '-days', '1'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ],
    { stdio: 'ignore' },
  );
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

describe('listen', () => {
  test('on localhost answers on both loopback addresses', async () => {
    const server = make();
    const [address] = await server.listen({ port: 0 });
    expect(address?.url).toBe(`http://localhost:${address?.port}`);
    expect(server.addresses).toEqual([address]);
    for (const host of ['127.0.0.1', '::1']) {
      const socket = connect({ port: address?.port ?? 0, host });
      const text = readAll(socket);
      socket.end(GET);
      expect(parse(await text).content).toBe(`http ${host} ${host}`);
    }
  });

  test('opens all listeners or none', async () => {
    const taken = createNetServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const server = make();
    const listeners = [{ port: 0 }, { port, host: '127.0.0.1' }];
    await expect(server.listen(listeners)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(server.addresses).toEqual([]);
  });

  test('on a Unix socket answers, and takes over one that was left behind', async () => {
    const path = join(folder, 'socket');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    try {
      execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' });
    } catch (error) {
      // It killed itself, as it was told: its socket file is still there.
      expect(error).toMatchObject({ signal: 'SIGKILL' });
    }
    const server = make();
    const [address] = await server.listen({ socket: path });
    expect(address).toEqual({ url: `unix:${path}`, secure: false, address: path, port: 0 });
    const socket = connect(path);
    const text = readAll(socket);
    socket.end(GET);
    expect(parse(await text).status).toBe(200);
    await expect(make().listen({ socket: path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('with TLS answers, and uses a renewed certificate for new connections', async () => {
    const server = make();
    const [address] = await server.listen({ port: 0, host: '127.0.0.1', tls: certificate('first') });
    expect(address?.url).toMatch(/^https:/);
    const ask = async (bytes: string): Promise<{ name: string; text: string }> => {
      const socket = connectTls({
        port: address?.port ?? 0,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        allowHalfOpen: true,
      } as object);
      const text = readAll(socket);
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      const name = socket.getPeerCertificate().subject.CN;
      socket.end(bytes);
      return { name, text: await text };
    };
    const first = await ask(GET + GET);
    expect(first.name).toBe('first');
    expect(first.text.match(/https 127\.0\.0\.1/g)).toHaveLength(2);
    server.renewCertificate(0, certificate('second'));
    const large = 'x'.repeat(1_000_000);
    const second = await ask(`POST /echo HTTP/1.0\r\nContent-Length: ${large.length}\r\n\r\n${large}`);
    expect(second.name).toBe('second');
    expect(parse(second.text).content).toBe(large);
    // Plain HTTP on a TLS port is told so.
    const plain = connect({ port: address?.port ?? 0, host: '127.0.0.1' });
    const text = readAll(plain);
    plain.write(GET);
    expect(await text).toMatch(/^HTTP\/1\.1 400 [^]*https:/);
    plain.destroy();
    expect((await ask(GET)).text).toContain('200 OK');
  });

  test('with TLS on a Unix socket answers a client that has finished sending', async () => {
    const path = join(folder, 'secure');
    await make().listen({ socket: path, tls: certificate('unix') });
    const socket = connectTls({ path, rejectUnauthorized: false, allowHalfOpen: true } as object);
    const text = readAll(socket);
    await once(socket, 'secureConnect');
    socket.end(GET);
    expect(parse(await text).status).toBe(200);
  });

  test.each([
    ['in time', { headTimeoutMs: 200 }],
    ['when it closes', { headTimeoutMs: 60_000, closeTimeoutMs: 60_000 }],
  ])('with TLS lets go of clients that begin to shake hands and stop: %s', async (when, limits) => {
    const server = make({ limits });
    const [address] = await server.listen({ port: 0, host: '127.0.0.1', tls: certificate('first') });
    const socket = connect({ port: address?.port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    const text = readAll(socket);
    // The beginning of a record of the handshake protocol.
    socket.write(Buffer.from([0x16, 3, 1, 2]));
    await once(socket, 'connect');
    if (when === 'in time') socket.end();
    else await server.close();
    expect(await text).toBe('');
    await server.close();
  });
});

describe('an address opened without node:cluster', () => {
  type Listen = (server: NetServer, place: object) => void;
  const documented: Listen = (server, place) => server.listen(place);
  const direct: Listen = (server, place) => expect(openDirectly(server, place, () => undefined)).toBe(true);

  async function outcome(listen: Listen, place: object): Promise<object> {
    const server = createNetServer();
    onTestFinished(() => void server.close());
    const ended = once(server, 'listening').then(
      () => undefined,
      (error: NodeJS.ErrnoException & { address?: string }) => error,
    );
    listen(server, place);
    const error = await ended;
    if (error !== undefined) {
      const { message, code, errno, syscall, address } = error;
      return { message, code, errno, syscall, address };
    }
    return { ...(server.address() as AddressInfo), port: 0, isListening: server.listening };
  }

  test.each(['127.0.0.1', '::1', '0.0.0.0', '192.0.2.1'])('%s becomes what `listen` makes of it', async (host) => {
    const place = { host, port: 0, backlog: 16 };
    expect(await outcome(direct, place)).toEqual(await outcome(documented, place));
  });

  test('a port in use fails as with `listen`', async () => {
    const taken = createNetServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const place = { host: '127.0.0.1', port: (taken.address() as AddressInfo).port };
    const failure = await outcome(direct, place);
    expect(failure).toMatchObject({ code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1' });
    expect(failure).toEqual(await outcome(documented, place));
  });

  test.each([{ path: '/nowhere/socket' }, { fd: 3 }, { host: 'localhost', port: 0 }, { host: '127.0.0.1' }])(
    '%o is left to `listen`',
    (place) => {
      expect(openDirectly(createNetServer(), place, () => undefined)).toBe(false);
    },
  );
});

describe('trusted proxies', () => {
  const trusted = addressMatcher('trustedProxies', ['10.0.0.0/8', '127.0.0.1', '::1']);

  test.each([
    ['nothing told', [], '10.0.0.1'],
    ['one client', ['1.2.3.4'], '1.2.3.4'],
    ['a chain of proxies', ['6.6.6.6, 1.2.3.4, 10.2.2.2'], '1.2.3.4'],
    ['several lines', ['6.6.6.6', '1.2.3.4', '10.2.2.2'], '1.2.3.4'],
    ['a port', ['1.2.3.4:5678'], '1.2.3.4'],
    ['IPv6', ['[2001:db8::1]:443'], '2001:db8::1'],
    ['IPv4 in IPv6', ['::ffff:1.2.3.4'], '1.2.3.4'],
    ['nonsense', ['1.2.3.4, unknown, 10.2.2.2'], '10.2.2.2'],
    ['only proxies', ['10.1.1.1, 10.2.2.2'], '10.1.1.1'],
  ])('are believed as far as they are trusted: %s', (_, lines, address) => {
    const fields = lines.map((line) => ['x-forwarded-for', line] as const);
    expect(forwarded(fields, { address: '10.0.0.1', scheme: 'http' }, trusted).address).toBe(address);
  });

  test('say the scheme and the client; others say nothing', async () => {
    const bytes = 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n';
    const believing = await start({ ...ECHO, trustedProxies: ['127.0.0.0/8'] });
    onTestFinished(() => believing.close());
    expect(parse(await believing.exchange(bytes)).content).toMatch(/^https 1\.2\.3\.4 /);
    const doubting = await start({ ...ECHO, trustedProxies: ['10.0.0.0/8'] });
    onTestFinished(() => doubting.close());
    expect(parse(await doubting.exchange(bytes)).content).toMatch(/^http 127\.0\.0\.1 /);
  });

  test.each(['localhost', '10.0.0.0/33', '10.0.0.0/', '1.2.3.4/8/9'])('%s is refused at once', (entry) => {
    expect(() => addressMatcher('trustedProxies', [entry])).toThrow(/trustedProxies/);
  });
});
