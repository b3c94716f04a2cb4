import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Served } from '../served.ts';

test('a lock on what cannot be looked at any more keeps nobody from other files, nor after a restart', async () => {
  const served = await Served.start({ 'd/x.txt': 'x', 'a.txt': 'a', 'b.txt': 'b' });
  await served.lock('/d/x.txt');
  rmSync(join(served.root, 'd'), { recursive: true });
  symlinkSync('d', join(served.root, 'd'));
  expect(await served.lock('/a.txt')).toMatch(/^urn:uuid:/);
  const again = new Served(served.root);
  await again.listen();
  expect(await again.status('PUT', '/b.txt', {}, 'new')).toBe(204);
  expect(await again.status('PUT', '/a.txt', {}, 'new')).toBe(423);
  expect(again.read('b.txt')).toBe('new');
  await again.stop();
  await served.close();
});
