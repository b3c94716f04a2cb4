// Repr-Digest and Content-Digest for clients that want them (RFC 9530).
//
// What is in memory is hashed when somebody asks. A larger file has the hash that its entity tag is made of, once that is known:
// it never delays the first byte of a large response, and is equal on every replica. Repr-Digest is of the whole representation
// in its coding, whatever part of it is sent; Content-Digest is of what is sent. A 304 sends none.

import * as crypto from 'node:crypto';
import type { ContentPlan } from './files/content-from-disk.ts';
import type { FileEntry } from './files/entry.ts';
import type { Representation } from './files/representation.ts';
import type { Storage } from './files/storage.ts';
import { DIGEST_ALGORITHMS, digestValue, wantedDigests } from './http/want-digest.ts';
import type { SelectionFields } from './http/request-fields.ts';
import type { Field, StaticResponse } from './message.ts';

/** Files up to here are read to be hashed when a digest is wanted: 50 ms. HEAD has no byte to delay, and any file is read. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/** A part of a file up to here is read whole to be hashed. */
const MAX_PART_BYTES = 1024 * 1024;

/** Whether hashing a file that is not in memory comes before the answer. */
export function isReprDigestWanted(
  { identity, stored }: FileEntry,
  { wantReprDigest, wantContentDigest, range }: SelectionFields,
  method: string,
): boolean {
  // The content of a part is hashed by itself.
  const wanted = wantedDigests(wantReprDigest ?? (range === undefined ? wantContentDigest : undefined));
  if (!wanted.includes('sha-256')) return false;
  return [identity, ...stored].every(({ source }) => method === 'HEAD' || source.stamp.size <= MAX_READ_BYTES);
}

/** The response with the digests that are wanted and known. */
export function withDigestFields(
  response: StaticResponse,
  representation: Representation,
  fields: SelectionFields,
  storage: Storage,
): StaticResponse {
  const { status, content } = response;
  if (status !== 200 && status !== 206) return response;
  const added = reprDigest(representation, fields, storage);
  if (content instanceof Uint8Array) added.push(...digestField('content-digest', fields.wantContentDigest, content));
  return added.length === 0 ? response : { ...response, fields: [...response.fields, ...added] };
}

/** The plan with the digests that are known before anything is read. */
export function planWithDigests(plan: ContentPlan, fields: SelectionFields, storage: Storage): ContentPlan {
  const { representation, status } = plan;
  const added = reprDigest(representation, fields, storage);
  if (status === 200) {
    const [name, value] = reprDigest(representation, { wantReprDigest: fields.wantContentDigest }, storage)[0] ?? [];
    if (name !== undefined && value !== undefined) added.push(['content-digest', value]);
  }
  return added.length === 0 ? plan : { ...plan, fields: [...plan.fields, ...added] };
}

/** Whether the content of a planned response is to be read whole, to be hashed. */
export function isContentGathered({ status, length }: ContentPlan, { wantContentDigest }: SelectionFields): boolean {
  return (
    status === 206 &&
    length !== undefined &&
    length <= MAX_PART_BYTES &&
    wantContentDigest !== undefined &&
    wantedDigests(wantContentDigest).length > 0
  );
}

/** A response with its content read, and the digest of that. */
export async function gathered(response: StaticResponse, fields: SelectionFields): Promise<StaticResponse> {
  const { content } = response;
  if (content === undefined || content instanceof Uint8Array) return response;
  const pieces: Uint8Array[] = [];
  // Each piece is lent until the next is asked for.
  for await (const piece of content) pieces.push(Uint8Array.from(piece));
  const bytes = Buffer.concat(pieces);
  const added = digestField('content-digest', fields.wantContentDigest, bytes);
  return { ...response, content: bytes, fields: [...response.fields, ...added] };
}

function reprDigest(
  representation: Representation,
  { wantReprDigest }: SelectionFields,
  { digests }: Storage,
): Field[] {
  if (wantReprDigest === undefined) return [];
  const { bytes, length, source } = representation;
  if (bytes !== undefined) return digestField('repr-digest', wantReprDigest, bytes);
  // Of what is coded on its way nobody knows the bytes yet.
  const sha256 = length === undefined ? undefined : digests.find(source.location, source.stamp);
  if (sha256 === undefined || !wantedDigests(wantReprDigest).includes('sha-256')) return [];
  return [['repr-digest', digestValue('sha-256', Buffer.from(sha256, 'base64url').toString('base64'))]];
}

function digestField(name: string, wanted: string | undefined, bytes: Uint8Array): Field[] {
  const [algorithm] = wantedDigests(wanted);
  const known = algorithm === undefined ? undefined : DIGEST_ALGORITHMS[algorithm];
  if (algorithm === undefined || known === undefined) return [];
  return [[name, digestValue(algorithm, crypto.hash(known, bytes, 'base64'))]];
}
