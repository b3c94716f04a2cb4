// A FastCGI application in a few lines that does what a test says, right or wrong. It reads records on its own.

import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface Asked {
  readonly params: ReadonlyMap<string, string>;
  readonly stdin: Buffer;
  readonly keeps: boolean;
  /** The number of the connection, and of the request on it. */
  readonly connection: number;
  readonly number: number;
  readonly reply: Reply;
}

export class Reply {
  readonly socket: Socket;
  #id = 1;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** What is written from here on is about this request. */
  as(id: number): this {
    this.#id = id;
    return this;
  }

  record(type: number, content: string | Uint8Array, padding = 0): this {
    const bytes = Buffer.from(content as string);
    const header = Buffer.from([1, type, 0, 1, 0, 0, padding, 0]);
    header.writeUInt16BE(this.#id, 2);
    header.writeUInt16BE(bytes.length, 4);
    this.socket.write(Buffer.concat([header, bytes, Buffer.alloc(padding)]));
    return this;
  }

  out(content: string | Uint8Array, padding?: number): this {
    return this.record(6, content, padding);
  }

  err(content: string): this {
    return this.record(7, content);
  }

  end(protocolStatus = 0, appStatus = 0): this {
    const body = Buffer.alloc(8);
    body.writeInt32BE(appStatus, 0);
    body[4] = protocolStatus;
    return this.record(6, '').record(3, body);
  }
}

export interface Backend {
  readonly address: string;
  readonly connections: () => number;
  readonly aborts: () => number;
  readonly close: () => Promise<void>;
}

/** Listens on a port. `answer` is called with each whole request, or with its head alone when `early`. */
export async function backend(answer: (asked: Asked) => void, port = 0): Promise<Backend> {
  let connections = 0;
  let aborts = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const connection = connections++;
    let number = 0;
    let bytes = Buffer.alloc(0);
    let params: Buffer[] = [];
    let stdin: Buffer[] = [];
    let keeps = false;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt16BE(4)) {
        const content = bytes.subarray(8, 8 + bytes.readUInt16BE(4));
        const type = bytes[1];
        bytes = bytes.subarray(8 + content.length + (bytes[6] ?? 0));
        if (type === 1) [keeps, params, stdin] = [content[2] === 1, [], []];
        if (type === 2) aborts++;
        if (type === 4) params.push(content);
        if (type === 5 && content.length > 0) stdin.push(content);
        if (type === 5 && content.length === 0) {
          const asked = { params: pairs(Buffer.concat(params)), stdin: Buffer.concat(stdin), keeps };
          answer({ ...asked, connection, number: number++, reply: new Reply(socket) });
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    aborts: () => aborts,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pairs(bytes: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  let at = 0;
  const length = (): number => {
    const first = bytes[at] ?? 0;
    if (first < 128) return ((at += 1), first);
    return ((at += 4), bytes.readUInt32BE(at - 4) - 0x80000000);
  };
  while (at < bytes.length) {
    const [name, value] = [length(), length()];
    found.set(bytes.toString('latin1', at, at + name), bytes.toString('latin1', at + name, at + name + value));
    at += name + value;
  }
  return found;
}
