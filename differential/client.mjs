// A client that sends exactly the bytes it is given and reports exactly what came back: no redirects, no pool, no repairs.

import { createHash } from 'node:crypto';
import { createConnection } from 'node:net';

/** How long one exchange may take before it counts as `ending: 'silence'`; a guard, never a measurement. */
const SILENCE_MS = 120_000;

/** A request as bytes. Fields are `[name, value]` pairs; `Host` and `Connection: close` are added unless given. */
export function requestBytes({ method = 'GET', target = '/', version = '1.1', fields = [], content = '' }) {
  const has = (name) => fields.some(([given]) => given.toLowerCase() === name);
  const added = [
    ...(has('host') ? [] : [['Host', 'localhost']]),
    ...(has('connection') ? [] : [['Connection', 'close']]),
  ];
  const lines = [...added, ...fields].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = Buffer.from(`${method} ${target} HTTP/${version}\r\n${lines}\r\n`, 'latin1');
  return Buffer.concat([head, Buffer.from(content)]);
}

/**
 * Sends pieces of bytes over a new connection and collects all that comes until the server closes it.
 *
 * @param {number | string} where a port of 127.0.0.1, or the path of a Unix socket
 * @param {readonly Uint8Array[]} pieces each is written when the one before is with the system
 * @param {{ untilFirstBytes?: boolean, silenceMs?: number }} [options] `untilFirstBytes` leaves after the first bytes,
 *   where a server would keep the connection; `silenceMs` is how long to wait for more, two minutes unless given
 * @returns {Promise<{ bytes: Buffer, ending: 'end' | 'reset' | 'silence' }>}
 */
export function sendBytes(where, pieces, { untilFirstBytes = false, silenceMs = SILENCE_MS } = {}) {
  return new Promise((resolve) => {
    const received = [];
    const socket = typeof where === 'number' ? createConnection(where, '127.0.0.1') : createConnection(where);
    socket.setNoDelay(true);
    const finish = (ending) => {
      socket.destroy();
      resolve({ bytes: Buffer.concat(received), ending });
    };
    socket.setTimeout(silenceMs, () => finish('silence'));
    socket.on('data', (bytes) => {
      received.push(bytes);
      if (untilFirstBytes) finish('end');
    });
    socket.once('end', () => finish('end')).once('error', () => finish('reset'));
    const send = (index) => {
      if (index < pieces.length && !socket.destroyed) socket.write(pieces[index], () => setImmediate(send, index + 1));
    };
    socket.once('connect', () => send(0));
  });
}

/**
 * One request over a new connection, and the response to it.
 *
 * @param {number | string} where a port of 127.0.0.1, or the path of a Unix socket
 */
export async function exchange(where, request) {
  const { bytes, ending } = await sendBytes(where, [requestBytes(request)]);
  return { ...readResponse(bytes, request.method ?? 'GET'), ending };
}

/**
 * Reads the last response in `bytes`; interim ones (1xx) are counted only.
 *
 * @returns {{ status: number, fields: [string, string][], content: Buffer, isWhole: boolean, interim: number[] }}
 *   `status` is 0 where no response was found
 */
export function readResponse(bytes, method) {
  const interim = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    const lines = rest.subarray(0, Math.max(0, end)).toString('latin1').split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(lines[0])?.[1] ?? 0);
    if (end < 0 || status === 0) return { status: 0, fields: [], content: rest, isWhole: false, interim };
    rest = rest.subarray(end + 4);
    if (status >= 100 && status < 200 && status !== 101) {
      interim.push(status);
      continue;
    }
    const fields = lines.slice(1).map(readField);
    return { status, fields, ...readContent(rest, status, fields, method), interim };
  }
}

/** @returns {[string, string]} */
function readField(line) {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

/** All values of a field, joined; undefined where it is missing. */
export function field({ fields }, name) {
  const values = fields.filter(([given]) => given === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

function readContent(bytes, status, fields, method) {
  if (method === 'HEAD' || status === 204 || status === 304) return { content: bytes, isWhole: bytes.length === 0 };
  if (/chunked$/i.test(field({ fields }, 'transfer-encoding') ?? '')) return readChunks(bytes);
  const length = field({ fields }, 'content-length');
  return { content: bytes, isWhole: length === undefined || Number(length) === bytes.length };
}

function readChunks(bytes) {
  const chunks = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    const size = end < 0 ? NaN : Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (Number.isNaN(size)) return { content: Buffer.concat(chunks), isWhole: false };
    if (size === 0) return { content: Buffer.concat(chunks), isWhole: bytes.indexOf('\r\n\r\n', end) >= 0 };
    chunks.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

/** Sends a part of the request, and goes. */
export function leave(port, { pieces, leaves }) {
  const bytes = Buffer.concat(pieces).subarray(0, leaves);
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => {
      socket.write(bytes, () => socket.destroy());
    });
    socket.on('error', () => {}).on('close', resolve);
  });
}

/** Content as a difference shows it: its length and the beginning of its hash. */
export function digest(content) {
  return `${content.length} ${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
}
