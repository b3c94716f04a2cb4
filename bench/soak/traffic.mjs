// Clients of every temper. Each makes one connection, does what its name says, and resolves with what it saw: 'right',
// 'harmed' where the script or worker behind it was killed, or a few words. A client that leaves early counts as right; the
// server's part is what it leaves behind.

import { createConnection } from 'node:net';

import { exchange, requestBytes } from '../../differential/client.mjs';

const isStatus =
  (...statuses) =>
  (answer) =>
    statuses.includes(answer.status) && answer.isWhole ? 'right' : `${answer.status}, whole: ${answer.isWhole}`;

/** For what a process answers that may be killed: its end is 500, 502 or 503, or an answer that is broken off. */
const orHarmed = (judge) => (answer, request) => {
  const seen = judge(answer, request);
  const isHarm = [500, 502, 503].includes(answer.status) || !answer.isWhole || answer.ending === 'reset';
  return seen !== 'right' && isHarm && answer.ending !== 'silence' ? 'harmed' : seen;
};

/** Asks and compares. */
const asks = (request, judge) => async (port, random) => {
  const made = typeof request === 'function' ? request(random) : request;
  return judge(await exchange(port, made), made);
};

/** Sends a head that announces more content than it sends, some of the content, and leaves. */
const breaksOff = (method, target) => (port, random) => {
  const announced = random.int(1, 600_000);
  const sent = random.int(0, announced - 1);
  const head = requestBytes({ method, target, fields: [['Content-Length', announced]] });
  return leaving(port, [head, Buffer.alloc(sent, 'u')], random);
};

/** Asks, reads some of the answer, stops reading for a while, and leaves. */
const readsSlowly = (target) => (port, random) => leaving(port, [requestBytes({ target })], random, true);

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

const posts = (target, judge) =>
  asks((random) => {
    const content = Buffer.alloc(random.length(300_000), 'c');
    return { method: 'POST', target, fields: [['Content-Length', content.length]], content };
  }, judge);

const echoes = (answer, { content }) =>
  answer.status === 200 && answer.content.equals(content)
    ? 'right'
    : `${answer.status}, ${answer.content.length} of ${content.length} bytes`;

/** Name to client. The names are the rows of the report. */
export const clients = {
  'a small file': asks({ target: '/small.txt' }, isStatus(200)),
  'a large file': asks({ target: '/large.bin' }, isStatus(200)),
  'a range': asks({ target: '/large.bin', fields: [['Range', 'bytes=5-99999']] }, isStatus(206)),
  'text, compressed': asks({ target: '/text.txt', fields: [['Accept-Encoding', 'gzip']] }, isStatus(200)),
  'a listing': asks({ target: '/many/' }, isStatus(200)),
  'a missing path': asks((random) => ({ target: `/none-${random.string(8)}` }), isStatus(404)),
  'a malformed request': asks({ target: '/%zz' }, isStatus(400)),
  'a script': asks({ target: '/cgi-bin/hello.sh' }, orHarmed(isStatus(200))),
  'a slow script': asks({ target: '/cgi-bin/slow.sh' }, orHarmed(isStatus(200))),
  'an upload to a script': posts('/cgi-bin/echo.sh', orHarmed(echoes)),
  'an upload to a script that does not read': posts('/cgi-bin/ignore.sh', orHarmed(isStatus(200))),
  'a script that kills itself': asks({ target: '/cgi-bin/killed.sh' }, ({ status, isWhole }) =>
    status >= 500 || !isWhole ? 'right' : `${status}, whole`,
  ),
  'a script with children': asks({ target: '/cgi-bin/child.sh' }, orHarmed(isStatus(200))),
  'a script with words on standard error': asks({ target: '/cgi-bin/noisy.sh' }, orHarmed(isStatus(200))),
  'a script without a header': asks({ target: '/cgi-bin/nonsense.sh' }, isStatus(500, 502, 503)),
  Python: asks({ target: '/python/' }, orHarmed(isStatus(200))),
  'an upload to Python': posts('/python/', orHarmed(isStatus(200))),
  'an exception in Python': asks({ target: '/python/raise' }, isStatus(500, 502, 503)),
  'a large answer of Python': asks({ target: '/python/large' }, orHarmed(isStatus(200))),
  'a PUT': asks(
    (random) => {
      const content = Buffer.alloc(random.length(200_000), 'p');
      const target = `/put/${random.int(0, 9)}.bin`;
      return { method: 'PUT', target, fields: [['Content-Length', content.length]], content };
    },
    isStatus(201, 204),
  ),
  'a DELETE': asks((random) => ({ method: 'DELETE', target: `/put/${random.int(0, 9)}.bin` }), isStatus(204, 404)),
  'a PUT broken off': breaksOff('PUT', '/put/broken.bin'),
  'an upload to a script broken off': breaksOff('POST', '/cgi-bin/echo.sh'),
  'an upload that no script reads broken off': breaksOff('POST', '/cgi-bin/ignore.sh'),
  'an upload to Python broken off': breaksOff('POST', '/python/'),
  'a slow reader of a file': readsSlowly('/large.bin'),
  'a slow reader of a script': readsSlowly('/cgi-bin/large.sh'),
  'a slow reader of Python': readsSlowly('/python/large'),
  'a slow reader of a listing': readsSlowly('/many/'),
};
