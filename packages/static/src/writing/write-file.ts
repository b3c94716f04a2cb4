// PUT and DELETE (RFC 9110 §9.3.4, §9.3.5): off unless the site says otherwise.
//
// A file is written in a folder of its own beside its target and then renamed, so that at any instant, also after a crash, the
// target is the old file or the new one, whole. Preconditions are evaluated before the content is read, and again when the file
// takes its place; writers of one target, in whichever process, take turns for that (work-folder.ts).

import type { BigIntStats } from 'node:fs';
import { link, readlink, rename, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
import type { Entry, FileEntry } from '../files/entry.ts';
import type { Eventually } from '../files/eventually.ts';
import { type OpenDirectory, openDirectory, statEntry } from '../files/open-directory.ts';
import { sitePath } from '../files/path.ts';
import { secretsOf } from '../files/secrets.ts';
import { fieldValue, selectionFields } from '../http/request-fields.ts';
import type { Field, StaticRequest, StaticResponse } from '../message.ts';
import type { Settings } from '../options/settings.ts';
import { BAD_REQUEST, NOT_FOUND, PRECONDITION_FAILED, refusal } from '../refusals.ts';
import { writeContent } from './content.ts';
import { ExpectedDigests } from './digests.ts';
import { mayWrite } from './known-tags.ts';
import { chargeOf, Quota } from './quota.ts';
import { QuotaShare } from './quota-share.ts';
import { RENEW_MS, Sweeper } from './sweep.ts';
import { removeIfThere, type WorkFile, WorkFolder, workFolderName } from './work-folder.ts';
import { contentOf, refusalOf, WriteRefused } from './write-refusal.ts';

/** Where a write goes and under which conditions. */
interface Target {
  readonly directory: OpenDirectory;
  readonly location: string;
  readonly path: string;
  /** Where its work folder is. */
  readonly folder: string;
  readonly request: StaticRequest;
}

/** What is found at a path of the site, looked up anew if it may have changed. */
export type LookUp = (request: StaticRequest) => Promise<Entry>;

/** Performs the writes of one site. Making one sweeps what earlier processes left half-written. */
export class FileWriter {
  readonly #settings: Settings;
  readonly #limits: NonNullable<Settings['write']>;
  readonly #lookUp: LookUp;
  readonly #quota: Quota;
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #swept: Promise<unknown>;
  readonly #uploads = new Set<WorkFile>();
  #renewing: NodeJS.Timeout | undefined;

  constructor(settings: Settings, limits: NonNullable<Settings['write']>, lookUp: LookUp) {
    this.#settings = settings;
    this.#limits = limits;
    this.#lookUp = lookUp;
    this.#quota = new Quota(settings.root, limits.quotaBytes);
    const sweeper = new Sweeper(settings.root);
    this.#swept = sweeper.sweep().then(() => sweeper.watch());
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
      const folder = join(directory.path, workFolderName(name));
      const target: Target = { directory, location, path: join(directory.path, name), folder, request };
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
    return announcedBytes(fields) > this.#limits.maxFileBytes ? refusal(413) : undefined;
  }

  async #put(target: Target): Promise<StaticResponse> {
    const digests = new ExpectedDigests(target.request.fields);
    await this.#check(target, { mayBeAbsent: true });
    await this.#quota.prepare();
    const { folder, file } = await WorkFolder.create(target.folder);
    const share = new QuotaShare(this.#quota, file);
    this.#keepAlive(file);
    try {
      await this.#fill(file, target, digests, share);
      return await this.#inTurn(target.location, () =>
        folder.inTurn(file, () => {
          const place = (): Promise<StaticResponse> => this.#place(file, target, share);
          return target.request.commit === undefined ? place() : target.request.commit(place);
        }),
      );
    } finally {
      this.#uploads.delete(file);
      await file.discard();
      await folder.close();
      await share.end();
    }
  }

  /** Lets the file take its place. */
  async #place(file: WorkFile, target: Target, share: QuotaShare): Promise<StaticResponse> {
    const { directory, request } = target;
    const replaced = await this.#check(target, { mayBeAbsent: true });
    // Where whole directories are moved and removed, the one that was opened may by now be another's, or nobody's.
    if (request.commit !== undefined && (await isMoved(directory))) throw new WriteRefused(refusal(409));
    await placeFile(file.path, target, replaced === undefined);
    share.keep();
    if (this.#limits.fsync) await directory.handle?.sync();
    if (replaced !== undefined) await this.#quota.give(chargeOf(Number(replaced.size)));
    return { status: replaced === undefined ? 201 : 204, fields: await this.#tagField(target) };
  }

  async #delete(target: Target): Promise<StaticResponse> {
    await this.#check(target, { mayBeAbsent: false });
    const claim = await WorkFolder.create(target.folder).catch(unlessFull);
    const remove = async (): Promise<StaticResponse> => {
      const stats = await this.#check(target, { mayBeAbsent: false });
      await unlink(target.path);
      if (this.#limits.fsync) await target.directory.handle?.sync();
      await this.#quota.give(chargeOf(Number(stats?.size ?? 0)));
      return { status: 204, fields: [] };
    };
    try {
      // A disk too full for a claim can only be emptied without one.
      return await this.#inTurn(target.location, () =>
        claim === undefined ? remove() : claim.folder.inTurn(claim.file, remove),
      );
    } finally {
      await claim?.file.discard();
      await claim?.folder.close();
    }
  }

  /** The target's state, if it allows the write. Only regular files are replaced or removed, links included in "only". */
  async #check(target: Target, { mayBeAbsent }: { mayBeAbsent: boolean }): Promise<BigIntStats | undefined> {
    const stats = await statEntry(target.path);
    if (await this.#isSecret(target, stats)) throw new WriteRefused(NOT_FOUND);
    if (stats === undefined && !mayBeAbsent) throw new WriteRefused(NOT_FOUND);
    if (stats !== undefined && !stats.isFile()) throw new WriteRefused(refusal(409));
    const fields = selectionFields(target.request.fields);
    if (fields === undefined) return stats;
    const entry = stats === undefined ? undefined : await this.#fileNow(target);
    // What was looked up has to be what lies there; otherwise other programs are at it, and no state is the present one.
    const isSame = entry === undefined || entry.stamp.ino === Number(stats?.ino);
    if (!isSame || !mayWrite(fields, stats !== undefined, entry)) throw new WriteRefused(PRECONDITION_FAILED);
    return stats;
  }

  /** Whether the target is what no request may have, or would be: what is not there yet has its name and place only. */
  #isSecret({ directory, location }: Target, stats: BigIntStats | undefined): Eventually<boolean> {
    const dev = Number(stats?.dev ?? -1);
    const ino = Number(stats?.ino ?? -1);
    const nlink = Number(stats?.nlink ?? 0);
    const place = join(directory.place, basename(location));
    return secretsOf(this.#settings).cover({ dev, ino, nlink }, place, location);
  }

  /** The file at the target; undefined when what is there cannot be read. */
  async #fileNow({ request }: Target): Promise<FileEntry | undefined> {
    // What was found in this turn of the loop is not looked at again; another process may have replaced it in between.
    await turned();
    const entry = await this.#lookUp(request);
    return 'status' in entry || entry.kind !== 'file' ? undefined : entry;
  }

  /** Writes the content and makes the file ready to be placed. */
  async #fill(file: WorkFile, target: Target, digests: ExpectedDigests, share: QuotaShare): Promise<void> {
    const { handle } = file;
    const { maxFileBytes, fsync } = this.#limits;
    await share.need(announcedBytes(target.request.fields));
    const bytes = await writeContent(handle, contentOf(target.request), {
      hashes: digests.hashes,
      onLength: (length) => {
        if (length > maxFileBytes) throw new WriteRefused(refusal(413));
        return share.covers(length) ? undefined : share.grow(length);
      },
    });
    digests.verify();
    await share.settle(bytes);
    const replaced = await statEntry(target.path);
    // Permissions are the old file's; what lets a program run as its owner was not given to these bytes.
    if (replaced !== undefined) await handle.chmod(Number(replaced.mode) & 0o777);
    if (fsync) await handle.sync();
  }

  /** The tag that a GET gives from now on. */
  async #tagField(target: Target): Promise<readonly Field[]> {
    const etag = (await this.#fileNow(target))?.identity.etag;
    return etag === undefined ? [] : [['etag', etag]];
  }

  /** Shows other processes that uploads go on, however slow their clients are. */
  #keepAlive(file: WorkFile): void {
    this.#uploads.add(file);
    this.#renewing ??= setInterval(() => {
      if (this.#uploads.size === 0) {
        clearInterval(this.#renewing);
        this.#renewing = undefined;
      }
      // A file that cannot be touched is reported by the next write to it.
      for (const upload of this.#uploads) upload.renew(0).catch(() => {});
    }, RENEW_MS).unref();
  }

  /** Runs `action` when earlier actions of this process for the same target have ended. */
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

async function isMoved({ handle, path, place }: OpenDirectory): Promise<boolean> {
  return handle !== undefined && (await readlink(path)) !== place;
}

function announcedBytes(fields: readonly Field[]): number {
  const bytes = Number(fieldValue(fields, 'content-length') ?? 0);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0;
}

function unlessFull(error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
}

/** Moves a finished file to its name. One that must be new is linked, which fails when the name exists. */
async function placeFile(partial: string, { path, request }: Target, mustBeNew: boolean): Promise<void> {
  if (!mustBeNew || fieldValue(request.fields, 'if-none-match') === undefined) return rename(partial, path);
  try {
    await link(partial, path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // Some file systems have no hard links; there taking turns has to do.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return rename(partial, path);
    if (code === 'EEXIST') throw new WriteRefused(PRECONDITION_FAILED);
    throw error;
  }
  return removeIfThere(partial);
}
