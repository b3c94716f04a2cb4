// WebSocket frames (RFC 6455 §5) without extensions: as much of both ends as the soak needs.

import { createHash, randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8 };

/** The value of Sec-WebSocket-Accept for a key. */
export const acceptOf = (key) =>
  createHash('sha1')
    .update(key + GUID)
    .digest('base64');

/** One whole frame; those of a client are masked. */
export function frameOf(opcode, payload, isMasked) {
  const { length } = payload;
  const size = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : undefined;
  const head = Buffer.from([0x80 | opcode, ...(size ?? [127, 0, 0, 0, 0, ...bigEndian(length)])]);
  if (!isMasked) return Buffer.concat([head, payload]);
  head[1] |= 0x80;
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, masked(payload, mask)]);
}

/** Takes the frames that are complete off the front of `bytes`: `{ frames: [{ opcode, payload, isFinal }], rest }`. */
export function readFrames(bytes) {
  const frames = [];
  let rest = bytes;
  for (;;) {
    const frame = readFrame(rest);
    if (frame === undefined) return { frames, rest };
    frames.push(frame);
    rest = rest.subarray(frame.length);
  }
}

function readFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const sizeEnd = short === 127 ? 10 : short === 126 ? 4 : 2;
  const isMasked = bytes[1] >= 0x80;
  const start = sizeEnd + (isMasked ? 4 : 0);
  if (bytes.length < start) return undefined;
  const size = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < start + size) return undefined;
  const payload = bytes.subarray(start, start + size);
  return {
    opcode: bytes[0] & 0x0f,
    isFinal: bytes[0] >= 0x80,
    payload: isMasked ? masked(payload, bytes.subarray(sizeEnd, start)) : payload,
    length: start + size,
  };
}

const bigEndian = (number) => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255);
const masked = (payload, mask) => Buffer.from(payload.map((octet, index) => octet ^ mask[index & 3]));

/**
 * Opens a WebSocket at `target`, sends each of `messages` when the one before has come back, and closes it; with
 * `leavesAfter` it is reset after so many. Resolves with 'right', or what was seen instead.
 */
export function echoMessages(port, target, messages, leavesAfter = Number.POSITIVE_INFINITY) {
  return new Promise((resolve) => {
    const key = randomBytes(16).toString('base64');
    const socket = createConnection(port, '127.0.0.1');
    let bytes = Buffer.alloc(0);
    let isOpen = false;
    let echo = [];
    let sent = 0;
    const finish = (seen) => {
      socket.resetAndDestroy();
      resolve(seen);
    };
    const sendNext = () => {
      if (sent >= leavesAfter) return finish('right');
      const message = messages[sent++];
      const [opcode, payload] =
        message === undefined ? [OPCODES.close, Buffer.from([3, 232])] : [OPCODES.binary, message];
      return socket.write(frameOf(opcode, payload, true));
    };
    const take = ({ opcode, payload, isFinal }) => {
      if (opcode === OPCODES.close)
        return finish(sent > messages.length ? 'right' : `0, closed: ${payload.toString('hex')}`);
      echo.push(payload);
      if (!isFinal) return undefined;
      const isEqual = Buffer.concat(echo).equals(messages[sent - 1] ?? Buffer.alloc(0));
      echo = [];
      return isEqual ? sendNext() : finish('another message came back');
    };
    const open = () => {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = bytes.toString('latin1', 0, end);
      bytes = bytes.subarray(end + 4);
      isOpen = head.startsWith('HTTP/1.1 101') && head.includes(acceptOf(key));
      if (isOpen) sendNext();
      else finish(`${/\d{3}/.exec(head)?.[0] ?? 0}, no WebSocket`);
    };
    socket.setNoDelay(true).setTimeout(20_000, () => finish('silence'));
    socket.once('error', () => finish('0, reset')).once('close', () => resolve('0, closed without a word'));
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more]);
      if (!isOpen) open();
      if (!isOpen || socket.destroyed) return;
      const { frames, rest } = readFrames(bytes);
      bytes = rest;
      for (const frame of frames) if (!socket.destroyed) take(frame);
    });
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
  });
}
