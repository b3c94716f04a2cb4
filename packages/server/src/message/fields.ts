// Looking things up in field lines. Names are lower case already; lists are joined as RFC 9110 §5.3 allows.

import type { Field } from './message.ts';

/** The value of the first field line with this name (lower case). */
export function firstField(fields: readonly Field[], name: string): string | undefined {
  for (const field of fields) if (field[0] === name) return field[1];
  return undefined;
}

/** All lines of a list-valued field as one value, or undefined when there is none. */
export function listField(fields: readonly Field[], name: string): string | undefined {
  let joined: string | undefined;
  for (const field of fields) {
    if (field[0] === name) joined = joined === undefined ? field[1] : `${joined}, ${field[1]}`;
  }
  return joined;
}

export function hasField(fields: readonly Field[], name: string): boolean {
  for (const field of fields) if (field[0] === name) return true;
  return false;
}
