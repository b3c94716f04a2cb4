// Which entity tags name the present state of a file in the conditions of a write.
//
// By the letter only a strong tag matches in If-Match (RFC 9110 §13.1.1), and a coded form has another tag than the file. A client
// that had a coded form of this state, or asked within a tick of the clock, would then never get past 412, whatever it tries. A
// write replaces the file with all its forms, so the tag of any form of the present state names it.

import type { FileEntry } from '../files/entry.ts';
import { CODINGS } from '../http/content-coding.ts';
import { entityTags, evaluate } from '../http/preconditions.ts';
import type { ConditionFields } from '../http/request-fields.ts';

/** Whether a write may go ahead; `entry` is undefined where nothing is, or where what is there cannot be read. */
export function mayWrite(fields: ConditionFields, exists: boolean, entry: FileEntry | undefined): boolean {
  const tags = entry === undefined ? [] : tagsOf(entry);
  return mayChange(fields, exists, { tags, modifiedSeconds: entry?.identity.modifiedSeconds });
}

/** The same for what is known by its tags, without `W/`. */
export function mayChange(
  fields: ConditionFields,
  exists: boolean,
  { tags, modifiedSeconds }: { readonly tags: readonly string[]; readonly modifiedSeconds: number | undefined },
): boolean {
  const named = (list: string | undefined): string | undefined =>
    list !== undefined && entityTags(list).some((tag) => tags.includes(opaque(tag))) ? '*' : list;
  const conditions = { ...fields, ifMatch: named(fields.ifMatch), ifNoneMatch: named(fields.ifNoneMatch) };
  const validators = { etag: undefined, modifiedSeconds };
  return evaluate(conditions, exists ? validators : undefined, false) === 'proceed';
}

/** The tags of all forms that a GET may have given, without `W/`: stored, made, and those that may yet be made. */
function tagsOf({ identity, stored }: FileEntry): readonly string[] {
  const own = [identity.etag, identity.formerEtag].filter((tag) => tag !== undefined);
  return [...own.flatMap(tagsOfForms), ...stored.flatMap(({ etag }) => (etag === undefined ? [] : [opaque(etag)]))];
}

/** A tag and those of the codings that may be made of what it names. */
export function tagsOfForms(tag: string): readonly string[] {
  const own = opaque(tag);
  return [own, ...CODINGS.map((coding) => `${own.slice(0, -1)}-${coding}"`)];
}

/** A tag's opaque part, which is the same for its weak form. */
function opaque(tag: string): string {
  return tag.replace(/^W\//, '');
}
