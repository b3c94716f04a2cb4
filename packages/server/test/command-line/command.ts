// Runs the real command, as built, in a directory of its own.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The command, which must have been built. */
export const bin: string = fileURLToPath(new URL('../../bin/onezero.js', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** A running command: what it printed so far, and how to end it. */
export interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly port: number;
  readonly output: { stdout: string; stderr: string };
  readonly finished: Promise<Finished>;
  fetch(path: string, options?: RequestInit): Promise<Response>;
  /** Sends raw bytes on a connection of its own; resolves to all that comes back. */
  raw(bytes: string): Promise<string>;
  stop(): Promise<Finished>;
}

// No variable of the machine that runs the tests may decide about them.
const environment = { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), TZ: 'UTC' };

function launch(
  words: readonly string[],
  { cwd, env }: Surroundings,
): { child: ChildProcess; output: Started['output']; finished: Promise<Finished> } {
  const child = spawn(process.execPath, [bin, ...words], {
    cwd,
    env: { ...environment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
  return { child, output, finished };
}

/** Runs a command that ends by itself. */
export function run(words: readonly string[], surroundings: Surroundings = {}): Promise<Finished> {
  return ASKING.has(words[0] ?? '') ? runInTurn(words, surroundings) : runAlone(words, surroundings);
}

/** Runs a command that ends by itself, in any case as a program. */
export function runAlone(words: readonly string[], surroundings: Surroundings = {}): Promise<Finished> {
  return launch(words, surroundings).finished;
}

/** Commands that answer a question. Most of such a run is the start of a process, so one process runs them all, in turn. */
const ASKING = new Set(['check', 'explain', 'print-config', 'recipe']);

const running = new Map<number, { resolve: (result: Finished) => void; reject: (error: Error) => void }>();
let runner: ChildProcess | undefined;
let runs = 0;

function runInTurn(words: readonly string[], { cwd, env }: Surroundings): Promise<Finished> {
  runner ??= startRunner();
  const id = (runs += 1);
  runner.send({ id, words, cwd, env: { ...environment, ...env } });
  return new Promise((resolve, reject) => running.set(id, { resolve, reject }));
}

function startRunner(): ChildProcess {
  const program = fileURLToPath(new URL('../fixtures/commands.mjs', import.meta.url));
  const child = fork(program, { env: environment, execArgv: [] });
  // It ends with this process, which need not wait for it.
  child.unref();
  child.channel?.unref();
  child.on('message', ({ id, ...result }: Finished & { id: number }) => {
    running.get(id)?.resolve(result);
    running.delete(id);
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of running.values()) reject(new Error(`the commands ended with ${code ?? signal}`));
    running.clear();
    runner = undefined;
  });
  return child;
}

/** Starts a server on a free port and waits until it says that it is ready. */
export async function start(words: readonly string[], surroundings: Surroundings = {}): Promise<Started> {
  const isPlaced = words.some((word) => /^(?:-p|--port|-l|--listen)\b/.test(word));
  const all = [...words, ...(isPlaced ? [] : ['--port', '0']), '--json'];
  const { child, output, finished } = launch(all, surroundings);
  const late = setTimeout(() => child.kill('SIGKILL'), 120_000);
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const ready = /^\{"event":"ready".*$/m.exec(output.stdout)?.[0];
      if (ready !== undefined) resolve(ready);
    });
    finished.then(({ code, stderr }) => reject(new Error(`ended with ${code}: ${stderr}`)), reject);
  });
  clearTimeout(late);
  const { url, listening } = JSON.parse(line) as { url: string; listening: { port: number }[] };
  const port = listening[0]?.port ?? 0;
  return {
    child,
    url,
    port,
    output,
    finished,
    fetch: (path, options) => fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual', ...options }),
    raw: (bytes) => exchange(port, bytes),
    stop: () => {
      child.kill('SIGTERM');
      return finished;
    },
  };
}

/** Starts a server without the flags that `start` adds; whoever starts it waits for what it prints. */
export function startPlain(
  words: readonly string[],
  surroundings: Surroundings,
): Pick<Started, 'child' | 'output' | 'finished' | 'stop'> {
  const { child, output, finished } = launch(words, surroundings);
  return {
    child,
    output,
    finished,
    stop: () => {
      child.kill('SIGTERM');
      return finished;
    },
  };
}

function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
    socket.end(bytes, 'latin1');
  });
}

/** A directory with these files; a name that ends in `.cgi` or `.sh` is executable. */
export function site(files: Readonly<Record<string, string>>): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'onezero-command-'));
  for (const [name, content] of Object.entries(files)) {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    if (/\.(?:cgi|sh)$/.test(name)) chmodSync(file, 0o755);
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
