import { readdirSync, rmSync, symlinkSync } from 'node:fs';
import { request as send } from 'node:http';
import { join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
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

/** A PUT of which all but the end is sent; what ends it resolves with the status. */
function slowPut(url: string, token: string): () => Promise<number> {
  const request = send(url, { method: 'PUT', headers: { if: `(<${token}>)`, 'content-length': 10 }, agent: false });
  const status = new Promise<number>((resolve, reject) => {
    request.once('response', (response) => response.resume().once('end', () => resolve(response.statusCode ?? 0)));
    request.once('error', reject);
  });
  request.write('12345');
  return () => {
    request.end('67890');
    return status;
  };
}

test('a lock whose time ends while its holder’s content arrives counts for that, unless somebody was there meanwhile', async () => {
  const names = ['kept', 'changed', 'locked'];
  const served = await Served.start(Object.fromEntries(names.map((name) => [name, 'old'])));
  const puts: (() => Promise<number>)[] = [];
  for (const name of names)
    puts.push(slowPut(`${served.url}/${name}`, await served.lock(`/${name}`, { timeout: 'Second-1' })));
  // Each content is being written.
  while (
    readdirSync(served.root, { recursive: true }).filter((path) => /-partial-writes./.test(String(path))).length < 3
  )
    await turned();
  while ((await served.lock('/locked')).startsWith('no lock')) await turned();
  while ((await served.status('PUT', '/changed', {}, 'theirs')) === 423) await turned();
  while ((await served.ask('PROPFIND', '/kept', { depth: '0' })).text.includes('activelock')) await turned();
  const statuses = [];
  for (const end of puts) statuses.push(await end());
  expect(statuses).toEqual([204, 412, 423]);
  expect(names.map((name) => served.read(name))).toEqual(['1234567890', 'theirs', 'old']);
  await served.close();
});
