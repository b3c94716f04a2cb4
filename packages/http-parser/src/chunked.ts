// chunked-body = *chunk last-chunk trailer-section CRLF   (RFC 9112 §7.1)
//
// A state machine over octets that can stop anywhere. It takes chunk lines and data up to and with the last-chunk line;
// the trailer section behind it has the grammar of a head and is read as one. Extensions are checked and dropped.
// No line of it may end in LF alone, in any version: two readers that disagree about a chunk line disagree about the
// next request.

import { CLASS as SHARED_CLASS, CR, HEX, HTAB, LF, QUOTED, SP, TOKEN, VALUE } from './grammar.ts';
import type { ResolvedLimits } from './limits.ts';
import type { ContentSink } from './message.ts';
import { DONE, INCOMPLETE, type Outcome, REFUSED, type Scan } from './scan.ts';

/** See `field-lines.ts`. */
const CLASS: Uint8Array = SHARED_CLASS;

type State =
  | 'size'
  | 'before-semicolon'
  | 'name-start'
  | 'name'
  | 'after-name'
  | 'value-start'
  | 'value'
  | 'quoted'
  | 'quoted-pair'
  | 'after-quoted'
  | 'line-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf';

type Column = 'token' | 'space' | ';' | '=' | '"' | '\\' | 'cr' | 'text';

/** chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] ); what is not here is refused. */
const EXTENSION: Readonly<Partial<Record<State, Readonly<Partial<Record<Column, State>>>>>> = {
  'before-semicolon': { space: 'before-semicolon', ';': 'name-start' },
  'name-start': { space: 'name-start', token: 'name' },
  name: { token: 'name', space: 'after-name', ';': 'name-start', '=': 'value-start', cr: 'line-lf' },
  'after-name': { space: 'after-name', ';': 'name-start', '=': 'value-start' },
  'value-start': { space: 'value-start', token: 'value', '"': 'quoted' },
  value: { token: 'value', space: 'before-semicolon', ';': 'name-start', cr: 'line-lf' },
  quoted: {
    token: 'quoted',
    space: 'quoted',
    ';': 'quoted',
    '=': 'quoted',
    text: 'quoted',
    '\\': 'quoted-pair',
    '"': 'after-quoted',
  },
  'quoted-pair': {
    token: 'quoted',
    space: 'quoted',
    ';': 'quoted',
    '=': 'quoted',
    text: 'quoted',
    '\\': 'quoted',
    '"': 'quoted',
  },
  'after-quoted': { space: 'before-semicolon', ';': 'name-start', cr: 'line-lf' },
};

/** What may follow the digits of a size. */
const AFTER_SIZE: Readonly<Partial<Record<Column, State>>> = {
  space: 'before-semicolon',
  ';': 'name-start',
  cr: 'line-lf',
};

function columnOf(octet: number): Column | undefined {
  const character = String.fromCharCode(octet);
  if (character === ';' || character === '=' || character === '"' || character === '\\') return character;
  if (octet === CR) return 'cr';
  if (octet === SP || octet === HTAB) return 'space';
  const classes = CLASS[octet]!;
  if ((classes & TOKEN) !== 0) return 'token';
  return (classes & (QUOTED | VALUE)) !== 0 ? 'text' : undefined;
}

const COLUMNS: readonly (Column | undefined)[] = Array.from({ length: 256 }, (_, octet) => columnOf(octet));

/** More hexadecimal digits than any exact integer has, leading zeros included, are only sent to overflow somebody. */
const MAX_SIZE_DIGITS = 16;

/** What a number of 32 bits holds, and a chunk hardly exceeds. */
const USUAL_SIZE_DIGITS = 7;

/** Reads the chunks of one message. */
export class ChunkedDecoder {
  readonly #limits: ResolvedLimits;
  #state: State = 'size';
  #size = 0;
  #digits = 0;
  #lineBytes = 0;
  #extensionBytes = 0;

  constructor(limits: ResolvedLimits) {
    this.#limits = limits;
  }

  /** Takes what the scan holds. DONE means that the last-chunk line was read; all other bytes are used up when INCOMPLETE. */
  read(scan: Scan, events: ContentSink): Outcome {
    // Asked for once: these getters cost as much as a chunk.
    const { buffer, byteOffset } = scan.bytes;
    while (scan.at < scan.end) {
      if (this.#state === 'data') {
        const length = Math.min(this.#size, scan.end - scan.at);
        events.push({ type: 'content', bytes: new Uint8Array(buffer, byteOffset + scan.at, length) });
        this.#passData(scan, length);
      } else if (this.#state === 'data-cr' || this.#state === 'data-lf') {
        if (scan.bytes[scan.at] !== (this.#state === 'data-cr' ? CR : LF)) return scan.refuse('bad-chunk-end', scan.at);
        this.#state = this.#state === 'data-cr' ? 'data-lf' : 'size';
        scan.at++;
      } else if (this.#digits === 0 && this.#readUsualLine(scan)) {
        if (this.#size === 0) return DONE;
      } else {
        const outcome = this.#readLine(scan);
        if (outcome !== INCOMPLETE) return outcome;
      }
    }
    return INCOMPLETE;
  }

  /** Reads a line of nothing but a size of a few digits and CRLF if it is all there: nearly always so. Else changes nothing. */
  #readUsualLine(scan: Scan): boolean {
    const { bytes, at: start } = scan;
    const bound = Math.min(scan.end - 1, start + USUAL_SIZE_DIGITS + 1, start + this.#limits.maxChunkLineBytes - 1);
    let at = start;
    let size = 0;
    for (; at < bound && (CLASS[bytes[at]!]! & HEX) !== 0; at++) size = size * 16 + digitValue(bytes[at]!);
    if (at === start || at >= bound || bytes[at] !== CR || bytes[at + 1] !== LF) return false;
    scan.at = at + 2;
    this.#size = size;
    if (size > 0) this.#state = 'data';
    return true;
  }

  /** Goes on behind data that was handed out, and behind the CRLF if data and CRLF are all there. */
  #passData(scan: Scan, length: number): void {
    scan.at += length;
    this.#size -= length;
    if (this.#size > 0) return;
    const { bytes, at, end } = scan;
    const isEndUsual = at + 2 <= end && bytes[at] === CR && bytes[at + 1] === LF;
    if (isEndUsual) scan.at = at + 2;
    this.#state = isEndUsual ? 'size' : 'data-cr';
  }

  /** Reads on in a chunk line. DONE at the end of the last-chunk line, INCOMPLETE at the end of any other and of the bytes. */
  #readLine(scan: Scan): Outcome {
    while (scan.at < scan.end) {
      const octet = scan.bytes[scan.at]!;
      if (++this.#lineBytes > this.#limits.maxChunkLineBytes) return scan.refuse('chunk-line-too-long', scan.at);
      if (this.#state === 'line-lf') {
        if (octet !== LF) return scan.refuse('bad-line-end', scan.at);
        scan.at++;
        return this.#endLine();
      }
      const outcome = this.#state === 'size' ? this.#readSize(scan, octet) : this.#readExtension(scan, octet);
      if (outcome === REFUSED) return outcome;
      scan.at++;
    }
    return INCOMPLETE;
  }

  #endLine(): Outcome {
    this.#lineBytes = 0;
    this.#digits = 0;
    if (this.#size === 0) return DONE;
    this.#state = 'data';
    return INCOMPLETE;
  }

  /** chunk-size = 1*HEXDIG; what follows the first octet that is no digit is the affair of the extensions. */
  #readSize(scan: Scan, octet: number): Outcome {
    if ((CLASS[octet]! & HEX) !== 0) {
      this.#size = this.#size * 16 + digitValue(octet);
      if (++this.#digits > MAX_SIZE_DIGITS || !Number.isSafeInteger(this.#size)) {
        return scan.refuse('length-overflow', scan.at);
      }
      return INCOMPLETE;
    }
    const next = AFTER_SIZE[COLUMNS[octet] ?? 'text'];
    if (this.#digits === 0 || next === undefined) return scan.refuse('bad-chunk-line', scan.at);
    this.#state = next;
    return INCOMPLETE;
  }

  #readExtension(scan: Scan, octet: number): Outcome {
    const column = COLUMNS[octet];
    const next = column === undefined ? undefined : EXTENSION[this.#state]?.[column];
    if (next === undefined) return scan.refuse(octet === LF ? 'bad-line-end' : 'bad-chunk-line', scan.at);
    if (++this.#extensionBytes > this.#limits.maxChunkExtensionBytes) {
      return scan.refuse('chunk-extensions-too-large', scan.at);
    }
    this.#state = next;
    return INCOMPLETE;
  }
}

function digitValue(octet: number): number {
  return octet <= 0x39 ? octet - 0x30 : (octet | 0x20) - 0x57;
}
