// Statuses without content. Whoever sends them renders the page; the common ones are always the same object.

import type { Field, StaticResponse } from './message.ts';

export const BAD_REQUEST: StaticResponse = { status: 400, fields: [] };
export const NOT_FOUND: StaticResponse = { status: 404, fields: [] };
export const PRECONDITION_FAILED: StaticResponse = { status: 412, fields: [] };

export function refusal(status: number, cause?: unknown, fields: readonly Field[] = []): StaticResponse {
  return cause === undefined ? { status, fields } : { status, fields, cause };
}
