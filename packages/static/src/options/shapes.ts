// The shapes that several options share.

import { globProblem } from './globs.ts';
import type { Members, Shape } from './shape.ts';

export const flag: Shape = { type: 'boolean' };
export const off: Shape = { type: 'choice', values: [false] };
export const size: Shape = { type: 'size' };
export const seconds: Shape = { type: 'duration', unit: 'seconds' };
export const unlimited: Shape = { type: 'size', isUnlimited: true };
export const glob: Shape = { type: 'text', pattern: /[^/]/, expects: 'a glob', refuse: globProblem };
export const globs: Shape = { type: 'list', item: glob };
export const fileName: Shape = { type: 'text', pattern: /^(?!\.{0,2}$)[^/\\\0]+$/, expects: 'the name of a file' };
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
export const fieldName: Shape = { type: 'text', pattern: TOKEN, expects: 'the name of a field' };
export const fieldValue: Shape = {
  type: 'text',
  pattern: /^[\t\x20-\x7e\x80-\xff]*$/,
  expects: 'a text without control characters and characters above U+00FF',
};
export const mediaType: Shape = { type: 'text', pattern: /^[\w!#$&^.+-]+\/[\t\x20-\x7e]+$/, expects: 'a media type' };
export const rootedPath: Shape = {
  type: 'text',
  pattern: /^\/(?!(?:.*\/)?\.\.(?:\/|$))[^\0]*$/,
  expects: 'a path that begins with /',
};

export const fieldMap: Shape = { type: 'map', key: TOKEN, expects: 'the name of a field', value: fieldValue };

/** True and false, or an object that says more than true. */
export const orObject = (members: Members): Shape => ({
  type: 'either',
  shapes: [flag, { type: 'object', members }],
});

/** A list of objects. */
export const listOf = (members: Members): Shape => ({ type: 'list', item: { type: 'object', members } });
