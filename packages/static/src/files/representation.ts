// One coding of one file: its fields, and its remembered responses.
//
// Responses are made once, when they are first needed, and returned again as long as the file stays as it is: the server that
// sends them may remember work on them by identity. Fields that many files share are the same objects, so that a remembered
// page costs little more than its content.

import { type Coding } from '../http/content-coding.ts';
import type { Field, StaticResponse } from '../message.ts';
import type { Validators } from '../http/preconditions.ts';
import type { Settings } from '../options/settings.ts';
import { isDateCertain, lastModified, type Stamp } from '../http/validators.ts';

/** Where a representation's bytes come from when they are not in memory. */
export interface ContentSource {
  readonly location: string;
  readonly stamp: Stamp;
}

/** What differs between representations of the site. */
export interface RepresentationFacts {
  /** The path below the root that rules are matched against, without leading slash. */
  readonly path: string;
  /** The names, from the root downwards, of the file that the bytes come from. */
  readonly file: readonly string[];
  readonly contentType: string;
  readonly coding?: Coding | undefined;
  readonly isNegotiable: boolean;
  readonly etag: string | undefined;
  /** The weak tag that the same state had before the hash of a large file was known. */
  readonly formerEtag?: string | undefined;
  /** Undefined when it must not be sent. */
  readonly mtimeMs: number | undefined;
  /** Undefined when it is made while it is sent. */
  readonly length: number | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly source: ContentSource;
}

/** Fields of a 304 beside those that rules add: what a cache updates its stored response with (RFC 9110 §15.4.5). */
const NOT_ON_NOT_MODIFIED: ReadonlySet<string> = new Set(['content-type', 'content-encoding', 'accept-ranges']);

const NO_SNIFF: Field = ['x-content-type-options', 'nosniff'];
const ACCEPT_RANGES: Field = ['accept-ranges', 'bytes'];
const VARY: Field = ['vary', 'accept-encoding'];

export class Representation implements Validators {
  /** The path of the resource, for rules. */
  readonly path: string;
  readonly file: readonly string[];
  readonly coding: Coding | undefined;
  readonly length: number | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly source: ContentSource;
  readonly contentType: string;
  readonly etag: string | undefined;
  readonly formerEtag: string | undefined;
  readonly modifiedSeconds: number | undefined;
  /** The fields of a 200, without Content-Length. */
  readonly fields: readonly Field[];
  /** The response to GET, when the bytes are in memory. */
  readonly whole: StaticResponse | undefined;
  #head: StaticResponse | undefined;
  #notModified: StaticResponse | undefined;
  #partials: Map<string, StaticResponse> | undefined;

  constructor(facts: RepresentationFacts, settings: Settings) {
    const { mtimeMs } = facts;
    const modified = settings.lastModified && mtimeMs !== undefined ? lastModified(mtimeMs, Date.now()) : undefined;
    this.path = facts.path;
    this.file = facts.file;
    this.coding = facts.coding;
    this.length = facts.length;
    this.bytes = facts.bytes;
    this.source = facts.source;
    this.contentType = facts.contentType;
    this.etag = facts.etag;
    this.formerEtag = facts.formerEtag;
    this.modifiedSeconds = modified === undefined || mtimeMs === undefined ? undefined : Math.floor(mtimeMs / 1000);
    this.fields = fieldsOf(facts, modified, settings);
    const { fields, file } = this;
    this.whole = facts.bytes === undefined ? undefined : { status: 200, fields, content: facts.bytes, file };
  }

  /** The response to HEAD. */
  get head(): StaticResponse {
    const { fields, length, file } = this;
    return (this.#head ??= {
      status: 200,
      file,
      fields: length === undefined ? fields : [...fields, ['content-length', String(length)]],
    });
  }

  get notModified(): StaticResponse {
    // Last-Modified is for caches that have no tag to go by.
    const isKept = ([name]: Field): boolean =>
      !NOT_ON_NOT_MODIFIED.has(name) && (name !== 'last-modified' || this.etag === undefined);
    return (this.#notModified ??= { status: 304, file: this.file, fields: this.fields.filter(isKept) });
  }

  /** Responses to the single ranges seen first, by Range value, for bytes in memory. */
  get partials(): Map<string, StaticResponse> {
    return (this.#partials ??= new Map());
  }

  /** The same with another tag, for a file that is not in memory. */
  withTag(etag: string, settings: Settings): Representation {
    const { path, file, contentType, coding, length, source, modifiedSeconds, fields } = this;
    const mtimeMs = modifiedSeconds === undefined ? undefined : source.stamp.mtimeMs;
    const isNegotiable =
      fields.includes(VARY) || fields.some(([name, value]) => name === 'vary' && value.includes(VARY[1]));
    return new Representation(
      {
        path,
        file,
        contentType,
        coding,
        isNegotiable,
        etag,
        formerEtag: this.etag,
        mtimeMs,
        length,
        bytes: undefined,
        source,
      },
      settings,
    );
  }

  get isDateCertain(): boolean {
    return isDateCertain(this.source.stamp);
  }
}

function fieldsOf(facts: RepresentationFacts, modified: string | undefined, settings: Settings): readonly Field[] {
  const fields: Field[] = [shared('content-type', facts.contentType)];
  if (facts.coding !== undefined) fields.push(shared('content-encoding', facts.coding));
  if (modified !== undefined) fields.push(['last-modified', modified]);
  if (facts.etag !== undefined) fields.push(['etag', facts.etag]);
  if (settings.ranges) fields.push(ACCEPT_RANGES);
  const cacheControl = settings.cacheControlOf(facts.path);
  if (cacheControl !== '') fields.push(shared('cache-control', cacheControl));
  if (facts.isNegotiable) fields.push(VARY);
  fields.push(NO_SNIFF);
  // The copy has no room to grow, which is a third of its size.
  return withFields(fields.slice(), settings.fieldsOf(facts.path));
}

/** Values come from tables and options; this bounds them all the same. */
const MAX_SHARED = 1_000;

const sharedFields = new Map<string, Field>();

/** The field of this name and value, the same object each time. */
function shared(name: string, value: string): Field {
  const known = sharedFields.get(value);
  if (known !== undefined && known[0] === name) return known;
  const field: Field = [name, value];
  if (sharedFields.size < MAX_SHARED) sharedFields.set(value, field);
  return field;
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
