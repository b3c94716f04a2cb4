// A FastCGI and an SCGI application that answer with the fields that QUERY_STRING says, one a line, and with content that may be
// of no use to anybody.

import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface Application {
  readonly address: string;
  /** Connections that were made to it. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

/** The content behind the fields. */
const CONTENT = 'instead';

const answerTo = (query: string): string => `${decodeURIComponent(query)}\n\n${CONTENT}`;

/** Keeps its connections, and splits its content in two records. */
export async function fastcgiApplication(): Promise<Application> {
  return listening((socket) => {
    let bytes = Buffer.alloc(0);
    let params = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt16BE(4)) {
        const [type, content] = [bytes[1], bytes.subarray(8, 8 + bytes.readUInt16BE(4))];
        bytes = bytes.subarray(8 + content.length);
        if (type === 1) params = Buffer.alloc(0);
        if (type === 4) params = Buffer.concat([params, content]);
        if (type !== 5 || content.length > 0) continue;
        const answer = answerTo(queryIn(params));
        socket.write(Buffer.concat([record(6, answer.slice(0, -3)), record(7, 'a word for the log\n')]));
        setImmediate(() => socket.write(Buffer.concat([record(6, answer.slice(-3)), record(6, ''), record(3, END)])));
      }
    });
  });
}

export async function scgiApplication(): Promise<Application> {
  return listening((socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const end = text.indexOf(':') + 1 + Number.parseInt(text, 10);
      if (text.length <= end) return;
      const words = text.slice(text.indexOf(':') + 1, end).split('\0');
      socket.end(answerTo(words[words.indexOf('QUERY_STRING') + 1] ?? ''));
    });
  });
}

const END = '\0\0\0\0\0\0\0\0';

function record(type: number, text: string): Buffer {
  const header = Buffer.from([1, type, 0, 1, text.length >> 8, text.length & 255, 0, 0]);
  return Buffer.concat([header, Buffer.from(text, 'latin1')]);
}

function queryIn(params: Buffer): string {
  for (let at = 0; at < params.length;) {
    const lengths = [0, 0].map(() => {
      const short = params[at] ?? 0;
      at += short < 128 ? 1 : 4;
      return short < 128 ? short : params.readUInt32BE(at - 4) - 0x80_00_00_00;
    });
    const [name = 0, value = 0] = lengths;
    if (params.toString('latin1', at, at + name) === 'QUERY_STRING') {
      return params.toString('latin1', at + name, at + name + value);
    }
    at += name + value;
  }
  return '';
}

async function listening(serve: (socket: Socket) => void): Promise<Application> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
