// Connections before and in their TLS handshake, over TCP and over Unix sockets, where no client has an address.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type AddressInfo, type NetConnectOpts, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { selfSigned } from '../../src/operations/self-signed.ts';
import { frontOf } from '../../src/transport/secure-fronts.ts';
import { secureServer } from '../../src/transport/secure-server.ts';
import type { Receiver, Transport } from '../../src/transport/transport.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-handshakes-'));
afterAll(() => rmSync(folder, { recursive: true }));

const made = selfSigned(['localhost'], new Date(), new Date(Date.now() + 86_400_000));
let accepted: Transport[] = [];
beforeEach(() => {
  accepted = [];
});

let sockets = 0;

/** A listening server and where it is. */
async function listen(kind: string, handshakeTimeoutMs = 60_000): Promise<{ server: Server; where: NetConnectOpts }> {
  const accept = (transport: Transport): Receiver => {
    accepted.push(transport);
    return { received: (bytes) => void transport.write(bytes), finished: () => transport.end(), closed: () => {} };
  };
  const server = await secureServer(made, {
    accept,
    sendsProxyHeader: () => false,
    handshakeTimeoutMs,
    maxConnections: () => 0,
  });
  const path = join(folder, String(++sockets));
  await once(kind === 'TCP' ? server.listen(0, '127.0.0.1') : server.listen(path), 'listening');
  onTestFinished(() => void server.close());
  const where = kind === 'TCP' ? { port: (server.address() as AddressInfo).port, host: '127.0.0.1' } : { path };
  return { server, where };
}

/** A client that speaks no TLS yet, with what it has got. */
async function client(where: NetConnectOpts): Promise<{ socket: Socket; got: () => string }> {
  const socket = connect(where);
  let text = '';
  socket.on('data', (bytes: Buffer) => (text += String(bytes))).on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return { socket, got: () => text };
}

async function secured(where: NetConnectOpts): Promise<Socket> {
  const socket = connectTls({ ...where, rejectUnauthorized: false } as object);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

test('a limit of connections that changes holds from then on', async () => {
  let limit = 1;
  const accept = (): undefined => undefined;
  const settings = { accept, sendsProxyHeader: () => false, handshakeTimeoutMs: 1000, maxConnections: () => limit };
  const server = await secureServer(made, settings);
  expect(server.maxConnections).toBe(1);
  limit = 3;
  expect(server.maxConnections).toBe(3);
  // For no limit.
  limit = 0;
  expect(server.maxConnections).toBeUndefined();
});

describe.each(['TCP', 'a Unix socket'])('over %s', (kind) => {
  test('a client that speaks HTTP is told so, and no other is', async () => {
    const { where } = await listen(kind);
    const before = await client(where);
    const plain = await client(where);
    const behind = await client(where);
    plain.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(plain.got).toMatch(/^HTTP\/1\.1 400 [^]*This port speaks HTTPS/);
    if (!plain.socket.closed) await once(plain.socket, 'close');
    expect([before.got(), behind.got()]).toEqual(['', '']);
    expect([before.socket.closed, behind.socket.closed]).toEqual([false, false]);
  });

  test('all that are in the middle are abandoned, and those that are through are not', async () => {
    const { server, where } = await listen(kind);
    const waiting = await Promise.all([1, 2, 3].map(() => client(where)));
    const through = await secured(where);
    await expect.poll(() => accepted).toHaveLength(1);
    // What has come so far of a handshake makes no difference.
    waiting[0]?.socket.write(Buffer.from([0x16, 0x03, 0x01]));
    await new Promise((resolve) => setImmediate(resolve));
    const closes = waiting.map(({ socket }) => once(socket, 'close'));
    frontOf(server)?.abandonPending();
    await Promise.all(closes);
    through.write('still here');
    expect(String((await once(through, 'data'))[0])).toBe('still here');
  });

  test('who finishes sending in the middle is let go, and who does so afterwards still gets an answer', async () => {
    const { server, where } = await listen(kind);
    const leaving = await Promise.all([1, 2, 3].map(() => client(where)));
    leaving[0]?.socket.write(Buffer.from([0x16, 0x03, 0x01]));
    for (const { socket } of leaving) socket.end();
    await expect
      .poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count))), { timeout: 10_000 })
      .toBe(0);
    const through = await secured(where);
    through.end('last words');
    expect(String((await once(through, 'data'))[0])).toBe('last words');
  });

  test('nonsense and silence are closed without a word', async () => {
    const { where } = await listen(kind, 50);
    const nonsense = await client(where);
    const silent = await client(where);
    nonsense.socket.write(Buffer.alloc(100, 0xff));
    // A reset is as good: `once` would take it for a failure.
    for (const { socket } of [nonsense, silent]) await expect.poll(() => socket.closed).toBe(true);
    expect(silent.got()).toBe('');
    expect(nonsense.got()).not.toContain('HTTP');
    expect(accepted).toEqual([]);
  });

  test('a renewed certificate is that of the handshakes to come', async () => {
    const { server, where } = await listen(kind);
    const subjectOf = async (): Promise<unknown> => {
      const socket = (await secured(where)) as Socket & { getPeerCertificate(): { subject: unknown } };
      return socket.getPeerCertificate().subject;
    };
    expect(await subjectOf()).toEqual({ CN: 'onezero for localhost' });
    frontOf(server)?.renew(selfSigned(['other'], new Date(), new Date(Date.now() + 86_400_000)));
    expect(await subjectOf()).toEqual({ CN: 'onezero for other' });
    expect(() => frontOf(server)?.renew({ cert: 'nonsense', key: made.key })).toThrow();
    expect(await subjectOf()).toEqual({ CN: 'onezero for other' });
  });
});
