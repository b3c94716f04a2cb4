// How a write ends that does not succeed.

import { expect, test } from 'vitest';
import { NOT_FOUND } from '../../src/refusals.ts';
import { contentOf, refusalOf, WriteRefused } from '../../src/writing/write-refusal.ts';

const failing = (code: string): Error => Object.assign(new Error(code), { code });

test.each([
  ['ENOSPC', 507],
  ['EDQUOT', 507],
  ['EFBIG', 413],
  ['EACCES', 403],
  ['EPERM', 403],
  ['EROFS', 403],
  ['EBUSY', 403],
  ['EXDEV', 403],
  ['ENOENT', 409],
  ['ENOTDIR', 409],
  ['EISDIR', 409],
  ['ENAMETOOLONG', 409],
  ['EMFILE', 503],
  ['ENFILE', 503],
  ['EIO', 500],
])('%s is %i, with the error for the log', (code, status) => {
  const error = failing(code);
  expect(refusalOf(error)).toEqual({ status, fields: [], cause: error });
});

test('what was decided on the way is the answer', () => {
  expect(refusalOf(new WriteRefused(NOT_FOUND))).toBe(NOT_FOUND);
});

test('what is no error of the file system is a fault of ours: 500', () => {
  expect(refusalOf(new TypeError('x')).status).toBe(500);
  expect(refusalOf('text').status).toBe(500);
});

test('what the content throws goes to whoever provided it, also with a code of the file system', async () => {
  const error = failing('ENOENT');
  const content = (async function* () {
    yield Buffer.from('a');
    throw error;
  })();
  const read = async (): Promise<void> => {
    for await (const chunk of contentOf({ method: 'PUT', pathInfo: '/', fields: [], content }))
      expect(chunk).toHaveLength(1);
  };
  const wrapped: unknown = await read().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(wrapped).toBeInstanceOf(Error);
  expect(() => refusalOf(wrapped)).toThrow(error);
});

test('no content is empty content', async () => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of contentOf({ method: 'PUT', pathInfo: '/', fields: [] })) chunks.push(chunk);
  expect(chunks).toEqual([]);
});
