// PUT and DELETE (RFC 9110 §9.3.4, §9.3.5): off unless the site says otherwise.
//
// A file is written in a folder of its own beside its target and then renamed, so that at any instant, also after a crash, the
// target is the old file or the new one, whole. Preconditions are evaluated before the content is read, and again when the file
// takes its place; writers of one target, in whichever process, take turns for that (work-folder.ts).

import type { Stats } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
import { isErrorOf } from '../files/disk.ts';
import { entryAt, link, unlink } from '../files/calls.ts';
import type { Entry, FileEntry } from '../files/entry.ts';
import { type OpenDirectory, openDirectory } from '../files/open-directory.ts';
import { isOwnSpelling } from '../files/open-file.ts';
import { PARTIAL_FILE_PREFIX, sitePath } from '../files/path.ts';
import { secretsOf } from '../files/secrets.ts';
import { fieldValue, selectionFields } from '../http/request-fields.ts';
import { exactStateTag } from '../http/validators.ts';
import type { Field, StaticRequest, StaticResponse } from '../message.ts';
import type { Settings } from '../options/settings.ts';
import { BAD_REQUEST, NOT_FOUND, PRECONDITION_FAILED, refusal } from '../refusals.ts';
import { writeContent } from './content.ts';
import { mayWrite } from './known-tags.ts';
import { letGo } from './held-directories.ts';
import { putHeld } from './put-held.ts';
import { chargeOf, Quota } from './quota.ts';
import { QuotaShare } from './quota-share.ts';
import { RENEW_MS, Sweeper } from './sweep.ts';
import { announcedBytes, type Upload, uploadOf } from './upload.ts';
import { removeIfThere, targetKey, type WorkFile, WorkFolder, type WorkPlace } from './work-folder.ts';
import { refusalOf, WriteRefused } from './write-refusal.ts';

/** Where a write goes and under which conditions. */
interface Target {
  readonly directory: OpenDirectory;
  readonly location: string;
  readonly path: string;
  /** Where its writes are prepared. */
  readonly work: WorkPlace;
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
    const isPut = request.method === 'PUT';
    const early = isPut ? this.#refuseEarly(request) : undefined;
    if (early !== undefined) return early;
    let upload: Upload | undefined;
    let directory: OpenDirectory | undefined;
    try {
      await this.#swept;
      upload = isPut ? await uploadOf(request) : undefined;
      const held = upload && (await putHeld(upload, request, path.segments, this.#settings));
      if (held !== undefined) return held;
      directory = await openDirectory(path.segments.slice(0, -1), this.#settings);
      if (directory === undefined) return NOT_FOUND;
      const location = join(this.#settings.root, ...path.segments);
      const work = workPlace(directory, name);
      const target: Target = { directory, location, path: `${directory.path}/${name}`, work, request };
      return await (upload === undefined ? this.#delete(target) : this.#put(target, upload));
    } catch (error) {
      return refusalOf(error);
    } finally {
      upload?.end();
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

  async #put(target: Target, upload: Upload): Promise<StaticResponse> {
    if (!upload.isWhole) await this.#check(target, { mayBeAbsent: true });
    await this.#quota.prepare();
    return this.#store(target, upload);
  }

  #store(target: Target, upload: Upload): Promise<StaticResponse> {
    // What waits for its client or for the disk must not hold the target meanwhile. All else takes its turn in this process first, so
    // that none of two claims of ours waits for the other.
    const isAtOnce = upload.isWhole && !this.#limits.fsync;
    const store = (): Promise<StaticResponse> => this.#storeNow(target, upload, isAtOnce);
    return isAtOnce ? this.#inTurn(target.location, store) : store();
  }

  async #storeNow(target: Target, upload: Upload, isAtOnce: boolean): Promise<StaticResponse> {
    const { folder, file } = await WorkFolder.create(target.work, isAtOnce ? 'claim' : 'file');
    const share = new QuotaShare(this.#quota, file);
    this.#keepAlive(file);
    const place = (): Promise<StaticResponse> => this.#place(file, target, upload, share);
    const { commit = (placing: typeof place) => placing() } = target.request;
    const take = async (): Promise<StaticResponse> => {
      await letGo(target.directory);
      return folder.inTurn(file, () => commit(place));
    };
    try {
      await this.#fill(file, target, upload, share);
      return await (isAtOnce ? take() : this.#inTurn(target.location, take));
    } finally {
      this.#uploads.delete(file);
      await file.discard();
      await folder.close();
      await share.end();
    }
  }

  /** Lets the file take its place. */
  async #place(file: WorkFile, target: Target, { isWhole }: Upload, share: QuotaShare): Promise<StaticResponse> {
    const { directory, request } = target;
    const replaced = await this.#check(target, { mayBeAbsent: true });
    if (isWhole) await takeMode(file, replaced);
    // Where whole directories are moved and removed, the one that was opened may by now be another's, or nobody's.
    if (request.commit !== undefined && !(await directory.isInPlace())) throw new WriteRefused(refusal(409));
    await placeFile(file, target, replaced === undefined);
    share.keep();
    if (this.#limits.fsync) await directory.sync();
    if (replaced !== undefined) await this.#quota.give(chargeOf(replaced.size));
    return { status: replaced === undefined ? 201 : 204, fields: await this.#tagField(target) };
  }

  async #delete(target: Target): Promise<StaticResponse> {
    await this.#check(target, { mayBeAbsent: false });
    await letGo(target.directory);
    const claim = await WorkFolder.create(target.work).catch(unlessFull);
    const remove = async (): Promise<StaticResponse> => {
      const stats = await this.#check(target, { mayBeAbsent: false });
      await unlink(target.path);
      if (this.#limits.fsync) await target.directory.sync();
      await this.#quota.give(chargeOf(stats?.size ?? 0));
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
  async #check(target: Target, { mayBeAbsent }: { mayBeAbsent: boolean }): Promise<Stats | undefined> {
    const stats = await entryAt(target.path);
    if (await this.#isSecret(target, stats)) throw new WriteRefused(NOT_FOUND);
    if (stats === undefined && !mayBeAbsent) throw new WriteRefused(NOT_FOUND);
    if (stats !== undefined && !stats.isFile()) throw new WriteRefused(refusal(409));
    const fields = selectionFields(target.request.fields);
    if (fields === undefined) return stats;
    const entry = stats === undefined ? undefined : await this.#fileNow(target);
    // What was looked up has to be what lies there; otherwise other programs are at it, and no state is the present one.
    const isSame = entry === undefined || entry.stamp.ino === stats?.ino;
    if (!isSame || !mayWrite(fields, stats !== undefined, entry)) throw new WriteRefused(PRECONDITION_FAILED);
    return stats;
  }

  /**
   * Whether the target is what no request may have, or would be: what is not there yet has its name and place only. Nor may any have
   * what is there by another spelling.
   */
  async #isSecret({ directory, location }: Target, stats: Stats | undefined): Promise<boolean> {
    const place = join(directory.place, basename(location));
    if (stats !== undefined && !(await isOwnSpelling(stats, place, directory.place))) return true;
    return secretsOf(this.#settings).cover(stats ?? NOTHING, place, location);
  }

  /** The file at the target; undefined when what is there cannot be read. */
  async #fileNow({ request }: Target): Promise<FileEntry | undefined> {
    // What was found in this turn of the loop is not looked at again; another process may have replaced it in between.
    await turned();
    const entry = await this.#lookUp(request);
    return 'status' in entry || entry.kind !== 'file' ? undefined : entry;
  }

  /** Writes the content and makes the file ready to be placed. */
  async #fill(file: WorkFile, target: Target, { content, digests, isWhole }: Upload, share: QuotaShare): Promise<void> {
    const { maxFileBytes, fsync } = this.#limits;
    await share.need(announcedBytes(target.request.fields));
    const bytes = await writeContent(file.handle, content, {
      hashes: digests.hashes,
      onLength: (length) => {
        if (length > maxFileBytes) throw new WriteRefused(refusal(413));
        return share.covers(length) ? undefined : share.grow(length);
      },
    });
    digests.verify();
    await share.settle(bytes);
    if (!isWhole) await takeMode(file, await entryAt(target.path));
    if (fsync) await file.handle.sync();
  }

  /** The tag that a GET gives from now on. */
  async #tagField(target: Target): Promise<readonly Field[]> {
    if (this.#settings.etag === 'state') {
      const stats = await entryAt(target.path);
      return stats === undefined ? [] : [['etag', exactStateTag(stats)]];
    }
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

/** Permissions are the old file's; what lets a program run as its owner was not given to these bytes. */
async function takeMode({ handle }: WorkFile, replaced: Stats | undefined): Promise<void> {
  if (replaced !== undefined) await handle.chmod(replaced.mode & 0o777);
}

function unlessFull(error: unknown): undefined {
  if (!isErrorOf(error, 'ENOSPC', 'EDQUOT')) throw error;
}

/** Moves a finished file to its name. One that must be new is linked, which fails when the name exists. */
async function placeFile(file: WorkFile, { path, request }: Target, mustBeNew: boolean): Promise<void> {
  if (!mustBeNew || fieldValue(request.fields, 'if-none-match') === undefined) return file.place(path);
  try {
    await link(file.path, path);
  } catch (error) {
    // Some file systems have no hard links; there taking turns has to do.
    if (isErrorOf(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP')) return file.place(path);
    if (isErrorOf(error, 'EEXIST')) throw new WriteRefused(PRECONDITION_FAILED);
    throw error;
  }
  return removeIfThere(file.path);
}

/** Nothing has this name yet. */
const NOTHING = { dev: -1, ino: -1, nlink: 0 };

/** The folder for all writes in a directory, and what those of one target take turns by. */
function workPlace({ path, identity }: OpenDirectory, name: string): WorkPlace {
  return { path: `${path}/${PARTIAL_FILE_PREFIX}writes`, identity, key: targetKey(name) };
}
