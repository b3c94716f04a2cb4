// From a script's header to a response, and from a script that is over to its whole answer.

import { basename } from 'node:path';
import { CgiError } from '../cgi-error.ts';
import type { CgiErrorDetails } from '../cgi-error.ts';
import type { Finished } from '../process/launch.ts';
import type { CgiResponse } from '../message.ts';
import { fieldsWithContent } from './lent-fields.ts';
import { ScriptHeadParser } from './script-header.ts';
import type { HeaderLimits, ScriptHead } from './script-header.ts';

/** The header and what comes after it; `content` absent means that there is none to have. */
export function responseOf(head: ScriptHead, content: CgiResponse['content']): CgiResponse {
  const { status, reason, contentLength } = head;
  // The type of no content says nothing.
  if (!hasContent(status)) return { status, reason, fields: head.fields.filter(([name]) => name !== 'content-type') };
  const own = [...head.fields];
  if (contentLength !== undefined) own.push(['content-length', String(contentLength)]);
  const fields = fieldsWithContent(head.kind, own);
  return { status, reason, fields, content };
}

/** Whether content may come after the header, as far as the status says (RFC 9110 §15.3.5, §15.3.6, §15.4.5). */
export function hasContent(status: number): boolean {
  return status !== 204 && status !== 205 && status !== 304;
}

/** A local redirect. Status and Location serve a server that does not know `localRedirect`. */
export function redirectTo(location: string): CgiResponse {
  return { status: 302, fields: [['location', location]], localRedirect: location };
}

/** Whether a script with this name writes the whole response itself (RFC 3875 §5). */
export function isNonParsed(file: string): boolean {
  return basename(file).startsWith('nph-');
}

/** What is known of a run when its answer is made. */
export interface AnswerOptions {
  readonly script: string;
  readonly limits: HeaderLimits;
  readonly method: string;
  /** The end of standard error. */
  readonly tail: string;
}

/** The whole output of a script that is over, for a response that is passed on unparsed. Throws CgiError. */
export function unparsedOf({ status: { signal, code }, output }: Finished, options: AnswerOptions): Buffer {
  if (output.length === 0) throw errorOf('no-output', `it exited with ${signal ?? `code ${code}`}`, options);
  if (signal !== null) throw errorOf('killed', `it was ended (${signal})`, options);
  return output;
}

/** The header of a script that is over, and its content, of just the length it announced. Throws CgiError. */
export function answerOf(
  { status, output }: Finished,
  options: AnswerOptions,
): { head: ScriptHead; content: Uint8Array } {
  const { signal, code } = status;
  const head = parsed(output, options);
  if (head === undefined) {
    const end = signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`;
    throw errorOf(output.length === 0 ? 'no-output' : 'bad-header', `${end} before its header ended`, options);
  }
  if (signal !== null) throw errorOf('killed', `it was ended (${signal})`, options);
  const { contentLength: announced = head.rest.length, rest } = head;
  if (rest.length < announced && hasContent(head.status) && options.method !== 'HEAD') {
    throw errorOf('content-cut', `it announced ${announced} bytes and wrote ${rest.length}`, options);
  }
  return { head, content: rest.subarray(0, announced) };
}

function parsed(output: Buffer, options: AnswerOptions): ScriptHead | undefined {
  try {
    return new ScriptHeadParser(options.limits).push(output);
  } catch (error) {
    if (!(error instanceof CgiError)) throw error;
    throw errorOf(error.code, error.message, options);
  }
}

function errorOf(code: CgiError['code'], message: string, { script, tail }: AnswerOptions): CgiError {
  const details: CgiErrorDetails = { script, stderr: tail };
  return new CgiError(code, `${script}: ${message}`, details);
}
