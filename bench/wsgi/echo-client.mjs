// Load on a WebSocket that echoes: so many connections, each with one message under way. Prints what it counted as JSON.
//
//   node echo-client.mjs PORT CONNECTIONS SECONDS BYTES
//
// Frames are made once, and echoes counted by their length, so that the client costs little beside the server.

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const [port, connections, seconds, bytes] = process.argv.slice(2).map(Number);

/** A whole text message, masked as a client's has to be. */
function messageOf(size) {
  const mask = randomBytes(4);
  const content = Buffer.alloc(size, 'a message of text ').map((byte, index) => byte ^ mask[index & 3]);
  return Buffer.concat([header(size, 0x80), mask, content]);
}

function header(size, maskBit) {
  if (size < 126) return Buffer.from([0x81, maskBit | size]);
  const long = Buffer.from([0x81, maskBit | 126, 0, 0]);
  long.writeUInt16BE(size, 2);
  return long;
}

const message = messageOf(bytes);
const echoBytes = header(bytes, 0).length + bytes;
const latencies = [];
let isOver = false;

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received = -1;
    let sentAt = 0;
    const send = () => {
      sentAt = performance.now();
      socket.write(message);
    };
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      if (received === -1) {
        const head = chunk.toString('latin1');
        if (!head.startsWith('HTTP/1.1 101 ') || !head.endsWith('\r\n\r\n')) return reject(new Error(head));
        received = 0;
        return resolve({ send, end: () => socket.destroy() });
      }
      received += chunk.length;
      if (received < echoBytes) return;
      if (received > echoBytes) throw new Error(`${received} bytes for an echo of ${echoBytes}`);
      received = 0;
      latencies.push(performance.now() - sentAt);
      if (!isOver) send();
    });
    const fields = ['Host: 127.0.0.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    const key = `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`;
    socket.write(`GET /messages HTTP/1.1\r\n${[...fields, key].join('\r\n')}\r\n\r\n`);
  });
}

const clients = await Promise.all(Array.from({ length: connections }, open));
for (const { send } of clients) send();
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
isOver = true;
for (const { end } of clients) end();
latencies.sort((a, b) => a - b);
const at = (part) => latencies[Math.floor(latencies.length * part)];
console.log(JSON.stringify({ requests: latencies.length, p50: at(0.5), p99: at(0.99) }));
