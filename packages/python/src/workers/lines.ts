// Lines of a stream. Only LF ends one (node:readline also takes CR and U+2028 for ends, which are the writer's to choose), and one
// that does not end is cut, so that it costs no more memory than the limit.

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Longer than any line that is meant to be read; a report of a worker is one line as well, and holds a traceback. */
const MAX_LINE_LENGTH = 0x100000;

/** Calls `receive` for each line of UTF-8, without its end; also for a last one that has none. */
export function readLines(stream: Readable, receive: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) receive(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (rest.length <= MAX_LINE_LENGTH) return;
    receive(rest);
    rest = '';
  });
  stream.on('end', () => {
    // A character that its writer has cut shows as U+FFFD.
    rest += decoder.end();
    if (rest !== '') receive(rest);
  });
}
