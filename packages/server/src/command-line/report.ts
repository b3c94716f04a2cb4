/** Writes whole lines to standard error. */
export function report(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Lets a server outlive whoever reads what it prints, as in `onezero | head -1`. */
export function outliveReaders(): void {
  process.stdout.on('error', ignoreClosedPipe);
  process.stderr.on('error', ignoreClosedPipe);
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
}
