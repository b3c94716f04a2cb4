import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readRestFirst } from '../../src/fastcgi/handle.ts';

test('what is left is read as far as buffers hold it, whoever writes on', () => {
  const descriptor = openSync('/dev/zero', 'r');
  onTestFinished(() => closeSync(descriptor));
  const most = 64 * 1024 * 1024;
  let total = 0;
  const socket = Object.assign(new Socket(), { _handle: { fd: descriptor }, _destroy: () => {} });
  readRestFirst(socket, Buffer.alloc(65_536), (count) => (total += count) < most);
  Reflect.apply(Reflect.get(socket, '_destroy'), socket, [
    Object.assign(new Error('gone'), { code: 'EPIPE' }),
    () => {},
  ]);
  expect(total).toBeGreaterThan(0);
  expect(total).toBeLessThan(most);
});
