// A client that keeps its connection, asks several times, leaves when it is told to, and reports each response.

import { createConnection } from 'node:net';
import { ResponseParser } from '@onezero/http-parser';

/** A guard, never a measurement: a case in which both servers are silent tells nothing and is a mistake of the plan. */
const SILENCE_MS = 10_000;

/** Requests on one connection: how each is sent, and whether and how the client leaves before the end. */
export function randomVisit(random, plans) {
  const requests = plans.map((plan) => randomRequest(random, plan));
  const leaves = random.chance(0.12);
  return {
    requests,
    // node:http answers 400, and nothing else, where something follows a request that said close.
    isPipelined: requests.length > 1 && requests.every(mayBeFollowed) && random.chance(0.3),
    // The octets after which it leaves; they may never come.
    leavesAfter: leaves ? random.pick([0, 1, 50, 200, 1000, 20_000, 100_000]) : undefined,
    leavesBy: random.pick(['destroy', 'resetAndDestroy']),
    cuts: random.int(1, 6),
  };
}

function mayBeFollowed({ content, version, connection }) {
  return content === undefined && version === '1.1' && connection !== 'close';
}

function randomRequest(random, plan) {
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
  // HEAD over 1.0 lives on here (http-parser's `frameResponse`), and not under node:http.
  const version = method !== 'HEAD' && random.chance(0.25) ? '1.0' : '1.1';
  const connection = random.pick([undefined, undefined, undefined, 'close', 'keep-alive']);
  const hasContent = (method === 'POST' || method === 'PUT') && random.chance(0.8);
  const isChunked = hasContent && version === '1.1' && random.chance(0.4);
  const content = hasContent ? 'c'.repeat(random.pick([0, 1, 10, 2000, 70_000])) : undefined;
  return { plan, method, version, connection, isChunked, content: method === 'POST' ? (content ?? '') : content };
}

/** The bytes of a request for the plan with a number. */
function bytesOf(random, { method, version, connection, isChunked, content }, number) {
  const lines = ['Host: localhost', `X-Number: ${number}`];
  if (connection !== undefined) lines.push(`Connection: ${connection}`);
  if (isChunked) lines.push('Transfer-Encoding: chunked');
  else if (content !== undefined) lines.push(`Content-Length: ${content.length}`);
  const head = `${method} /${number} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n`;
  return Buffer.from(head + (isChunked ? chunked(random, content) : (content ?? '')));
}

function chunked(random, content) {
  let at = 0;
  let text = '';
  while (at < content.length) {
    const size = Math.min(content.length - at, random.int(1, 9000));
    text += `${size.toString(16)}\r\n${content.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${text}0\r\n\r\n`;
}

/** Makes the visit; resolves to one report for each response that began, and how the connection ended. */
export function visit(port, { requests, isPipelined, leavesAfter, leavesBy, cuts }, random, numbers) {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    const parser = new ResponseParser();
    const reports = [];
    let current = -1;
    let received = 0;
    let interim = [];
    const finish = (ending) => {
      socket.destroy();
      resolve({ reports, ending });
    };
    let sent = Promise.resolve();
    // A response may come before its request is out; the next request waits for that all the same.
    const send = (bytes) => {
      sent = sent.then(() => sendPieces(bytes));
    };
    const sendPieces = async (bytes) => {
      for (const piece of random.cut(bytes, cuts)) {
        if (socket.destroyed) return;
        await new Promise((written) => socket.write(piece, () => setImmediate(written)));
      }
    };
    const ask = () => {
      current += 1;
      const request = requests[current];
      if (request === undefined) return finish('kept');
      if (!isPipelined || current === 0) {
        const all = isPipelined ? requests : [request];
        send(Buffer.concat(all.map((one, index) => bytesOf(random, one, numbers[current + index]))));
      }
      take(parser.next(request));
    };
    const take = (events) => {
      for (const event of events) {
        const report = reports.at(-1);
        if (event.type === 'interim') interim.push(event.head.status);
        else if (event.type === 'head') {
          reports.push({ ...event, chunks: [], interim, isWhole: false });
          interim = [];
        } else if (event.type === 'content') report.chunks.push(Buffer.from(event.bytes));
        else if (event.type === 'end') report.isWhole = true;
        else return finish('broken');
      }
      if (parser.state === 'idle') ask();
      else if (parser.state === 'closed') socket.end();
    };
    socket.setTimeout(SILENCE_MS, () => finish('silence'));
    socket.on('data', (bytes) => {
      received += bytes.length;
      if (leavesAfter !== undefined && received >= leavesAfter) {
        socket[leavesBy]();
        return resolve({ reports: [], ending: 'left' });
      }
      take(parser.push(bytes));
    });
    socket.once('end', () => {
      take(parser.end());
      finish('closed');
    });
    socket.once('error', () => finish('closed'));
    socket.once('connect', () => {
      ask();
      if (leavesAfter === 0) {
        socket[leavesBy]();
        resolve({ reports: [], ending: 'left' });
      }
    });
  });
}
