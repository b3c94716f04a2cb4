// Dead properties, one record for each resource that has any, beside the resource, so that a rename of any directory takes the
// records of all below it along.
//
// The record of a directory lies in it. That of a file lies beside it, under its name, so that it stays when the file is replaced
// by another with the same name, as PUT does and editors do. When a file comes to a name by COPY or MOVE, its record is there
// before it, bound to the very file by inode and time of birth: until the file has the name, the record says nothing, and from
// then on it goes before the record of the name. So at any instant each file has its own properties. Then the record is settled:
// renamed to that of the name.

import type { Stats } from 'node:fs';
import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FOLDER, hasFolder, parsed, recordKey, removeFile, replaceFile, unlessGone } from './folder.ts';

/** A dead property: its name, and the element with all that is in it as text. */
export interface Property {
  readonly namespace: string;
  readonly name: string;
  readonly xml: string;
}

/** What is written to the disk. The name is there for those who clean up, and for people. */
export interface Record {
  readonly name: string;
  readonly properties: readonly Property[];
}

/** A resource as records see it: the directory it lies in, its name, and its state. The root has its own path and no name. */
export interface Subject {
  readonly directory: string;
  readonly name: string;
  readonly stats: Pick<Stats, 'ino' | 'birthtimeMs'> & { isDirectory(): boolean };
}

const SELF = 'self.json';

/** The file name of a record of a name. */
export function settledName(name: string): string {
  return `${recordKey(name)}.json`;
}

/** The file name of a record of one file that has, or is going to have, a name. */
export function boundName(name: string, { ino, birthtimeMs }: Pick<Stats, 'ino' | 'birthtimeMs'>): string {
  return `${recordKey(name)}~${ino.toString(36)}-${Math.round(birthtimeMs * 1000).toString(36)}.json`;
}

/** The records that a directory holds for its files, by file name; undefined when there is no folder. */
export async function recordNames(directory: string): Promise<ReadonlySet<string> | undefined> {
  if (!hasFolder(directory)) return undefined;
  const names = await unlessGone(readdir(join(directory, FOLDER)));
  return names && new Set(names);
}

/** The properties of a resource. `names` are the records of its directory, if they are known. */
export async function readProperties(
  { directory, name, stats }: Subject,
  names?: ReadonlySet<string>,
): Promise<readonly Property[]> {
  const isDirectory = stats.isDirectory();
  if ((isDirectory || names === undefined) && !hasFolder(isDirectory ? join(directory, name) : directory)) return [];
  if (isDirectory) return (await readRecord(join(directory, name, FOLDER, SELF)))?.properties ?? [];
  for (const file of [boundName(name, stats), settledName(name)]) {
    if (names !== undefined && !names.has(file)) continue;
    const record = await readRecord(join(directory, FOLDER, file));
    if (record !== undefined) return record.properties;
  }
  return [];
}

/** A record; undefined when there is none, or something that is no record. */
export async function readRecord(path: string): Promise<Record | undefined> {
  const text = await unlessGone(readFile(path, 'utf8'));
  const record = text === undefined ? undefined : parsed(text);
  return isRecord(record) ? record : undefined;
}

function isRecord(value: unknown): value is Record {
  return Array.isArray((value as Partial<Record> | null | undefined)?.properties);
}

/** Replaces the properties of a resource. */
export async function writeProperties(
  { directory, name, stats }: Subject,
  properties: readonly Property[],
  fsync: boolean,
): Promise<void> {
  const isDirectory = stats.isDirectory();
  const place = isDirectory ? join(directory, name) : directory;
  await writeRecord(place, isDirectory ? SELF : settledName(name), { name, properties }, fsync);
  // A bound record, of a process that ended before it could settle it, would go before this one.
  if (!isDirectory) await removeFile(place, boundName(name, stats), fsync);
}

/** Writes properties for a file that has not come to its name yet. */
export function bindProperties(
  directory: string,
  name: string,
  stats: Subject['stats'],
  properties: readonly Property[],
  fsync: boolean,
): Promise<void> {
  return writeRecord(directory, boundName(name, stats), { name, properties }, fsync, true);
}

/** Removes what was bound to a file that did not come to its name. */
export function unbind(directory: string, name: string, stats: Subject['stats']): Promise<void> {
  return removeFile(directory, boundName(name, stats), false);
}

/** Makes the record bound to a file that has its name now that of the name. */
export async function settle(directory: string, name: string, stats: Subject['stats']): Promise<void> {
  if (!hasFolder(directory)) return;
  const bound = join(directory, FOLDER, boundName(name, stats));
  const record = await readRecord(bound);
  if (record === undefined) return;
  if (record.properties.length > 0) return rename(bound, join(directory, FOLDER, settledName(name)));
  await forget(directory, name, stats);
}

/** Removes what is recorded of a name at which no file is any more; `stats` are those of the file that was there. */
export async function forget(directory: string, name: string, stats?: Subject['stats']): Promise<void> {
  if (!hasFolder(directory)) return;
  // By their names: to look for them would be to read as many names as there are files with properties.
  await removeFile(directory, settledName(name), false);
  if (stats !== undefined) await removeFile(directory, boundName(name, stats), false);
}

/** Whether something is recorded of a name, or of this file as one that was to have it before. */
export async function isRecorded(directory: string, name: string, stats: Subject['stats']): Promise<boolean> {
  if (!hasFolder(directory)) return false;
  for (const file of [settledName(name), boundName(name, stats)])
    if ((await readRecord(join(directory, FOLDER, file))) !== undefined) return true;
  return false;
}

async function writeRecord(
  directory: string,
  file: string,
  record: Record,
  fsync: boolean,
  keepsEmpty = false,
): Promise<void> {
  if (record.properties.length === 0 && !keepsEmpty) return removeFile(directory, file, fsync);
  await replaceFile(directory, file, JSON.stringify(record), fsync);
}
