// Lines for standard error, which may be a terminal, a pipe that nothing reads, or a full disk.
//
// What applications, scripts and clients have said reaches a terminal without its control characters, so that it can neither
// forge lines nor drive the terminal. While the reader does not read, lines wait in memory up to a bound and are dropped
// beyond it; the next line that gets through says how many that were.

// As much as the access log may have waiting: a second of a very busy server.
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

// C0 and C1 without the tab, line and paragraph separators, and what reverses the order of text.
const SPECIAL = /[\0-\b\n-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** A line as it may be shown: control characters as `\n`, `\u001b` and the like. */
export function visible(line: string): string {
  return line.replaceAll(
    SPECIAL,
    (character) => ESCAPES[character] ?? String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\0': String.raw`\0` };

/** What is written to: standard error, or something like it. */
export interface LineOutput {
  readonly writableLength: number;
  write(text: string): unknown;
}

/** Makes a function that writes a line, escaped, and never waits. */
export function lineReporter(output: LineOutput, maxWaitingBytes: number = MAX_WAITING_BYTES): (line: string) => void {
  let dropped = 0;
  return (line) => {
    if (output.writableLength > maxWaitingBytes) {
      dropped += 1;
      return;
    }
    const note = dropped === 0 ? '' : `# ${dropped} lines could not be written\n`;
    dropped = 0;
    output.write(`${note}${visible(line)}\n`);
  };
}

/** Writes a line to standard error of this process. */
export const reportLine: (line: string) => void = lineReporter(process.stderr);
