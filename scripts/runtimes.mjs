// Tries the packed packages on each supported Node, on Bun and on Deno, as the README's two ways (the command, the library),
// part by part. On Node nothing may warn of anything, not even of what is only deprecated in its documents.
//
//   node scripts/runtimes.mjs [--bun PROGRAM] [--deno PROGRAM]
//
// The Node that runs this is tried first. The others, and Bun and Deno without a program, are installed from npm into a
// throw-away project. What works is compared with WORKS below, which the README repeats: a part that stops working fails, and
// so does one that begins to work without being said.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProgram } from './rehearsal/program.mjs';
import { check, closeCounts, run } from './rehearsal/run.mjs';

const PARTS = ['files', 'responder', 'fetch', 'node', 'proxy', 'tls', 'cgi', 'wsgi'];

/** What is known to work. The rest is answered 500, or ends the program, and is for Node. */
const WORKS = {
  node: PARTS,
  bun: ['files', 'responder', 'fetch', 'proxy', 'tls', 'wsgi'],
  deno: ['files', 'responder', 'fetch', 'node', 'proxy', 'tls', 'wsgi'],
};

/** What the README names: the oldest Node, and the newest of each line. */
const NODES = ['20.19.0', '20', '22', '24', '26'];

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { bun: { type: 'string' }, deno: { type: 'string' } } });
const place = mkdtempSync(join(tmpdir(), 'onezero-runtimes-'));
const environment = { ...process.env, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };

try {
  await tryAll();
} finally {
  rmSync(place, { recursive: true, force: true });
}
closeCounts();

async function tryAll() {
  writeFileSync(join(place, 'package.json'), '{ "private": true, "type": "module" }\n');
  const wanted = ['bun', 'deno'].filter((name) => values[name] === undefined);
  run(place, environment, 'npm', 'install', '--no-audit', '--no-fund', ...packed(), ...wanted);
  makeSite();
  const installed = (name) => values[name] ?? join(place, 'node_modules', '.bin', name);
  const node = (program) => [program, '--pending-deprecation'];
  await tryOne(`node ${process.versions.node}`, 'node', node(process.execPath));
  for (const wanted of NODES) {
    const program = installNode(wanted);
    const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim().slice(1);
    if (version !== process.versions.node) await tryOne(`node ${version}`, 'node', node(program));
  }
  await tryOne('bun', 'bun', [installed('bun')]);
  await tryOne('deno', 'deno', [installed('deno'), 'run', '--allow-all']);
}

/** A version of Node, or the newest of a line, in a folder of its own: each brings a program of the same name. */
function installNode(wanted) {
  const folder = join(place, `node-${wanted}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run(folder, environment, 'npm', 'install', '--no-audit', '--no-fund', `node@${wanted}`);
  return join(folder, 'node_modules', 'node', 'bin', 'node');
}

/** Tarballs of all packages, as a registry would have them. */
function packed() {
  const tarballs = join(place, 'tarballs');
  mkdirSync(tarballs);
  for (const name of readdirSync(join(root, 'packages')))
    execFileSync('pnpm', ['pack', '--pack-destination', tarballs], {
      cwd: join(root, 'packages', name),
      stdio: 'pipe',
    });
  return readdirSync(tarballs).map((name) => join(tarballs, name));
}

function makeSite() {
  for (const folder of ['public', 'cgi-bin']) mkdirSync(join(place, folder));
  writeFileSync(join(place, 'public', 'index.html'), 'a page of the site');
  writeFileSync(
    join(place, 'cgi-bin', 'hello'),
    '#!/bin/sh\necho Content-Type: text/plain\necho\necho from a script\n',
  );
  chmodSync(join(place, 'cgi-bin', 'hello'), 0o755);
  writeFileSync(
    join(place, 'hello.py'),
    "def application(environ, start):\n    start('200 OK', [('Content-Type', 'text/plain')])\n    return [b'from python']\n",
  );
  writeCertificate();
  cpSync(join(import.meta.dirname, 'runtimes'), place, { recursive: true });
}

function writeCertificate() {
  const words = 'req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=localhost';
  run(place, environment, 'openssl', ...words.split(' '), '-addext', 'subjectAltName=DNS:localhost');
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => readFileSync(join(place, name), 'utf8'));
  writeFileSync(join(place, 'certificate.mjs'), `export const certificate = ${JSON.stringify({ cert, key })};\n`);
}

async function tryOne(name, kind, [program, ...words]) {
  await check(`${name}: the command serves a folder, and ends on Ctrl-C`, async () => {
    const command = join(place, 'node_modules', '@onezero', 'server', 'bin', 'onezero.js');
    const parameters = [...words, command, 'public', '--port', '0'];
    const { printed, answer } = await runProgram(place, environment, program, parameters);
    if (answer?.status !== 200 || answer.text !== 'a page of the site') throw new Error(JSON.stringify(answer));
    if (kind === 'node') refuseWarnings(printed);
  });
  for (const part of PARTS) {
    const works = WORKS[kind].includes(part);
    await check(`${name}: ${part} ${works ? 'works' : 'does not work, as the README says'}`, async () => {
      const failure = failureOf(kind, [program, ...words], part);
      if (works && failure !== undefined) throw failure;
      if (!works && failure === undefined) throw new Error('it works: say so in WORKS and in the README');
    });
  }
}

/** A program that does not end well, or does not say that it is done, has failed; on Node, so has one that warns. */
function failureOf(kind, [program, ...words], part) {
  try {
    const { status, stdout, stderr, error } = spawnSync(program, [...words, 'part.mjs', part], {
      cwd: place,
      env: environment,
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (error !== undefined) throw error;
    if (status !== 0 || !stdout.includes(`${part}: done`)) throw new Error(stdout + stderr);
    if (kind === 'node') refuseWarnings(stderr);
    return undefined;
  } catch (error) {
    return error;
  }
}

function refuseWarnings(printed) {
  if (/Warning: /.test(printed)) throw new Error(printed);
}
