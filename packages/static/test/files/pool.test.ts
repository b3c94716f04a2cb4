// Storage that is slow, beside storage that is not. A pipe without a writer stands for a disk that hangs: opening it holds a thread.

import { execFileSync } from 'node:child_process';
import { closeSync, constants, open, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { poolDisk } from '../../src/files/disk.ts';
import { pool } from '../../src/files/queue.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { responderFor } from '../../src/serve-static.ts';
import { makeSite, type Site } from '../site.ts';

const openLater = promisify(open) as (path: string, flags: number) => Promise<number>;

/** No device has this number. */
const HANGING = -1;

function siteForTest(): Site {
  const site = makeSite();
  onTestFinished(() => site.remove());
  return site;
}

/** Calls that hold threads of the pool until they are ended. */
function hanging(folder: string, device: number, count: number): { readonly end: () => Promise<void> } {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const calls = Array.from({ length: count }, () =>
    pool.run(
      () => openLater(pipe, constants.O_RDONLY),
      () => device,
    ),
  );
  const end = async (): Promise<void> => {
    const writer = openSync(pipe, constants.O_RDWR);
    for (const descriptor of await Promise.all(calls)) closeSync(descriptor);
    closeSync(writer);
  };
  return { end };
}

test('a disk that hangs holds up no download from another, however many wait for it', async () => {
  const site = siteForTest();
  writeFileSync(join(site.root, 'large.bin'), Buffer.alloc(5_000_000, 'x'));
  const { end } = hanging(site.root, HANGING, 20);
  try {
    const response = await responderFor(
      settingsOf(site.root, {}),
      poolDisk,
    )({
      method: 'GET',
      pathInfo: '/large.bin',
      fields: [],
    });
    let bytes = 0;
    for await (const chunk of response.content as AsyncIterable<Uint8Array>) bytes += chunk.length;
    expect({ status: response.status, bytes }).toEqual({ status: 200, bytes: 5_000_000 });
  } finally {
    await end();
  }
});

test('what is on the disk that hangs, as far as that is known, waits for it and not for a thread of others', async () => {
  const { root } = siteForTest();
  const seen = await poolDisk.stat(root);
  expect(seen).toMatchObject({ dev: statSync(root).dev });
  const { end } = hanging(root, statSync(root).dev, 20);
  const answered: string[] = [];
  const looks = ['/index.html', '/none/index.html'].map(async (name) => {
    await poolDisk.stat(root + name);
    answered.push(name);
  });
  try {
    // More turns of the pool than there are looks.
    for (let turn = 0; turn < 5; turn++) expect(await poolDisk.stat('/proc')).not.toBeInstanceOf(Error);
    expect(answered).toEqual([]);
  } finally {
    await end();
  }
  await Promise.all(looks);
  expect(answered).toHaveLength(2);
});

test('a descriptor that was of the disk that hangs, and is of another now, waits for nothing', async () => {
  const { root } = siteForTest();
  const path = join(root, 'page.html');
  writeFileSync(path, 'page');
  const opened = await poolDisk.open(path);
  if (opened instanceof Error) throw opened;
  poolDisk.close(opened.descriptor);
  const others: number[] = [];
  do {
    // A turn of the pool, which closes it.
    await poolDisk.stat(root);
    others.push(openSync('/proc/self/stat', 'r'));
  } while (others.at(-1) !== opened.descriptor && others.length < 100);
  const { end } = hanging(root, opened.stats.dev, 20);
  try {
    expect(await poolDisk.read(opened.descriptor, Buffer.alloc(10), 0)).toBe(10);
  } finally {
    await end();
    for (const one of others) closeSync(one);
  }
});

test('a call that waited for the wrong disk goes on when its own is known', async () => {
  let device = HANGING;
  let release = (): void => {};
  const held = [0, 1, 2].map(() =>
    pool.run(
      () => new Promise<void>((resolve) => (release = ((before) => () => (before(), resolve()))(release))),
      () => HANGING,
    ),
  );
  const order: string[] = [];
  const waiting = pool.run(
    async () => void order.push('it'),
    () => device,
  );
  const behind = pool.run(
    async () => void order.push('behind'),
    () => HANGING,
  );
  device = -2;
  release();
  await Promise.all([...held, waiting, behind]);
  expect(order.toSorted()).toEqual(['behind', 'it']);
});
