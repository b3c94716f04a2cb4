// A PUT of a small file in a directory that the turn of its caller holds (held-directories.ts): written at once, without a claim.

import { isErrorOf } from '../files/disk.ts';
import { secretsOf } from '../files/secrets.ts';
import { selectionFields } from '../http/request-fields.ts';
import { exactStateTag } from '../http/validators.ts';
import type { StaticRequest, StaticResponse } from '../message.ts';
import type { Settings } from '../options/settings.ts';
import { refusal } from '../refusals.ts';
import { allFreed } from './replaced-files.ts';
import type { Upload } from './upload.ts';

/** What `place` says when the directory is not held; the caller only passes it on. */
const NOT_HELD: StaticResponse = refusal(503, new Error('the directory is not held'));

/** The answer; undefined where the write has to make a claim, because the directory is not held or the request asks for more. */
export async function putHeld(
  upload: Upload,
  request: StaticRequest,
  segments: readonly string[],
  settings: Settings,
): Promise<StaticResponse | undefined> {
  const { commit } = request;
  const name = segments.at(-1);
  if (commit === undefined || name === undefined || !isPlain(upload, request, settings)) return undefined;
  const answer = await commit(async (held) => {
    const directory = await held?.take(segments.slice(0, -1), settings);
    const outcome = directory && (await writeWithRoom(() => directory.write(name, upload.chunks)));
    if (outcome === undefined) return NOT_HELD;
    const { replaced, stats } = outcome;
    return { status: replaced === undefined ? 201 : 204, fields: [['etag', exactStateTag(stats)]] };
  });
  return answer === NOT_HELD ? undefined : answer;
}

/** Writes, and once more where the disk is full and had yet to free what was replaced before. */
async function writeWithRoom<Value>(write: () => Value): Promise<Value> {
  try {
    return write();
  } catch (error) {
    if (!isErrorOf(error, 'ENOSPC', 'EDQUOT') || !(await allFreed())) throw error;
    return write();
  }
}

/** Whether there is nothing to wait for and nothing to look at but the target. */
function isPlain({ isWhole, chunks, digests }: Upload, { fields }: StaticRequest, settings: Settings): boolean {
  const { write, etag } = settings;
  if (!isWhole || write === undefined || write.fsync || etag !== 'state') return false;
  if (Number.isFinite(write.quotaBytes) || digests.hashes.length > 0 || !secretsOf(settings).isEmpty) return false;
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return bytes <= write.maxFileBytes && selectionFields(fields) === undefined;
}
