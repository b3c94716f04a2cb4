// What the soak's servers pass requests on to: an HTTP server of Node with an echo for WebSockets.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { acceptOf, frameOf, OPCODES, readFrames } from './web-socket.mjs';

const LARGE = Buffer.alloc(3_000_000, 'up');

/** Starts it; `{ url, stop() }`. */
export async function startUpstream() {
  const sockets = new Set();
  const server = createServer(answer).on('upgrade', echo);
  server.on('connection', (socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(request, response) {
  if (request.url === '/large') return response.end(LARGE);
  if (request.url === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write('data: tick\n\n'), 20);
    return response.once('close', () => clearInterval(timer));
  }
  let size = 0;
  request.on('data', (bytes) => (size += bytes.length)).on('error', () => undefined);
  return request.once('end', () => response.end(String(size)));
}

function echo(request, socket) {
  let bytes = Buffer.alloc(0);
  // Sockets of an HTTP server may stay half open.
  socket.on('error', () => undefined).on('end', () => socket.end());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Accept: ${acceptOf(request.headers['sec-websocket-key'])}\r\n\r\n`,
  );
  socket.on('data', (more) => {
    const { frames, rest } = readFrames(Buffer.concat([bytes, more]));
    bytes = rest;
    for (const { opcode, payload } of frames) {
      socket.write(frameOf(opcode, payload, false));
      if (opcode === OPCODES.close) socket.end();
    }
  });
}
