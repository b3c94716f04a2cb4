// What an archive of a folder holds: all that a visitor could get file by file, under the same policies. Directories that are
// links are left out: what is in them lies elsewhere, or above.

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { FileContent } from '../files/file-content.ts';
import { openFile } from '../files/open-file.ts';
import type { Storage } from '../files/storage.ts';
import type { Folders } from './folders.ts';

/** A directory, or a file with its content, which is closed when the next member is asked for. */
export type Member =
  | { readonly kind: 'directory'; readonly path: string; readonly modifiedMs: number }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly modifiedMs: number;
      readonly bytes: number;
      readonly content: AsyncIterable<Uint8Array>;
    };

/** The members of a folder, below a directory called `name`. Nothing is open before the first is asked for. */
export async function* membersOf(
  segments: readonly string[],
  name: string,
  folders: Folders,
  storage: Storage,
): AsyncGenerator<Member, void> {
  const waiting = [{ segments, path: name }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const folder = folders.known(next.segments) ?? (await folders.look(next.segments).catch(unlessRefused));
    if (folder === undefined) continue;
    yield { kind: 'directory', path: `${next.path}/`, modifiedMs: folder.stamp.mtimeMs };
    for (const entry of folder.sorted) {
      const inside = { segments: [...next.segments, entry.name], path: `${next.path}/${entry.name}` };
      if (entry.kind === 'file') yield* fileAt(inside, storage);
      else if (!isLink(join(folder.location, entry.name))) waiting.push(inside);
    }
  }
}

/** A file as it is when it is opened; what cannot be opened is left out, as its request would be refused. */
async function* fileAt(
  { segments, path }: { readonly segments: readonly string[]; readonly path: string },
  storage: Storage,
): AsyncGenerator<Member, void> {
  const opened = await openFile(segments, storage);
  if (opened.kind !== 'file') return;
  const { size, mtimeMs } = opened.stamp;
  const content = new FileContent(opened.descriptor, size === 0 ? [] : [{ start: 0, end: size }]);
  try {
    yield { kind: 'file', path, bytes: size, modifiedMs: mtimeMs, content };
  } finally {
    await content.return();
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? true;
}

/** A folder that vanished or is closed to us is left out; anything else breaks the archive off. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error)) throw error;
}
