// Collected content, read from its start: as often as a request is tried, where all of it was collected.

import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { Collected } from '../spool/collect-content.ts';

const readFile = promisify(read);
/** Just below what a record of FastCGI holds. */
const READ_BYTES = 65_528;

/** The content in pieces. */
export async function* contentOf({ memory, file, length, rest }: Collected): AsyncGenerator<Uint8Array> {
  if (file !== undefined) {
    for (let position = 0; position < length;) {
      const { bytesRead, buffer } = await readFile(file, Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    return;
  }
  yield* memory;
  if (rest !== undefined) yield* { [Symbol.asyncIterator]: () => rest };
}
