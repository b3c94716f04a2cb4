// Lines for the log, in a form that no terminal obeys.

import type { PythonLogEntry } from './options.ts';

/** C0 without the tab, DEL and C1: what moves cursors, ends lines and starts commands. */
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/g;

/** The line with control characters as `\u001b`. */
function escaped(line: string): string {
  return line.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A log that escapes what it is given. One that throws must not end the process: the line, and why, go to standard error. */
export function safeLog(log: ((entry: PythonLogEntry) => void) | undefined): (entry: PythonLogEntry) => void {
  return (entry) => {
    const safe = { ...entry, line: escaped(entry.line) };
    const failed = (error: unknown): void => {
      writeToStandardError(safe);
      writeToStandardError({ ...safe, line: escaped(`the log failed: ${String(error)}`) });
    };
    try {
      const logged: unknown = (log ?? writeToStandardError)(safe);
      // One that is an async function rejects where others throw.
      if (logged instanceof Promise) logged.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

// As much as is kept for a standard error that nothing reads; later lines are dropped.
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

function writeToStandardError({ worker, pid, request, line }: PythonLogEntry): void {
  if (process.stderr.writableLength > MAX_WAITING_BYTES) return;
  process.stderr.write(`[python ${worker}/${pid}${request === undefined ? '' : ` ${request}`}] ${line}\n`);
}
