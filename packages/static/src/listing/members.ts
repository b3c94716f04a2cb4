// What an archive of a folder holds: all that a visitor could get file by file, under the same policies. Directories that are
// links are left out: what is in them lies elsewhere, or above.

import { join } from 'node:path';
import { entryAt } from '../files/calls.ts';
import { FileContent } from '../files/file-content.ts';
import { openFile } from '../files/open-file.ts';
import type { Storage } from '../files/storage.ts';
import type { Folders } from './folders.ts';

/** A directory, or a file with its content, which is closed when the next member is asked for. */
export type Member =
  | (Named & { readonly kind: 'directory' })
  | (Named & {
      readonly kind: 'file';
      readonly bytes: number;
      readonly content: AsyncIterable<Uint8Array>;
    });

interface Named {
  readonly path: string;
  /** The path without backslashes, if it has some: on Windows they separate names. No other member has it. */
  readonly portablePath?: string;
  readonly modifiedMs: number;
}

/** The members of a folder, below a directory called `name`. Nothing is open before the first is asked for. */
export async function* membersOf(
  segments: readonly string[],
  name: string,
  folders: Folders,
  storage: Storage,
): AsyncGenerator<Member, void> {
  const waiting: Place[] = [{ segments, path: name, portablePath: name.replaceAll('\\', '_') }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const folder = (await folders.known(next.segments)) ?? (await folders.look(next.segments).catch(unlessRefused));
    if (folder === undefined) continue;
    const modifiedMs = folder.stamp.mtimeMs;
    yield { kind: 'directory', path: `${next.path}/`, portablePath: `${next.portablePath}/`, modifiedMs };
    const portable = portableNames(folder.sorted);
    for (const entry of folder.sorted) {
      const inside: Place = {
        segments: [...next.segments, entry.name],
        path: `${next.path}/${entry.name}`,
        portablePath: `${next.portablePath}/${portable.get(entry.name) ?? entry.name}`,
      };
      if (entry.kind === 'file') yield* fileAt(inside, storage);
      else if (!(await isLink(join(folder.location, entry.name)))) waiting.push(inside);
    }
  }
}

interface Place {
  readonly segments: readonly string[];
  readonly path: string;
  readonly portablePath: string;
}

/** Other names for those that have a backslash, which none of their neighbours has. */
function portableNames(all: readonly { readonly name: string }[]): ReadonlyMap<string, string> {
  const portable = new Map<string, string>();
  const odd = all.filter(({ name }) => name.includes('\\'));
  const taken = new Set(odd.length === 0 ? [] : all.map(({ name }) => name));
  for (const { name } of odd) {
    let made = name.replaceAll('\\', '_');
    while (taken.has(made)) made = `_${made}`;
    taken.add(made);
    portable.set(name, made);
  }
  return portable;
}

/** A file as it is when it is opened; what cannot be opened is left out, as its request would be refused. */
async function* fileAt({ segments, path, portablePath }: Place, storage: Storage): AsyncGenerator<Member, void> {
  const opened = await openFile(segments, storage);
  if (opened.kind !== 'file') return;
  const { dev, size, mtimeMs } = opened.stamp;
  const content = new FileContent(opened.descriptor, dev, size === 0 ? [] : [{ start: 0, end: size }]);
  try {
    yield { kind: 'file', path, portablePath, bytes: size, modifiedMs: mtimeMs, content };
  } finally {
    await content.return();
  }
}

async function isLink(path: string): Promise<boolean> {
  return (await entryAt(path))?.isSymbolicLink() ?? true;
}

/** A folder that vanished or is closed to us is left out; anything else breaks the archive off. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error)) throw error;
}
