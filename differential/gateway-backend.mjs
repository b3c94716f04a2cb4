// A FastCGI and an SCGI application that do what a plan says, right or wrong. Each reads its protocol on its own, answers by the
// plan that QUERY_STRING numbers, and keeps what it was asked.
//
// A plan: { output: [{ to: 'out' | 'err' | 'raw', bytes, padding?, id?, version?, type?, pause? }], end, status?, early? }
//   end    'whole' END_REQUEST, then what the flag of the request says; 'no-end' closes without END_REQUEST; 'close' closes
//          without the end of a stream; 'reset'; 'silence' leaves the connection open; 'junk' writes more behind END_REQUEST
//   early  answers when the head is there, content unread

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';

export const OUT = 6;
export const ERR = 7;
const END = 3;

/** A record of FastCGI. */
export function record(type, content, { padding = 0, id = 1, version = 1 } = {}) {
  const header = Buffer.from([version, type, id >> 8, id & 255, content.length >> 8, content.length & 255, padding, 0]);
  return Buffer.concat([header, content, Buffer.alloc(padding)]);
}

function endRecord(status = 0, appStatus = 0) {
  const content = Buffer.alloc(8);
  content.writeInt32BE(appStatus);
  content[4] = status;
  return record(END, content);
}

/** All that a plan writes, as pieces. @returns {Buffer[]} */
function fastcgiBytes({ output, end, status, appStatus, cuts }) {
  const parts = output.map(({ to, bytes, type, ...how }) =>
    to === 'raw' ? bytes : record(type ?? (to === 'err' ? ERR : OUT), bytes, how),
  );
  if (end === 'whole' || end === 'junk') parts.push(record(OUT, Buffer.alloc(0)), endRecord(status, appStatus));
  if (end === 'end-only') parts.push(endRecord(status, appStatus));
  if (end === 'no-end') parts.push(record(OUT, Buffer.alloc(0)));
  if (end === 'junk') parts.push(record(OUT, Buffer.from('junk')));
  return cut(Buffer.concat(parts), cuts);
}

function scgiBytes({ output, cuts }) {
  return cut(Buffer.concat(output.filter(({ to }) => to === 'out').map(({ bytes }) => bytes)), cuts);
}

function cut(bytes, cuts) {
  const places = [0, ...cuts.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** Writes pieces, each when the one before is with the system, then ends as the plan says. */
function play(socket, pieces, { end, keeps }) {
  const next = (index) => {
    if (socket.destroyed) return;
    if (index < pieces.length) {
      socket.write(pieces[index], () => setImmediate(next, index + 1));
      return;
    }
    if (end === 'reset') socket.resetAndDestroy();
    else if (end === 'silence' || (keeps && (end === 'whole' || end === 'junk' || end === 'end-only'))) return;
    else socket.end();
  };
  next(0);
}

/** Listens on a port. `plans` is asked for the plan of a number; `asked` is told what came. */
async function listening(take) {
  const sockets = new Set();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    // What leaves, leaves: the end of its half is the end of the connection, once the answer is written.
    socket.on('end', () => socket.end());
    take(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const seen = (params, content) => ({
  method: params.get('REQUEST_METHOD'),
  length: params.get('CONTENT_LENGTH') ?? '',
  type: params.get('CONTENT_TYPE') ?? '',
  custom: params.get('HTTP_X_CUSTOM')?.length,
  content: content.length,
  digest: createHash('md5').update(content).digest('hex'),
});

export async function startFastcgi(planOf, asked) {
  return listening((socket) => {
    let bytes = Buffer.alloc(0);
    let params = [];
    let content = [];
    let keeps = false;
    const answer = (plan) => play(socket, fastcgiBytes(plan), { ...plan, keeps });
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt16BE(4) + bytes[6]) {
        const part = bytes.subarray(8, 8 + bytes.readUInt16BE(4));
        const type = bytes[1];
        bytes = bytes.subarray(8 + part.length + bytes[6]);
        if (type === 1) [keeps, params, content] = [part[2] === 1, [], []];
        if (type === 4 && part.length > 0) params.push(part);
        if (type === 5 && part.length > 0) content.push(part);
        if ((type !== 4 && type !== 5) || part.length > 0) continue;
        const pairs = readPairs(Buffer.concat(params));
        const plan = planOf(pairs.get('QUERY_STRING'));
        if (plan.early === true ? type === 4 : type === 5) answer(plan);
        if (type === 5)
          asked(pairs.get('QUERY_STRING'), pairs.get('SERVER_SOFTWARE'), seen(pairs, Buffer.concat(content)));
      }
    });
  });
}

export async function startScgi(planOf, asked) {
  return listening((socket) => {
    let bytes = Buffer.alloc(0);
    let params;
    let isDone = false;
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const colon = bytes.indexOf(':');
      if (params === undefined && colon > 0 && bytes.length >= colon + 2 + Number(bytes.toString('latin1', 0, colon))) {
        const end = colon + 1 + Number(bytes.toString('latin1', 0, colon));
        if (bytes[end] !== 0x2c) throw new Error('a netstring without its comma');
        const words = bytes.toString('latin1', colon + 1, end).split('\0');
        params = new Map(words.slice(0, -1).flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1]]] : [])));
        bytes = bytes.subarray(end + 1);
        const plan = planOf(params.get('QUERY_STRING'));
        if (plan.early === true) play(socket, scgiBytes(plan), plan);
      }
      if (params === undefined || isDone || bytes.length < Number(params.get('CONTENT_LENGTH'))) return;
      isDone = true;
      const plan = planOf(params.get('QUERY_STRING'));
      asked(params.get('QUERY_STRING'), params.get('SERVER_SOFTWARE'), seen(params, bytes));
      if (plan.early !== true) play(socket, scgiBytes(plan), plan);
    });
  });
}

function readPairs(bytes) {
  const found = new Map();
  let at = 0;
  const length = () => {
    if (bytes[at] < 128) return bytes[at++];
    at += 4;
    return bytes.readUInt32BE(at - 4) & 0x7fffffff;
  };
  while (at < bytes.length) {
    const [name, value] = [length(), length()];
    found.set(bytes.toString('latin1', at, at + name), bytes.toString('latin1', at + name, at + name + value));
    at += name + value;
  }
  return found;
}
