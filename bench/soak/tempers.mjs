// How a client behaves: it asks and compares, breaks off, reads slowly, uploads. Each makes one connection and resolves with what
// it saw: 'right', 'harmed' where the process behind it was killed, or a few words. A client that leaves early counts as right;
// the server's part is what it leaves behind.

import { createConnection } from 'node:net';

import { exchange, requestBytes } from '../../differential/client.mjs';

export const isStatus =
  (...statuses) =>
  (answer) =>
    statuses.includes(answer.status) && answer.isWhole ? 'right' : `${answer.status}, whole: ${answer.isWhole}`;

/** For what a process answers that may be killed: its end is 500, 502 or 503, or an answer that is broken off. */
export const orHarmed = (judge) => (answer, request) => {
  const seen = judge(answer, request);
  const isHarm = [500, 502, 503].includes(answer.status) || !answer.isWhole || answer.ending === 'reset';
  return seen !== 'right' && isHarm && answer.ending !== 'silence' ? 'harmed' : seen;
};

/** Asks and compares. */
export const asks = (request, judge) => async (port, random) => {
  const made = typeof request === 'function' ? request(random) : request;
  return judge(await exchange(port, made), made);
};

/** Sends a head that announces more content than it sends, some of the content, and leaves. */
export const breaksOff = (method, target) => (port, random) => {
  const announced = random.int(1, 600_000);
  const sent = random.int(0, announced - 1);
  const head = requestBytes({ method, target, fields: [['Content-Length', announced]] });
  return leaving(port, [head, Buffer.alloc(sent, 'u')], random);
};

/** Asks, reads some of the answer, stops reading for a while, and leaves. */
export const readsSlowly = (target) => (port, random) => leaving(port, [requestBytes({ target })], random, true);

/** Connects, sends pieces, and leaves after a random while, by FIN or by reset. */
function leaving(port, pieces, random, pauses = false) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    const stays = random.int(0, 300);
    const resets = random.chance(0.5);
    socket.once('connect', () => {
      for (const piece of pieces) socket.write(piece);
      if (pauses) socket.once('data', () => socket.pause());
      else socket.resume();
      setTimeout(() => (resets ? socket.resetAndDestroy() : socket.destroy()), stays);
    });
    socket.on('error', () => undefined).once('close', () => resolve('right'));
  });
}

export const posts = (target, judge) =>
  asks((random) => {
    const content = Buffer.alloc(random.length(300_000), 'c');
    return { method: 'POST', target, fields: [['Content-Length', content.length]], content };
  }, judge);

export const sizes = (answer, { content }) =>
  answer.status === 200 && answer.content.toString() === String(content.length)
    ? 'right'
    : `${answer.status}, whole: ${answer.isWhole}, "${answer.content.subarray(0, 80)}" for ${content.length} bytes`;

export const echoes = (answer, { content }) =>
  answer.status === 200 && answer.content.equals(content)
    ? 'right'
    : `${answer.status}, whole: ${answer.isWhole}, ${answer.content.length} of ${content.length} bytes`;
