// The bytes of a response whose content is only there for now, as one of many pages.
//
// What most of these have in common is made once: the first lines once a second, the lines of a page's own fields once for as long
// as the page is remembered. What is out of the ordinary is made like every other response.

import { fieldLines, frameResponse } from '@onezero/http-parser/serializer';
import type { Field, ResponseMessage } from '../message/message.ts';
import { currentDate } from './clock.ts';
import { completeAsText, type CompleteSettings, OWNED, type Situation } from './complete.ts';

/** What is to be written: text or its bytes, then bytes of lines that end the head, if there are any, then content. */
export interface LentResponse {
  readonly head: string | Uint8Array;
  readonly lines: Uint8Array;
  readonly content: Uint8Array;
  readonly persistent: boolean;
}

const NOTHING = new Uint8Array(0);

/** Throws what `complete` throws. */
export function lentResponse(
  response: ResponseMessage,
  situation: Situation,
  settings: CompleteSettings,
): LentResponse {
  const { status, reason, content, lines: store } = response;
  const isUsual = status === 200 && reason === undefined && content instanceof Uint8Array;
  const isAlone = settings.fields.length === 0 && settings.requestIdField === undefined && situation.version !== '0.9';
  if (!isUsual || !isAlone) return unusual(response, situation, settings);
  const kept = store?.kept;
  const own = kept === undefined ? ownLines(response) : '';
  if (own === undefined) return unusual(response, situation, settings);
  if (kept === undefined) store?.keep(Buffer.from(own, 'latin1'));
  const { isSent, persistent, text } = framingOf(content.length, situation);
  const head = own === '' ? headBytes(firstLines(settings), text) : `${firstLines(settings)}${text}${own}`;
  return { head, lines: kept ?? NOTHING, content: isSent ? content : NOTHING, persistent };
}

/** How the end of an answer of status 200 is marked, in lines. */
interface Framing {
  readonly method: string | undefined;
  readonly version: Situation['version'];
  readonly length: number;
  readonly isWanted: boolean;
  readonly text: string;
  readonly isSent: boolean;
  readonly persistent: boolean;
}

/** Of the answer before: what an application says again has one length. */
let framingBefore: Framing | undefined;

function framingOf(length: number, { method, version, persistent: isWanted }: Situation): Framing {
  const before = framingBefore;
  if (
    before !== undefined &&
    before.length === length &&
    before.method === method &&
    before.version === version &&
    before.isWanted === isWanted
  ) {
    return before;
  }
  const { fields, framing, persistent } = frameResponse({ method, version, status: 200, length, persistent: isWanted });
  const text = fieldLines(fields, '1.1');
  framingBefore = { method, version, length, isWanted, text, isSent: framing !== 'none', persistent };
  return framingBefore;
}

/** The head before, and its bytes once it has come again: to copy bytes costs less than to put a text together and write it. */
let headBefore = { first: '', framing: '', text: '', bytes: undefined as Uint8Array | undefined };

function headBytes(first: string, framing: string): string | Uint8Array {
  const before = headBefore;
  if (before.first !== first || before.framing !== framing) {
    const text = `${first}${framing}`;
    headBefore = { first, framing, text, bytes: undefined };
    return text;
  }
  return (before.bytes ??= Buffer.from(before.text, 'latin1'));
}

function unusual(response: ResponseMessage, situation: Situation, settings: CompleteSettings): LentResponse {
  const { head = '', content, persistent } = completeAsText(response, situation, settings);
  return { head, lines: NOTHING, content: content instanceof Uint8Array ? content : NOTHING, persistent };
}

/** Responses with more fields are rare. */
const MAX_KNOWN_LINES = 16;

/** The fields of the response before and their lines, by position: most of what is said of files is the same object each time. */
const knownFields: Field[] = [];
const knownLines: string[] = [];

/** The end of the head that a response's own fields make; undefined where one of them decides about the connection. */
function ownLines({ fields }: ResponseMessage): string | undefined {
  if (fields.length > MAX_KNOWN_LINES) return undefined;
  let text = '';
  for (const [position, field] of fields.entries()) {
    if (field !== knownFields[position]) {
      if (field[0] === 'connection') return undefined;
      knownLines[position] = OWNED.has(field[0]) ? '' : fieldLines([field], '1.1');
      knownFields[position] = field;
    }
    text += knownLines[position];
  }
  return `${text}\r\n`;
}

let first = { date: '', serverField: '' as string | false, text: '' };

/** What all these responses begin with, made once a second. */
function firstLines({ serverField }: CompleteSettings): string {
  const date = currentDate();
  if (first.date !== date || first.serverField !== serverField) {
    const server = serverField === false ? '' : `server: ${serverField}\r\n`;
    first = { date, serverField, text: `HTTP/1.1 200 OK\r\ndate: ${date}\r\n${server}` };
  }
  return first.text;
}
