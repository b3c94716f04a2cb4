// Signals at random instants: while the command starts, serves under load, reloads and stops; workers are killed in between. Whatever
// comes, it ends in time with the code that its manual says, and leaves nothing: no process, no file, no port.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processTree } from '../bench/process-tree.mjs';
import { COMMAND, freePort, isInstalled, scratchFolder } from './peers.mjs';
import { randomSource } from './random.mjs';

/** Longer than any stop here may take, on a busy machine. */
const PATIENCE_MS = 120_000;

/** What a stop may end with: 0, or after a second signal what shells say of it. */
const CODES = new Set([0, 130, 143]);

const SLOW_APPLICATION = `
import time
time.sleep(0.3)
def app(environ, start_response):
    start_response('200 OK', [('Content-Length', '5')])
    time.sleep(0.01)
    return [b'hello']
`;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 50, log = () => undefined }) {
  const random = randomSource(seed);
  const differences = [];
  for (let round = 0; round < count; round++) {
    const outcome = await play(random);
    for (const problem of outcome.problems) differences.push({ round, ...outcome.what, problem });
    log(`${round}: ${JSON.stringify(outcome.what)} ${outcome.problems.join('; ')}`);
  }
  return { checked: count, differences };
}

async function play(random) {
  const folder = scratchFolder('signals');
  const temporary = join(folder.path, 'tmp');
  const words = prepare(folder.path, random);
  const port = await freePort();
  const child = spawn(process.execPath, [COMMAND, ...words, '--port', `${port}`, '--strict-port'], {
    cwd: folder.path,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
  const exited = once(child, 'exit');
  const seen = new Set();
  const state = { isOver: false, hasAnswered: false };
  const load = [0, 1, 2].map(() => askOften(port, state));
  const sent = await signalOften(child, random, seen, state);
  const ended = await Promise.race([exited, delay(PATIENCE_MS, undefined, { ref: false })]);
  state.isOver = true;
  await Promise.all(load);
  const problems = await problemsOf({ child, ended, sent, seen, temporary, complaints });
  folder.remove();
  return { what: { words: words.join(' '), sent: sent.join(' '), end: ended?.join() }, problems };
}

/** The files and flags of one round. */
function prepare(folder, random) {
  mkdirSync(join(folder, 'tmp'));
  mkdirSync(join(folder, 'www'));
  mkdirSync(join(folder, 'cgi-bin'));
  writeFileSync(join(folder, 'www/a.txt'), 'hello');
  writeFileSync(
    join(folder, 'cgi-bin/slow.cgi'),
    '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nsleep 0.1\necho hello\n',
  );
  chmodSync(join(folder, 'cgi-bin/slow.cgi'), 0o755);
  writeFileSync(join(folder, 'slow.py'), SLOW_APPLICATION);
  const words = ['www', '--no-config', '--quiet', '--no-access-log', '--grace', random.pick(['0', '200ms', '2s'])];
  if (random.chance(0.5)) words.push('--workers', `${random.int(2, 3)}`);
  if (random.chance(0.5)) words.push('--cgi-bin', 'cgi-bin');
  if (random.chance(0.5) && isInstalled('python3')) words.push('--wsgi', '/app=slow:app');
  if (random.chance(0.3)) words.push('--drain-delay', '300ms');
  return words;
}

/** Sends signals to the command and kills workers, then ends it; resolves to what was sent. */
async function signalOften(child, random, seen, state) {
  const sent = [];
  const send = (signal) => {
    for (const pid of processTree(child.pid)) seen.add(pid);
    sent.push(signal);
    child.kill(signal);
  };
  // What comes before the command runs a line of its own ends it as it would end any program.
  while (child.exitCode === null && !catchesHangup(child.pid)) await delay(5);
  await delay(random.pick([0, 100, 300, 1000, 2000]) + random.int(0, 100));
  for (let count = random.int(0, 8); count > 0 && child.exitCode === null; count--) {
    // An application that dies while it loads is a start that fails.
    const victim = state.hasAnswered && random.chance(0.3) ? random.pick([...processTree(child.pid)]) : undefined;
    if (victim === undefined || victim === child.pid) send(random.pick(['SIGHUP', 'SIGHUP', 'SIGUSR1']));
    else killChild(victim, sent);
    await delay(random.int(0, 300));
  }
  for (let count = random.int(1, 3); count > 0 && child.exitCode === null; count--) {
    send(random.pick(['SIGTERM', 'SIGTERM', 'SIGINT']));
    await delay(random.int(0, 250));
  }
  return sent;
}

/** Whether the process has a handler of its own for SIGHUP: the lowest bit of the signals that it catches. */
function catchesHangup(pid) {
  const caught = /^SigCgt:\s+([\da-f]+)/m.exec(statusOf(pid))?.[1] ?? '0';
  return (Number.parseInt(caught.slice(-1), 16) & 1) === 1;
}

function killChild(pid, sent) {
  try {
    process.kill(pid, 'SIGKILL');
    sent.push('kill');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

async function askOften(port, state) {
  while (!state.isOver) {
    for (const path of ['/a.txt', '/cgi-bin/slow.cgi', '/app']) {
      // Answers do not matter here: what was killed cannot answer.
      await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(3000) })
        .then((response) => {
          state.hasAnswered = true;
          return response.arrayBuffer();
        })
        .catch(() => delay(20));
      if (state.isOver) return;
    }
  }
}

async function problemsOf({ child, ended, sent, seen, temporary, complaints }) {
  const problems = [];
  if (ended === undefined) {
    problems.push('it did not end');
    child.kill('SIGKILL');
  } else if (!CODES.has(ended[0])) problems.push(`it ended with ${ended}`);
  const stops = sent.filter((signal) => signal === 'SIGTERM' || signal === 'SIGINT').length;
  if (stops === 1 && ended !== undefined && ended[0] !== 0) problems.push(`one signal ended it with ${ended}`);
  const left = () => [...seen].filter((pid) => pid !== child.pid && isAlive(pid));
  for (let waited = 0; left().length > 0 && waited < 60_000; waited += 50) await delay(50);
  for (const pid of left()) {
    problems.push(`process ${pid} is left: ${commandOf(pid)}`);
    killChild(pid, []);
  }
  const files = readdirSync(temporary);
  if (files.length > 0) problems.push(`files are left: ${files.join()}`);
  const stack = /^.*(?:TypeError|ReferenceError|Unhandled|EBADF|\n\s+at ).*$/m.exec(complaints)?.[0];
  if (stack !== undefined) problems.push(`it complained: ${complaints.slice(0, 600)}`);
  return problems;
}

/** Zombies are dead: somebody has yet to ask how. */
function isAlive(pid) {
  return existsSync(`/proc/${pid}`) && !/^State:\s+[ZX]|^$/m.test(statusOf(pid).split('\n')[2] ?? '');
}

function statusOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    return '';
  }
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    return '?';
  }
}
