// What the command says on standard error while it runs.

import { reportLine } from '../../standard-error.ts';

/** Writes a line to standard error. What must not reach a terminal is escaped; what nobody reads is dropped and counted. */
export const report: (line: string) => void = reportLine;

/** Writes the stack of an error, a line for each of its lines. */
export function reportStack({ stack = '' }: Error): void {
  for (const line of stack.split('\n')) report(line);
}

/** Lets a server outlive whoever reads what it prints, as in `onezero | head -1`, and a full disk behind it. */
export function outliveReaders(): void {
  process.stdout.on('error', sayNothing);
  process.stderr.on('error', sayNothing);
}

// What could not be written is lost; there is nowhere to say so.
function sayNothing(): void {}

/** Prints warnings of this process as lines of the command, in place of Node's own form. */
export function reportWarnings(): void {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    report(name === 'OnezeroWarning' ? `Warning: ${message}` : `Warning: ${name}: ${message}`);
  });
}
