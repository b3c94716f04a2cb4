// Where a script's standard error goes, and what is said about its exit.

import { basename } from 'node:path';
import type { CgiLogEntry } from '../options.ts';
import { StderrLines } from './stderr-lines.ts';

/** Passes lines to the `log` option, or to standard error of this process. */
export class ScriptStderr {
  readonly #log: (entry: CgiLogEntry) => void;
  readonly #maxBytes: number;

  constructor(log: ((entry: CgiLogEntry) => void) | undefined, maxBytes: number) {
    this.#log = log ?? writeStderr;
    this.#maxBytes = maxBytes;
  }

  /** The lines of one run. */
  lines(script: string, id: string | undefined): StderrLines {
    return new StderrLines(this.#maxBytes, (line) => this.#pass(line, script, id));
  }

  /** An exit code that is worth a line. */
  exited(code: number | null, script: string, id: string | undefined): void {
    if (code !== null && code !== 0) this.#pass(`(exited with code ${code})`, script, id);
  }

  #pass(line: string, script: string, request: string | undefined): void {
    // A broken log is the user's; it must neither end the server nor the script.
    const failed = (error: unknown): void => writeStderr({ line: `the log failed: ${String(error)}`, script });
    try {
      const logged: unknown = this.#log({ line, script, request });
      // One that is an async function rejects where others throw.
      if (logged instanceof Promise) logged.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

// As much as is kept for a standard error that nothing reads; later lines are dropped.
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** C0 without the tab, DEL and C1 would let a script write lines of its own, or commands to a terminal. */
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/g;

/** The line with control characters as `\u001b`; JSON leaves DEL and C1 as they are. */
function escaped(line: string): string {
  return line.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function writeStderr({ line, script }: { line: string; script: string }): void {
  if (process.stderr.writableLength > MAX_WAITING_BYTES) return;
  process.stderr.write(`${escaped(`${basename(script)}: ${line}`)}\n`);
}
