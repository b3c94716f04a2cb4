// The fields of answers that begin alike, with what the server makes of them.

import type { Field, LineStore } from '../message.ts';

const NOSNIFF: Field = ['x-content-type-options', 'nosniff'];

/** The fields of an answer with content. A browser that is not told what it gets must not guess that it is a page. */
export function fieldsWithContent(kind: string, fields: readonly Field[]): readonly Field[] {
  const isTyped = kind !== 'document' || fields.some((field) => field[0] === 'content-type');
  return isTyped ? fields : [...fields, NOSNIFF];
}

/** Of a header that comes again: made once for all answers that have it. */
export class LentFields implements LineStore {
  readonly fields: readonly Field[];
  kept: Uint8Array | undefined;

  constructor(kind: string, fields: readonly Field[]) {
    this.fields = fieldsWithContent(kind, fields);
  }

  keep(lines: Uint8Array): void {
    this.kept = new Uint8Array(lines);
  }
}
