// FastCGI under load, with a php-fpm that replaces its children every 50 requests and is restarted meanwhile: no GET may
// fail, no answer may go to another request, and requests whose clients leave at any moment must not spoil a connection.
//
//   node differential/run.mjs gateway-load --count 10000

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { createServer } from '../packages/server/dist/index.js';
import { exchange } from './client.mjs';
import { isInstalled, scratchFolder } from './peers.mjs';
import { randomSource } from './random.mjs';

const FPM = '/usr/sbin/php-fpm8.2';
const TOKENS_AT_ONCE = 50;
const LEAVERS_AT_ONCE = 16;
/** Requests between two restarts of php-fpm. */
const RESTART_EVERY = 1500;

const ECHO = `<?php
usleep((int) ($_GET['us'] ?? 0));
header('X-Token: ' . $_GET['token']);
echo $_GET['token'], ' ', md5(file_get_contents('php://input')), ' ', str_repeat('x', (int) ($_GET['size'] ?? 0));`;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 2000, log = () => undefined }) {
  if (!isInstalled(FPM)) return { checked: 0, differences: [] };
  const folder = scratchFolder('gateway-load');
  chmodSync(folder.path, 0o755);
  const root = join(folder.path, 'site');
  mkdirSync(root);
  writeFileSync(join(root, 'echo.php'), ECHO);
  const socket = join(folder.path, 'fpm.sock');
  let fpm = await startFpm(folder.path, socket);
  const lines = [];
  const server = createServer({
    root,
    fastcgi: { address: socket, root, log: ({ line }) => lines.push(line) },
    reportErrors: false,
  });
  const [{ port }] = await server.listen({ port: 0, host: '127.0.0.1' });
  const differences = [];
  try {
    let asked = 0;
    const restart = async () => {
      const ended = once(fpm, 'exit');
      fpm.kill(asked % (2 * RESTART_EVERY) === 0 ? 'SIGQUIT' : 'SIGTERM');
      await ended;
      rmSync(socket, { force: true });
      fpm = await startFpm(folder.path, socket);
    };
    let restarting = Promise.resolve();
    const askMany = async (worker) => {
      const random = randomSource(seed + worker);
      while (asked < count) {
        const number = asked++;
        if (number > 0 && number % RESTART_EVERY === 0) restarting = restarting.then(restart);
        const difference = await checkToken(port, random, `${seed}-${worker}-${number}`);
        if (difference !== undefined) differences.push(difference);
      }
    };
    await Promise.all(Array.from({ length: TOKENS_AT_ONCE }, (_, worker) => askMany(worker)));
    await restarting;
    log(`${count} tokens, ${differences.length} failed`);
    let left = 0;
    const leaveMany = async (worker) => {
      const random = randomSource(seed - 1 - worker);
      while (left < count) {
        left++;
        await leave(port, random);
        if (!random.chance(0.1)) continue;
        const difference = await checkToken(port, random, `${seed}-after-${worker}-${left}`);
        if (difference !== undefined) differences.push(difference);
      }
    };
    await Promise.all(Array.from({ length: LEAVERS_AT_ONCE }, (_, worker) => leaveMany(worker)));
    for (let last = 0; last < 20; last++) {
      const difference = await checkToken(port, randomSource(seed), `${seed}-last-${last}`);
      if (difference !== undefined) differences.push(difference);
    }
    return { checked: asked + left, differences };
  } finally {
    await server.close({ graceMs: 0 });
    // Not by SIGKILL: its children would stay behind.
    const ended = once(fpm, 'exit');
    fpm.kill('SIGTERM');
    await ended;
    folder.remove();
  }
}

/** A GET whose answer has to be its own, whole. */
async function checkToken(port, random, token) {
  const size = random.chance(0.1) ? random.length(200_000) : random.int(0, 300);
  const target = `/echo.php?token=${token}&size=${size}&us=${random.chance(0.2) ? random.int(0, 3000) : 0}`;
  const answer = await exchange(port, { method: 'GET', target, fields: [], content: Buffer.alloc(0) });
  const text = answer.content.toString();
  const isOwn = answer.status === 200 && text.startsWith(`${token} `) && text.length === token.length + 34 + size;
  return isOwn ? undefined : { token, target, status: answer.status, length: text.length, begins: text.slice(0, 60) };
}

/** A request whose client goes away at some moment. */
async function leave(port, random) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const isUpload = random.chance(0.4);
  const length = random.length(300_000);
  const size = random.length(500_000);
  const head = `${isUpload ? 'POST' : 'GET'} /echo.php?token=left&size=${size}&us=${random.int(0, 5000)} HTTP/1.1\r\nHost: localhost\r\n`;
  socket.write(isUpload ? `${head}Content-Length: ${length}\r\n\r\n` : `${head}\r\n`);
  if (isUpload) socket.write(Buffer.alloc(random.int(0, length)));
  if (random.chance(0.5)) socket.resume();
  await delay(random.int(0, 8));
  const closed = once(socket, 'close');
  if (random.chance(0.5)) socket.resetAndDestroy();
  else socket.destroy();
  await closed;
}

async function startFpm(folder, socket) {
  const user = process.getuid?.() === 0 ? 'user = www-data\ngroup = www-data\n' : '';
  const pool = `[www]\n${user}listen = ${socket}\nlisten.mode = 0666\npm = static\npm.max_children = 4\npm.max_requests = 50\n`;
  const file = join(folder, 'fpm.conf');
  writeFileSync(
    file,
    `[global]\nerror_log = ${join(folder, 'fpm.log')}\nlog_level = error\nprocess_control_timeout = 5s\n${pool}`,
  );
  const child = spawn(FPM, ['-R', '-F', '-y', file], { stdio: 'ignore' });
  while (!existsSync(socket) && child.exitCode === null) await delay(5);
  return child;
}
