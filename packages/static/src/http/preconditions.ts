// Preconditions decide whether a request for a known representation goes ahead.
//
// Each check answers for one field and returns `undefined` when that field is absent or unusable, so `evaluate` is only the
// order in which RFC 9110 §13.2.2 consults them. If-Match compares strongly, If-None-Match weakly; a date that is none, or
// that lies in the future, says nothing.

import { parseHttpDate } from './http-date.ts';
import type { ConditionFields } from './request-fields.ts';

/** What is known of the selected representation. */
export interface Validators {
  /** With quotes, and `W/` when weak; undefined when it has none. */
  readonly etag: string | undefined;
  /** A weak tag that names the same state. */
  readonly formerEtag?: string | undefined;
  /** Whole seconds since 1970; undefined when it has no usable modification time. */
  readonly modifiedSeconds: number | undefined;
}

export type Precondition = 'proceed' | 'not-modified' | 'failed';

/**
 * Evaluates the fields of a request against its target.
 *
 * `current` is undefined when nothing exists there. For methods other than GET and HEAD a matching If-None-Match fails
 * instead of answering `not-modified`, and If-Modified-Since is ignored.
 */
export function evaluate(fields: ConditionFields, current: Validators | undefined, isRead: boolean): Precondition {
  if ((ifMatch(fields.ifMatch, current) ?? ifUnmodifiedSince(fields.ifUnmodifiedSince, current)) === false) {
    return 'failed';
  }
  const isUnknown = ifNoneMatch(fields.ifNoneMatch, current);
  if (isUnknown === false) return isRead ? 'not-modified' : 'failed';
  if (isUnknown === undefined && isRead && ifModifiedSince(fields.ifModifiedSince, current) === false) {
    return 'not-modified';
  }
  return 'proceed';
}

/**
 * Whether a Range field may be used (RFC 9110 §13.1.5): no If-Range, an equal strong tag, or the very date, if it can stand
 * for one content and had passed by a second, since a date cannot tell two changes within its second apart.
 */
export function ifRange(
  value: string | undefined,
  current: Validators & { readonly isDateCertain?: boolean | undefined },
): boolean {
  if (value === undefined) return true;
  if (value.startsWith('"') || value.startsWith('W/')) {
    return value.startsWith('"') && value === current.etag;
  }
  if (current.isDateCertain !== true) return false;
  const seconds = secondsOf(value);
  return seconds !== undefined && seconds === current.modifiedSeconds && Date.now() >= (seconds + 1) * 1000;
}

function ifMatch(value: string | undefined, current: Validators | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === '*') return current !== undefined;
  const etag = current?.etag;
  return etag !== undefined && !etag.startsWith('W/') && entityTags(value).includes(etag);
}

function ifNoneMatch(value: string | undefined, current: Validators | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === '*') return current === undefined;
  if (current?.etag === undefined) return true;
  if (value === current.etag) return false;
  const opaque = [current.etag, current.formerEtag].map((tag) => tag?.replace(/^W\//, ''));
  return !entityTags(value).some((tag) => opaque.includes(tag.replace(/^W\//, '')));
}

function ifUnmodifiedSince(value: string | undefined, current: Validators | undefined): boolean | undefined {
  const seconds = secondsOf(value);
  if (seconds === undefined) return undefined;
  if (current === undefined) return false;
  return current.modifiedSeconds === undefined ? undefined : current.modifiedSeconds <= seconds;
}

function ifModifiedSince(value: string | undefined, current: Validators | undefined): boolean | undefined {
  const seconds = secondsOf(value);
  if (seconds === undefined || current?.modifiedSeconds === undefined || seconds * 1000 > Date.now()) return undefined;
  return current.modifiedSeconds > seconds;
}

function secondsOf(value: string | undefined): number | undefined {
  const milliseconds = value === undefined ? undefined : parseHttpDate(value);
  return milliseconds === undefined ? undefined : Math.floor(milliseconds / 1000);
}

/** The tags of a list, in order. A comma may stand inside the quotes (RFC 9110 §8.8.3); malformed members are skipped. */
export function entityTags(list: string): readonly string[] {
  return list.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? [];
}
