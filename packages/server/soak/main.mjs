// What takes too long for a test: ten thousand idle connections, more slow ones than anybody should have, and a process that
// runs out of descriptors. Each part prints what it saw and fails when that is not good. Run: pnpm run soak
//
// The server runs in a child process of this file, so that its memory and descriptors are its own.

import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const self = fileURLToPath(import.meta.url);

if (process.argv[2] === 'serve') await serve();
else await main();

async function serve() {
  const { createServer } = await import('@onezero/server');
  const content = Buffer.from('hello');
  const server = createServer({
    limits: { maxConnections: 30_000, headTimeoutMs: 120_000 },
    routes: [{ responder: () => ({ status: 200, fields: [], content }) }],
  });
  const [{ port }] = await server.listen({ port: 0, host: '127.0.0.1' });
  process.send({ port });
  process.on('message', () => {
    globalThis.gc();
    process.send({ connections: server.connections, rss: process.memoryUsage().rss });
  });
}

async function main() {
  await part('10 000 idle connections', 12_000, idleConnections);
  await part('1 000 connections that dribble a head', 12_000, dribblers);
  await part('no descriptors left', 100, outOfDescriptors);
}

async function part(name, descriptors, run) {
  const command = `ulimit -n ${descriptors} && exec "$0" --expose-gc "$1" serve`;
  const child = spawn('/bin/sh', ['-c', command, process.execPath, self], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    const { port } = await message(child);
    const ask = async () => {
      child.send('how are you');
      return message(child);
    };
    console.log(`${name}: ${await run(port, ask)}`);
  } finally {
    child.kill();
  }
}

async function idleConnections(port, ask) {
  const before = await ask();
  const sockets = await openMany(port, 10_000);
  const { connections, rss } = await settled(ask, 10_000);
  const each = (rss - before.rss) / connections;
  check(each < 16_384, `${Math.round(each)} bytes for each`);
  const began = performance.now();
  await Promise.all(sockets.map((socket) => exchange(socket)));
  for (const socket of sockets) socket.destroy();
  return `${Math.round(each)} bytes each; all answered in ${Math.round(performance.now() - began)} ms`;
}

async function dribblers(port, ask) {
  const sockets = await openMany(port, 1000);
  const timer = setInterval(() => {
    for (const socket of sockets) socket.write('x');
  }, 1000);
  for (const socket of sockets) socket.write('GET /');
  const [one] = await openMany(port, 1);
  const began = performance.now();
  for (let count = 0; count < 2000; count += 1) await exchange(one);
  const rate = 2000 / ((performance.now() - began) / 1000);
  clearInterval(timer);
  await settled(ask, 1001);
  for (const socket of [...sockets, one]) socket.destroy();
  return `${Math.round(rate)} answers a second for another client`;
}

async function outOfDescriptors(port, ask) {
  const [first] = await openMany(port, 1);
  await exchange(first);
  const many = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await exchange(first);
  const { connections } = await ask();
  check(connections < 100, `${connections} connections are open`);
  for (const socket of many) socket.destroy();
  while ((await ask()).connections > 1);
  const [later] = await openMany(port, 1);
  await exchange(later);
  for (const socket of [first, later]) socket.destroy();
  return `kept ${connections} of 300 connections, and answers the next`;
}

/** A connection is open for its client before the server has accepted it. */
async function settled(ask, connections) {
  const began = performance.now();
  for (;;) {
    const answer = await ask();
    if (answer.connections === connections) return answer;
    check(performance.now() - began < 20_000, `${answer.connections} connections are open, not ${connections}`);
  }
}

async function openMany(port, count) {
  const sockets = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(200, count - sockets.length) }, () => open(port));
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

function open(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

function exchange(socket) {
  return new Promise((resolve) => {
    let text = '';
    const onData = (chunk) => {
      text += chunk.toString('latin1');
      if (!text.endsWith('hello')) return;
      socket.off('data', onData);
      resolve();
    };
    socket.on('data', onData);
    socket.write(GET);
  });
}

function message(child) {
  return new Promise((resolve) => {
    child.once('message', resolve);
  });
}

function check(holds, text) {
  if (!holds) throw new Error(text);
}
