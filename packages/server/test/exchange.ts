// Raw bytes in, raw bytes out, over a real socket. Nothing here knows HTTP.

import { connect, type Socket } from 'node:net';
import { createServer } from '@onezero/server';
import type { Server, ServerOptions } from '../src/options.ts';

/** A server on a free port, and how to talk to it. */
export interface Running {
  readonly server: Server;
  readonly port: number;
  /** Sends bytes, finishes sending unless told not to, and resolves with all that came until the server closed. */
  exchange(bytes: string | Uint8Array | readonly string[], how?: { readonly halfClose?: boolean }): Promise<string>;
  connect(): Promise<Socket>;
  close(): Promise<void>;
}

/** Starts a server; whoever starts it closes it. */
export async function start(options: ServerOptions): Promise<Running> {
  const server = createServer(options);
  const [address] = await server.listen({ port: 0, host: '127.0.0.1' });
  const port = address?.port ?? 0;
  return {
    server,
    port,
    exchange: (bytes, { halfClose = true } = {}) => exchange(port, bytes, halfClose),
    connect: () => opened(port),
    close: () => server.close({ graceMs: 0 }),
  };
}

async function exchange(
  port: number,
  bytes: string | Uint8Array | readonly string[],
  halfClose: boolean,
): Promise<string> {
  const socket = await opened(port);
  const received = readAll(socket);
  for (const piece of [bytes].flat()) {
    socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    // Separate packets: the next piece leaves when this one is with the system.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (halfClose) socket.end();
  const text = await received;
  socket.destroy();
  return text;
}

/** Everything that comes until the other side finishes or resets, one character for each byte. */
export function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const finish = (): void => resolve(Buffer.concat(chunks).toString('latin1'));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', finish);
    socket.on('close', finish);
    socket.on('error', () => {});
  });
}

/** Resolves with what has come once it matches. */
export function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!pattern.test(text)) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      resolve(text);
    };
    const onClose = (): void => reject(new Error(`closed before ${pattern.source}: ${text}`));
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.on('error', () => {});
  });
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.once('connect', () => {
      socket.setNoDelay(true);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** One response taken apart. */
export interface Parsed {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly content: string;
}

/**
 * Splits a response (the first of them) into head and the rest; repeated fields are joined with a comma. A client that has
 * finished sending and waits long, as on a busy machine, is sent 100 (Continue) first, to see whether it is still there.
 */
export function parse(received: string): Parsed {
  const text = received.replace(/^(?:HTTP\/1\.1 100 Continue\r\n\r\n)+/, '');
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text.slice(0, end).split('\r\n');
  const fields = new Map<string, string>();
  for (const one of lines) {
    const colon = one.indexOf(':');
    const name = one.slice(0, colon).toLowerCase();
    const value = one.slice(colon + 1).trim();
    fields.set(name, fields.has(name) ? `${fields.get(name)}, ${value}` : value);
  }
  return { status: Number(line.split(' ')[1]), fields, content: text.slice(end + 4) };
}

/** Makes a responder's answer of text. */
export function textResponse(text: string, status = 200): { status: number; fields: []; content: Uint8Array } {
  return { status, fields: [], content: Buffer.from(text) };
}
