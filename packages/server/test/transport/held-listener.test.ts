import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer as createNetServer, Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createServer } from '@onezero/server';
import { holdListener } from '../../src/transport/held-listener.ts';
import { textResponse } from '../exchange.ts';

function ask(where: { port: number; host: string } | { path: string }): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(where, () => socket.end('GET / HTTP/1.0\r\n\r\n'));
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.on('close', () => resolve(text));
  });
}

const routes = [{ responder: () => textResponse('served') }];

describe('holdListener', () => {
  test('binds what a server then accepts from by its descriptor', async () => {
    const held = await holdListener({ host: '127.0.0.1', port: 0 });
    const { port } = held.address;
    expect(held.address).toMatchObject({ url: `http://127.0.0.1:${port}`, secure: false });
    const server = createServer({ routes });
    const [address] = await server.listen({ fd: held.descriptors });
    expect(address).toEqual(held.address);
    expect(await ask({ port, host: '127.0.0.1' })).toContain('served');
    await server.close();
  });

  test('lets nobody in before another listens', async () => {
    const listen = vi.spyOn(NetServer.prototype, 'listen');
    onTestFinished(() => listen.mockRestore());
    const held = await holdListener({ port: 0 });
    onTestFinished(() => held.close());
    expect(listen).not.toHaveBeenCalled();
    expect(await ask({ port: held.address.port, host: '127.0.0.1' })).toBe('ECONNREFUSED');
  });

  test('binds localhost twice, and says so', async () => {
    const held = await holdListener({ port: 0 });
    onTestFinished(() => held.close());
    expect(held.address.url).toBe(`http://localhost:${held.address.port}`);
    expect(held.descriptors.length).toBeGreaterThan(0);
  });

  test('binds a Unix socket and removes it at the end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'onezero-held-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const socket = join(folder, 's');
    const held = await holdListener({ socket });
    expect(held.address).toEqual({ url: `unix:${socket}`, secure: false, address: socket, port: 0 });
    expect(existsSync(socket)).toBe(true);
    held.close();
    await expect.poll(() => existsSync(socket)).toBe(false);
  });

  test('rejects for a port that is taken', async () => {
    const busy = createNetServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => busy.once('listening', resolve));
    onTestFinished(() => void busy.close());
    const { port } = busy.address() as { port: number };
    await expect(holdListener({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });

  test('takes one way of saying where', async () => {
    await expect(holdListener({ port: 1, socket: '/nowhere' })).rejects.toThrow('a listener has either');
  });
});
