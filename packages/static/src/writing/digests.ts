// Digests that a client sends along with content (RFC 9530): the content is stored only if it has them.
//
// PUT takes whole, uncoded content, so that Content-Digest and Repr-Digest are of the same bytes. Algorithms other than SHA-256
// and SHA-512 are not checked, as the RFC has it; a field that cannot be read was meant to be checked, and is refused.

import { createHash, type Hash } from 'node:crypto';
import { fieldValue } from '../http/request-fields.ts';
import { DIGEST_ALGORITHMS } from '../http/want-digest.ts';
import type { Field } from '../message.ts';
import { BAD_REQUEST } from '../refusals.ts';
import { WriteRefused } from './write-refusal.ts';

/** A member of the dictionary: a key, and a byte sequence with parameters that mean nothing here (RFC 9651 §3.2, §3.3.5). */
const MEMBER = /^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):(?:[ \t]*;.*)?$/;

interface Expected {
  readonly hash: Hash;
  readonly digest: Buffer;
}

/** What content has to hash to; feed `hashes`, then `verify`. */
export class ExpectedDigests {
  readonly #expected: readonly Expected[];

  /** Throws a refusal with 400 for a field that is no dictionary of byte sequences. */
  constructor(fields: readonly Field[]) {
    this.#expected = ['repr-digest', 'content-digest'].flatMap((name) => expectedIn(fieldValue(fields, name)));
  }

  get hashes(): readonly Hash[] {
    return this.#expected.map(({ hash }) => hash);
  }

  /** Throws a refusal with 400 when what was fed to the hashes is something else. */
  verify(): void {
    const isWrong = this.#expected.some(({ hash, digest }) => !hash.digest().equals(digest));
    if (isWrong) throw new WriteRefused(BAD_REQUEST);
  }
}

function expectedIn(value: string | undefined): Expected[] {
  if (value === undefined || value.trim() === '') return [];
  return value.split(',').flatMap((member) => {
    const [, name = '', digest] = MEMBER.exec(member.trim()) ?? [];
    if (digest === undefined) throw new WriteRefused(BAD_REQUEST);
    const algorithm = Object.hasOwn(DIGEST_ALGORITHMS, name) ? DIGEST_ALGORITHMS[name] : undefined;
    return algorithm === undefined ? [] : [{ hash: createHash(algorithm), digest: Buffer.from(digest, 'base64') }];
  });
}
