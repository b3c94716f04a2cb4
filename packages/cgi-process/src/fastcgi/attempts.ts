// Which requests are asked again, how often, and after which waits.

import { setTimeout as delay } from 'node:timers/promises';
import { CgiError } from '../cgi-error.ts';

/** RFC 9110 §9.2.1: asking again changes nothing. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY']);

/**
 * A kept connection that is dead, and new ones in the queue of an application that takes its time to end. An application that a
 * request makes crash is not asked more often than this.
 */
export const MAX_ATTEMPTS = 5;
/**
 * Waits before the third attempt and those after it. A master of php-fpm ends within half a second of its children; where others have the
 * processor it takes longer, and its successor must start: the last attempt is for that.
 */
const RESTART_WAITS_MS = [50, 400, 2000];

/** Whether a request with this method may be asked again. */
export function isSafe(method: string): boolean {
  return SAFE_METHODS.has(method);
}

/** A restart drops what waits in the queue of its socket; the next one is there a moment later. */
export async function waitForRestart(attempt: number): Promise<void> {
  if (attempt > 1) await delay(RESTART_WAITS_MS[attempt - 2]);
}

/** The error of a request that got no byte of an answer. */
export function unanswered(message: string): CgiError {
  return new CgiError('backend-gone', message, { cause: new Error('the connection closed before any byte had come') });
}
