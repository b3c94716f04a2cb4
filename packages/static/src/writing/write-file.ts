// PUT and DELETE (RFC 9110 §9.3.4, §9.3.5): off unless the site says otherwise.
//
// A file is written under a name of its own beside its target and then renamed, so that at any instant, also after a crash,
// the target is the old file or the new one, whole. Preconditions are evaluated before the content is read, and again when
// the file takes its place; writers of one target in this process take turns for that. `If-None-Match: *` holds among
// processes too: there the name is claimed by a hard link, which fails if it exists.

import { createHash, type Hash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, link, open, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Field, StaticRequest, StaticResponse } from '../message.ts';
import { partialFileName, sweepPartialFiles } from './partial-file.ts';
import { sitePath } from '../files/path.ts';
import { evaluate, type Validators } from '../http/preconditions.ts';
import { Quota } from './quota.ts';
import { BAD_REQUEST, NOT_FOUND, PRECONDITION_FAILED, refusal } from '../refusals.ts';
import { fieldValue, selectionFields } from '../http/request-fields.ts';
import type { Settings } from '../options/settings.ts';
import { contentTag, digestTag, entityTag } from '../http/validators.ts';
import { contentOf, refusalOf, WriteRefused } from './write-refusal.ts';
import { type OpenDirectory, openDirectory, statEntry } from '../files/open-directory.ts';

/** Where a write goes and under which conditions. */
interface Target {
  readonly directory: OpenDirectory;
  readonly location: string;
  readonly path: string;
  readonly request: StaticRequest;
}

/** The state of a finished partial file. */
interface Written {
  readonly path: string;
  readonly bytes: number;
  readonly etag: string | undefined;
}

/** Performs the writes of one site. Making one sweeps what earlier processes left half-written. */
export class FileWriter {
  readonly #settings: Settings;
  readonly #limits: NonNullable<Settings['write']>;
  readonly #quota: Quota;
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #swept: Promise<unknown>;

  constructor(settings: Settings, limits: NonNullable<Settings['write']>) {
    this.#settings = settings;
    this.#limits = limits;
    this.#quota = new Quota(settings.root, limits.quotaBytes);
    this.#swept = sweepPartialFiles(settings.root);
    // The first write reports a failed sweep; until then nobody is waiting for it.
    this.#swept.catch(() => {});
  }

  /**
   * Answers PUT or DELETE. Rejects only with what iterating the request's content threw, after removing what was written;
   * whoever provides the content knows what that means.
   */
  async respond(request: StaticRequest): Promise<StaticResponse> {
    const path = sitePath(request.pathInfo, this.#settings);
    if (path === 400) return BAD_REQUEST;
    if (path === 404) return NOT_FOUND;
    const name = path.segments.at(-1);
    if (name === undefined || path.isDirectory) return refusal(409);
    const early = request.method === 'PUT' ? this.#refuseEarly(request) : undefined;
    if (early !== undefined) return early;
    let directory: OpenDirectory | undefined;
    try {
      await this.#swept;
      directory = await openDirectory(path.segments.slice(0, -1), this.#settings);
      if (directory === undefined) return NOT_FOUND;
      const location = join(this.#settings.root, ...path.segments);
      const target: Target = { directory, location, path: join(directory.path, name), request };
      return await (request.method === 'PUT' ? this.#put(target) : this.#delete(target));
    } catch (error) {
      return refusalOf(error);
    } finally {
      await directory?.close();
    }
  }

  #refuseEarly({ fields }: StaticRequest): StaticResponse | undefined {
    // A part of a file is not a file (RFC 9110 §14.4), and a coded one would be served as if it were not.
    if (fieldValue(fields, 'content-range') !== undefined) return BAD_REQUEST;
    const coding = fieldValue(fields, 'content-encoding');
    if (coding !== undefined && coding.toLowerCase() !== 'identity') return refusal(415);
    const announced = Number(fieldValue(fields, 'content-length') ?? 0);
    return announced > this.#limits.maxFileBytes ? refusal(413) : undefined;
  }

  async #put(target: Target): Promise<StaticResponse> {
    await this.#check(target, { mayBeAbsent: true });
    await this.#quota.measure();
    const written = await this.#writePartial(target);
    let wasPlaced = false;
    try {
      return await this.#inTurn(target.location, async () => {
        const replaced = await this.#check(target, { mayBeAbsent: true });
        await placeFile(written.path, target, replaced === undefined);
        wasPlaced = true;
        if (this.#limits.fsync) await target.directory.handle?.sync();
        this.#quota.give(Number(replaced?.size ?? 0));
        const fields: readonly Field[] = written.etag === undefined ? [] : [['etag', written.etag]];
        return { status: replaced === undefined ? 201 : 204, fields };
      });
    } finally {
      if (!wasPlaced) await this.#discard(written.path, written.bytes);
    }
  }

  #delete(target: Target): Promise<StaticResponse> {
    return this.#inTurn(target.location, async () => {
      const stats = await this.#check(target, { mayBeAbsent: false });
      await unlink(target.path);
      if (this.#limits.fsync) await target.directory.handle?.sync();
      this.#quota.give(Number(stats?.size ?? 0));
      return { status: 204, fields: [] };
    });
  }

  /** The target's state, if it allows the write. Only regular files are replaced or removed, links included in "only". */
  async #check(target: Target, { mayBeAbsent }: { mayBeAbsent: boolean }): Promise<BigIntStats | undefined> {
    const stats = await statEntry(target.path);
    if (stats === undefined && !mayBeAbsent) throw new WriteRefused(NOT_FOUND);
    if (stats !== undefined && !stats.isFile()) throw new WriteRefused(refusal(409));
    const fields = selectionFields(target.request.fields);
    if (fields === undefined) return stats;
    const current = stats === undefined ? undefined : await this.#validators(stats, target.path);
    if (evaluate(fields, current, false) === 'failed') throw new WriteRefused(PRECONDITION_FAILED);
    return stats;
  }

  async #validators(stats: BigIntStats, path: string): Promise<Validators> {
    const { etag, lastModified, maxCachedFileBytes } = this.#settings;
    const modifiedSeconds = lastModified ? Number(stats.mtimeNs / 1_000_000_000n) : undefined;
    if (etag === false) return { etag: undefined, modifiedSeconds };
    if (etag === 'content' && Number(stats.size) <= maxCachedFileBytes) {
      return { etag: contentTag(await readFile(path)), modifiedSeconds };
    }
    return { etag: etag === 'weak' ? `W/${entityTag(stats)}` : entityTag(stats), modifiedSeconds };
  }

  async #writePartial(target: Target): Promise<Written> {
    const path = join(target.directory.path, partialFileName());
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
    const handle = await open(path, flags, 0o666);
    const hash = this.#settings.etag === 'content' ? createHash('sha256') : undefined;
    let bytes = 0;
    let isDone = false;
    try {
      for await (const chunk of contentOf(target.request)) {
        if (bytes + chunk.length > this.#limits.maxFileBytes) throw new WriteRefused(refusal(413));
        if (!this.#quota.take(chunk.length)) throw new WriteRefused(refusal(507));
        bytes += chunk.length;
        hash?.update(chunk);
        await writeAll(handle, chunk);
      }
      const replaced = await statEntry(target.path);
      if (replaced !== undefined) await handle.chmod(Number(replaced.mode) & 0o7777);
      if (this.#limits.fsync) await handle.sync();
      const etag = this.#tagOf(await handle.stat({ bigint: true }), hash);
      isDone = true;
      return { path, bytes, etag };
    } finally {
      await handle.close();
      if (!isDone) await this.#discard(path, bytes);
    }
  }

  #tagOf(stats: BigIntStats, hash: Hash | undefined): string | undefined {
    const { etag, maxCachedFileBytes } = this.#settings;
    if (etag === false) return undefined;
    if (hash !== undefined && Number(stats.size) <= maxCachedFileBytes) return digestTag(hash.digest());
    return etag === 'weak' ? `W/${entityTag(stats)}` : entityTag(stats);
  }

  async #discard(path: string, bytes: number): Promise<void> {
    this.#quota.give(bytes);
    await unlink(path);
  }

  /** Runs `action` when earlier actions for the same target have ended. */
  #inTurn<Value>(location: string, action: () => Promise<Value>): Promise<Value> {
    const earlier = this.#turns.get(location) ?? Promise.resolve();
    const result = earlier.then(action, action);
    this.#turns.set(location, result);
    const leave = (): void => {
      if (this.#turns.get(location) === result) this.#turns.delete(location);
    };
    result.then(leave, leave);
    return result;
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset);
    offset += bytesWritten;
  }
}

/** Moves a finished file to its name. One that must be new is linked, which fails when the name exists. */
async function placeFile(partial: string, { path, request }: Target, mustBeNew: boolean): Promise<void> {
  if (!mustBeNew || fieldValue(request.fields, 'if-none-match') === undefined) return rename(partial, path);
  try {
    await link(partial, path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // Some file systems have no hard links; there the check under our own lock has to do.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return rename(partial, path);
    if (code === 'EEXIST') throw new WriteRefused(PRECONDITION_FAILED);
    throw error;
  }
  return unlink(partial);
}
