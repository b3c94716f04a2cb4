// Members as a zip archive, made while it is sent (PKWARE APPNOTE 6.3.10): what every system opens with a click. Sizes and sums
// come behind each file, in a data descriptor; names are UTF-8; what exceeds 4 GiB or 65,535 files is written as zip64.
//
// Every file is deflated, since readers that stream find the end of deflated data by itself: those that are compressed already
// with level 0, which copies them.

import { pipeline } from 'node:stream';
import { crc32, createDeflateRaw } from 'node:zlib';
import type { Member } from './members.ts';
import { centralHeader, dataDescriptor, endRecords, isLargeFile, localHeader, type Written } from './zip-records.ts';

// What is compressed gets no smaller.
const COMPRESSED =
  /\.(?:jpe?g|png|gif|webp|avif|heic|mp[34]|m4[av]|webm|mkv|mov|avi|ogg|opus|flac|zip|t?gz|bz2|xz|zst|7z|rar|br|woff2?|pdf|docx|xlsx|pptx|od[tsp]|epub|apk|jar)$/i;

/** The chunks of the archive. Each is the reader's to keep. */
export async function* zipOf(members: AsyncIterable<Member>): AsyncGenerator<Uint8Array, void> {
  const written: Written[] = [];
  let offset = 0;
  for await (const member of members) {
    // A backslash would be a separator on Windows.
    const name = Buffer.from((member.portablePath ?? member.path).replaceAll('\\', '_'));
    const isDirectory = member.kind === 'directory';
    const isLarge = !isDirectory && isLargeFile(member.bytes);
    const { modifiedMs } = member;
    const head = localHeader({ name, isDirectory, modifiedMs, isLarge });
    yield head;
    const start = offset;
    offset += head.length;
    const sums = { crc: 0, bytes: 0, packedBytes: 0 };
    if (member.kind === 'file') {
      const level = COMPRESSED.test(member.path) ? 0 : 3;
      const deflate = createDeflateRaw({ level });
      // Errors are thrown where the packed bytes are read.
      pipeline(summed(member.content, sums), deflate, () => undefined);
      for await (const chunk of deflate as AsyncIterable<Uint8Array>) {
        sums.packedBytes += chunk.length;
        yield chunk;
      }
      const descriptor = dataDescriptor(sums, isLarge);
      yield descriptor;
      offset += sums.packedBytes + descriptor.length;
    }
    written.push({ name, isDirectory, modifiedMs, offset: start, ...sums });
  }
  const directory = Buffer.concat(written.map(centralHeader));
  yield directory;
  yield endRecords(written.length, directory.length, offset);
}

async function* summed(
  content: AsyncIterable<Uint8Array>,
  sums: { crc: number; bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    sums.crc = crc32(chunk, sums.crc);
    sums.bytes += chunk.length;
    // Valid until the next one only, and the stream keeps some.
    yield Buffer.from(chunk);
  }
}
