// The few request fields that select or condition a representation, collected in one pass over the head.
//
// Most requests for most files carry none that matters; then nothing is allocated and the remembered response goes out.

import type { Field } from '../message.ts';

/** The fields that preconditions read. */
export interface ConditionFields {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
}

/** Everything that can change which bytes of which representation are sent. */
export interface SelectionFields extends ConditionFields {
  readonly range?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly acceptEncoding?: string | undefined;
  readonly wantReprDigest?: string | undefined;
  readonly wantContentDigest?: string | undefined;
}

const SELECTION_FIELDS = new Map<string, keyof SelectionFields>([
  ['range', 'range'],
  ['if-range', 'ifRange'],
  ['if-match', 'ifMatch'],
  ['if-none-match', 'ifNoneMatch'],
  ['if-modified-since', 'ifModifiedSince'],
  ['if-unmodified-since', 'ifUnmodifiedSince'],
  ['accept-encoding', 'acceptEncoding'],
  ['want-repr-digest', 'wantReprDigest'],
  ['want-content-digest', 'wantContentDigest'],
]);

/** The selecting fields, lines of one name joined by a comma; undefined when there is none. */
export function selectionFields(fields: readonly Field[]): SelectionFields | undefined {
  let selection: { -readonly [Name in keyof SelectionFields]: string } | undefined;
  for (const [name, value] of fields) {
    // 'r', 'i', 'a' and 'w' begin all names that matter; most others are passed over without hashing them.
    const first = name.charCodeAt(0);
    if (first !== 0x61 && first !== 0x69 && first !== 0x72 && first !== 0x77) continue;
    const key = SELECTION_FIELDS.get(name);
    if (key === undefined) continue;
    selection ??= {};
    const earlier = selection[key];
    selection[key] = earlier === undefined ? value.trim() : `${earlier}, ${value.trim()}`;
  }
  return selection;
}

/** One field's lines joined by a comma, or undefined. `name` in lower case. */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  let joined: string | undefined;
  for (const [fieldName, value] of fields) {
    if (fieldName === name) joined = joined === undefined ? value : `${joined}, ${value}`;
  }
  return joined;
}
