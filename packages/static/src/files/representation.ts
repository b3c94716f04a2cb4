// One coding of one file: its fields, and its remembered responses.
//
// Responses are made once, together, and returned again as long as the file stays as it is: whoever sends them may remember
// work on them by identity.

import { type Coding } from '../http/content-coding.ts';
import type { Field, StaticResponse } from '../message.ts';
import type { Validators } from '../http/preconditions.ts';
import type { Settings } from '../options/settings.ts';
import type { Stamp } from '../http/validators.ts';
import { lastModified } from '../http/validators.ts';

/** Where a representation's bytes come from when they are not in memory. */
export interface ContentSource {
  readonly segments: readonly string[];
  readonly stamp: Stamp;
}

export interface Representation extends Validators {
  readonly coding: Coding | undefined;
  /** Undefined when it is made while it is sent. */
  readonly length: number | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly source: ContentSource;
  readonly contentType: string;
  /** The fields of a 200, without Content-Length. */
  readonly fields: readonly Field[];
  /** The response to GET, when the bytes are in memory. */
  readonly whole: StaticResponse | undefined;
  /** The response to HEAD. */
  readonly head: StaticResponse;
  readonly notModified: StaticResponse;
  /** Responses to the single ranges seen first, by Range value, for bytes in memory. */
  readonly partials: Map<string, StaticResponse>;
}

/** What differs between representations of the site. */
export interface RepresentationFacts {
  /** The path below the root that rules are matched against, without leading slash. */
  readonly path: string;
  readonly contentType: string;
  readonly coding?: Coding | undefined;
  readonly isNegotiable: boolean;
  readonly etag: string | undefined;
  /** Zero when it must not be told. */
  readonly mtimeMs: number;
  readonly length: number | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly source: ContentSource;
}

/** Fields of a 304 beside those that rules add: what a cache updates its stored response with (RFC 9110 §15.4.5). */
const NOT_ON_NOT_MODIFIED: ReadonlySet<string> = new Set(['content-type', 'content-encoding', 'accept-ranges']);

export function makeRepresentation(facts: RepresentationFacts, settings: Settings): Representation {
  const { coding, bytes, length, etag, contentType, source, mtimeMs } = facts;
  const modified = settings.lastModified ? lastModified(mtimeMs, Date.now()) : undefined;
  const fields = fieldsOf(facts, modified, settings);
  const file = source.segments;
  const lengthField: readonly Field[] = length === undefined ? [] : [['content-length', String(length)]];
  return {
    coding,
    length,
    bytes,
    source,
    contentType,
    etag,
    modifiedSeconds: modified === undefined ? undefined : Math.floor(mtimeMs / 1000),
    fields,
    partials: new Map(),
    whole: bytes === undefined ? undefined : { status: 200, fields, content: bytes, file },
    head: { status: 200, fields: [...fields, ...lengthField], file },
    notModified: {
      status: 304,
      file,
      // Last-Modified is for caches that have no tag to go by.
      fields: fields.filter(
        ([name]) => !NOT_ON_NOT_MODIFIED.has(name) && (name !== 'last-modified' || etag === undefined),
      ),
    },
  };
}

function fieldsOf(facts: RepresentationFacts, modified: string | undefined, settings: Settings): readonly Field[] {
  const fields: Field[] = [['content-type', facts.contentType]];
  if (facts.coding !== undefined) fields.push(['content-encoding', facts.coding]);
  if (modified !== undefined) fields.push(['last-modified', modified]);
  if (facts.etag !== undefined) fields.push(['etag', facts.etag]);
  if (settings.ranges) fields.push(['accept-ranges', 'bytes']);
  const cacheControl = settings.cacheControlOf(facts.path);
  if (cacheControl !== '') fields.push(['cache-control', cacheControl]);
  if (facts.isNegotiable) fields.push(['vary', 'accept-encoding']);
  fields.push(['x-content-type-options', 'nosniff']);
  return withFields(fields, settings.fieldsOf(facts.path));
}

/** `fields` with `extra` replacing those of the same name; Vary is joined instead. */
export function withFields(fields: readonly Field[], extra: readonly Field[]): readonly Field[] {
  if (extra.length === 0) return fields;
  const joined = new Map(fields);
  for (const [name, value] of extra) {
    const earlier = name === 'vary' ? joined.get('vary') : undefined;
    joined.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return [...joined];
}
