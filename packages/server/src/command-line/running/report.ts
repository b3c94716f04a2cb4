/** Writes whole lines to standard error. */
export function report(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Lets a server outlive whoever reads what it prints, as in `onezero | head -1`, and a full disk behind it. */
export function outliveReaders(): void {
  process.stdout.on('error', sayNothing);
  process.stderr.on('error', sayNothing);
}

// What could not be written is lost; there is nowhere to say so.
function sayNothing(): void {}
