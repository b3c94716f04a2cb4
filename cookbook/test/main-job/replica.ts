// One command of a pair behind HAProxy: started on a fixed port, stopped as an operator stops it, started again.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { COMMAND } from '../../../differential/peers.mjs';

export class Replica {
  readonly port: number;
  readonly #words: readonly string[];
  readonly #readyFile: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #printed = '';

  constructor(port: number, words: readonly string[], readyFile: string, env: NodeJS.ProcessEnv) {
    this.port = port;
    this.#words = [...words, '--port', String(port), '--strict-port', '--ready-file', readyFile];
    this.#readyFile = readyFile;
    this.#env = env;
  }

  /** Resolves when it says that it is ready; throws with what it printed when it ends before. */
  async start(): Promise<void> {
    rmSync(this.#readyFile, { force: true });
    const child = spawn(process.execPath, [COMMAND, ...this.#words], {
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#printed += text));
    while (!existsSync(this.#readyFile)) {
      if (child.exitCode !== null) throw new Error(`ended at start: ${this.#printed}`);
      await wait(10);
    }
  }

  /** Asks it to stop and returns its exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    return code;
  }

  /** What it printed on standard error. */
  get printed(): string {
    return this.#printed;
  }
}
