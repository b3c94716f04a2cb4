// The shapes that several options of the server share.

import type { Shape } from '@onezero/static/options';

export const text: Shape = { type: 'text' };
export const anyText: Shape = { type: 'text', pattern: /^/ };
export const texts: Shape = { type: 'list', item: text };
export const flag: Shape = { type: 'boolean' };
/** A path holds for all that is below it. In place of a pattern, `/admin/*` would be a name with a star, and /admin open. */
export const path: Shape = {
  type: 'text',
  pattern: /^\//,
  expects: 'a path that begins with /',
  refuse: (given) =>
    /\/(?:\*{1,2}|:\w+)(?:\/|$)/.test(given) ? 'a path without a pattern (all below it is meant)' : undefined,
};
export const file: Shape = { type: 'path' };
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
export const fieldName: Shape = { type: 'text', pattern: TOKEN, expects: 'the name of a field' };
export const fieldValue: Shape = { type: 'text', pattern: /^[^\r\n\0]*$/, expects: 'a value on one line' };
export const methodName: Shape = { type: 'text', pattern: TOKEN, expects: 'the name of a method' };
export const addresses: Shape = {
  type: 'list',
  item: {
    type: 'text',
    pattern: /^(?:unix|[\da-fA-F.:]+(?:\/\d{1,3})?)$/,
    expects: 'an address, a CIDR block or "unix"',
  },
};
export const callable = (expects: string): Shape => ({ type: 'function', expects });
