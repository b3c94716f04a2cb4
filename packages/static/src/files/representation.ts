// One coding of one file: its fields, and its remembered responses.
//
// Responses are made once, when they are first needed, and returned again as long as the file stays as it is: the server that
// sends them may remember work on them by identity. Fields that many files share are the same objects, so that a remembered
// page costs little more than its content.

import { type Coding } from '../http/content-coding.ts';
import type { Field, StaticResponse } from '../message.ts';
import type { Validators } from '../http/preconditions.ts';
import type { Settings } from '../options/settings.ts';
import { httpDateOf, isDateCertain, isUsableDate, type Stamp } from '../http/validators.ts';
import { MAX_PIECE_BYTES, ownBytes } from './lent-buffers.ts';
import { LentPage, type PageSource } from './lent-page.ts';
import type { Shelf } from './shelf.ts';

/** Where a representation's bytes come from when they are not in memory. */
export interface ContentSource {
  readonly location: string;
  readonly stamp: Stamp;
  /** Where it lies, if a link is on the way. */
  readonly place: string | undefined;
}

/** What differs between representations of the site. */
export interface RepresentationFacts {
  /** The path below the root that rules are matched against, without leading slash. */
  readonly path: string;
  /** The name of the file that the bytes come from, where it is not the last of `path`. */
  readonly name?: string | undefined;
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

/** What entries are counted with for lines that callers keep. */
export const MAX_LINES_BYTES: number = 512;

const NO_SNIFF: Field = ['x-content-type-options', 'nosniff'];
const ACCEPT_RANGES: Field = ['accept-ranges', 'bytes'];
const VARY: Field = ['vary', 'accept-encoding'];

export class Representation implements Validators, PageSource {
  /** The path of the resource, for rules. */
  readonly path: string;
  readonly coding: Coding | undefined;
  readonly length: number | undefined;
  readonly source: ContentSource;
  readonly contentType: string;
  readonly isNegotiable: boolean;
  readonly etag: string | undefined;
  readonly formerEtag: string | undefined;
  /** The name of the file that the bytes come from, where it is not that of the resource. */
  readonly #name: string | undefined;
  readonly #settings: Settings;
  readonly #mtimeMs: number | undefined;
  #bytes: Uint8Array | undefined;
  #shelf: Shelf | undefined;
  #place = 0;
  #linesPlace = 0;
  #linesBytes = 0;
  #isReady = true;
  /** Of a remembered response, while the bytes stand on a shelf. */
  #content: Uint8Array | undefined;
  #whole: StaticResponse | undefined;
  #head: StaticResponse | undefined;
  #notModified: StaticResponse | undefined;
  #partials: Map<string, StaticResponse> | undefined;

  constructor(facts: RepresentationFacts, settings: Settings) {
    const { mtimeMs } = facts;
    this.path = facts.path;
    this.coding = facts.coding;
    this.length = facts.length;
    this.source = facts.source;
    this.contentType = facts.contentType;
    this.isNegotiable = facts.isNegotiable;
    this.etag = facts.etag;
    this.formerEtag = facts.formerEtag;
    this.#name = facts.name;
    this.#settings = settings;
    this.#mtimeMs = settings.lastModified && mtimeMs !== undefined && isUsableDate(mtimeMs) ? mtimeMs : undefined;
    this.#bytes = facts.bytes;
  }

  /** The bytes, when they are in memory: those of a shelf as a copy, until the shelf is given up. */
  get bytes(): Uint8Array | undefined {
    const shelf = this.#standsOn;
    if (this.#bytes !== undefined || shelf === undefined) return this.#bytes;
    if (this.#content !== undefined) return this.#content;
    const copy = shelf.copy(this.#place, this.length ?? 0);
    return this.#isReady ? (this.#content = ownBytes(copy)) : copy;
  }

  get isInMemory(): boolean {
    return this.#bytes !== undefined || this.#standsOn !== undefined;
  }

  /** The shelf that the bytes stand on: one of an entry that was deleted may be given up unnoticed. */
  get #standsOn(): Shelf | undefined {
    return this.#shelf?.isGivenUp === true ? undefined : this.#shelf;
  }

  get isOnShelf(): boolean {
    return this.#shelf !== undefined;
  }

  /** Moves the bytes to a shelf, or to memory of their own where it has no room. */
  putOn(shelf: Shelf): void {
    const { bytes } = this;
    if (bytes === undefined) return;
    const place = shelf.put(bytes);
    if (place === undefined) {
      // Larger than what is lent, so these bytes are their own already.
      this.#bytes = bytes;
      return;
    }
    this.#shelf = shelf;
    this.#place = place;
    this.#linesBytes = 0;
    this.#bytes = undefined;
    this.isReady = false;
  }

  /** The shelf is given up: the bytes have to be read again, unless somebody has a copy. */
  takeOff(bytes?: Uint8Array): void {
    this.#bytes ??= bytes;
    this.#shelf = undefined;
    this.#forget();
  }

  /** Whether responses are remembered: those of contents on a shelf are made for each request unless they are asked for often. */
  get isReady(): boolean {
    return this.#isReady;
  }

  set isReady(isReady: boolean) {
    this.#isReady = isReady;
    if (!isReady) this.#forget();
  }

  #forget(): void {
    this.#content = undefined;
    this.#whole = undefined;
    this.#head = undefined;
    this.#notModified = undefined;
    this.#partials = undefined;
  }

  /** The names, from the root downwards, of the file that the bytes come from. */
  get file(): readonly string[] {
    const names = this.path.split('/');
    if (this.#name !== undefined) names[names.length - 1] = this.#name;
    return names;
  }

  /** Whole seconds since 1970. */
  get modifiedSeconds(): number | undefined {
    return this.#mtimeMs === undefined ? undefined : Math.floor(this.#mtimeMs / 1000);
  }

  /** The fields of a 200, without Content-Length. */
  get fields(): readonly Field[] {
    return this.#whole?.fields ?? fieldsOf(this, this.#settings);
  }

  /** The response to GET, when the bytes are in memory. */
  get whole(): StaticResponse | undefined {
    if (this.#whole !== undefined) return this.#whole;
    const { bytes } = this;
    if (bytes === undefined) return undefined;
    const whole = { status: 200, fields: this.fields, content: bytes, file: this.file };
    if (this.#isReady) this.#whole = whole;
    return whole;
  }

  /** The same for a caller that is done with it at once; undefined when it is remembered, or the bytes are not lent. */
  get lent(): StaticResponse | undefined {
    const shelf = this.#standsOn;
    const content = shelf === undefined ? this.#lentBytes : this.#lentByShelf(shelf);
    return content && new LentPage(content, this);
  }

  get kept(): Uint8Array | undefined {
    return this.#linesBytes === 0 ? undefined : this.#standsOn?.lend(this.#linesPlace, this.#linesBytes);
  }

  keep(lines: Uint8Array): void {
    const place = lines.length > MAX_LINES_BYTES ? undefined : this.#standsOn?.put(lines);
    if (place === undefined) return;
    this.#linesPlace = place;
    this.#linesBytes = lines.length;
  }

  #lentByShelf(shelf: Shelf): Uint8Array | undefined {
    return this.#isReady ? undefined : shelf.lend(this.#place, this.length ?? 0);
  }

  get #lentBytes(): Uint8Array | undefined {
    return this.#bytes !== undefined && this.#bytes.length <= MAX_PIECE_BYTES ? this.#bytes : undefined;
  }

  /** The response to HEAD. */
  get head(): StaticResponse {
    if (this.#head !== undefined) return this.#head;
    const { fields, length, file } = this;
    const all: readonly Field[] = length === undefined ? fields : [...fields, ['content-length', String(length)]];
    const head = { status: 200, file, fields: all };
    if (this.#isReady) this.#head = head;
    return head;
  }

  get notModified(): StaticResponse {
    if (this.#notModified !== undefined) return this.#notModified;
    // Last-Modified is for caches that have no tag to go by.
    const isKept = ([name]: Field): boolean =>
      !NOT_ON_NOT_MODIFIED.has(name) && (name !== 'last-modified' || this.etag === undefined);
    const notModified = { status: 304, file: this.file, fields: this.fields.filter(isKept) };
    if (this.#isReady) this.#notModified = notModified;
    return notModified;
  }

  /** Responses to the single ranges seen first, by Range value, for bytes in memory. */
  get partials(): Map<string, StaticResponse> {
    return (this.#partials ??= new Map());
  }

  /** The same with another tag, for a file that is not in memory. */
  withTag(etag: string, settings: Settings): Representation {
    const { path, contentType, coding, isNegotiable, length, source } = this;
    const facts = { path, name: this.#name, contentType, coding, isNegotiable, length, source };
    return new Representation(
      { ...facts, etag, formerEtag: this.etag, mtimeMs: this.#mtimeMs, bytes: undefined },
      settings,
    );
  }

  get isDateCertain(): boolean {
    return isDateCertain(this.source.stamp);
  }
}

function fieldsOf(facts: Representation, settings: Settings): readonly Field[] {
  const fields: Field[] = [shared('content-type', facts.contentType)];
  if (facts.coding !== undefined) fields.push(shared('content-encoding', facts.coding));
  const { modifiedSeconds } = facts;
  if (modifiedSeconds !== undefined) fields.push(['last-modified', httpDateOf(modifiedSeconds)]);
  if (facts.etag !== undefined) fields.push(['etag', facts.etag]);
  if (settings.ranges) fields.push(ACCEPT_RANGES);
  const cacheControl = settings.cacheControlOf(facts.path);
  if (cacheControl !== '') fields.push(shared('cache-control', cacheControl));
  if (facts.isNegotiable) fields.push(VARY);
  fields.push(NO_SNIFF);
  return withFields(fields, settings.fieldsOf(facts.path));
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
