// The folder that writers share: made once, left together, and whose turn it is in it.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { targetKey, WorkFolder } from '../../src/writing/work-folder.ts';

let top: string;
let path: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-work-'));
  path = join(top, '.onezero-partial-writes');
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const place = (name: string) => ({ path, key: targetKey(name) });

/** A claim of a process that lives, or of one that this kernel does not know. */
const FOREIGN = '00ff.4026531836.1.99.0123456789ab-1';

async function end({ folder, file }: Awaited<ReturnType<typeof WorkFolder.create>>): Promise<void> {
  await file.discard();
  await folder.close();
}

describe('a work folder', () => {
  test('comes with its first file and goes with its last', async () => {
    const one = await WorkFolder.create(place('a'));
    const two = await WorkFolder.create(place('b'));
    expect(readdirSync(path)).toHaveLength(2);
    await end(one);
    expect(readdirSync(path)).toHaveLength(1);
    await end(two);
    expect(readdirSync(top)).toEqual([]);
  });

  test('is left together by writers of one turn of the loop, and is gone when any of them goes on', async () => {
    const writers = await Promise.all(Array.from({ length: 20 }, (_, index) => WorkFolder.create(place(`${index}`))));
    await Promise.all(
      writers.map(async (writer) => {
        await end(writer);
      }),
    );
    expect(readdirSync(top)).toEqual([]);
  });

  test('stays for whoever joins while it is left', async () => {
    const one = await WorkFolder.create(place('a'));
    const leaving = end(one);
    const two = await WorkFolder.create(place('b'));
    await leaving;
    expect(readdirSync(path)).toHaveLength(1);
    await end(two);
    expect(existsSync(path)).toBe(false);
  });

  test('is made anew when another process has removed it as empty', async () => {
    const one = await WorkFolder.create(place('a'));
    rmSync(path, { recursive: true });
    const two = await WorkFolder.create(place('b'));
    expect(readdirSync(path)).toHaveLength(1);
    await end(two);
    await end(one);
    expect(existsSync(path)).toBe(false);
  });

  test('stays where others work in it, and where it is to be kept', async () => {
    mkdirSync(path);
    writeFileSync(join(path, FOREIGN), 'of another');
    await end(await WorkFolder.create(place('a')));
    expect(readdirSync(path)).toEqual([FOREIGN]);
    rmSync(path, { recursive: true });
    await end(await WorkFolder.create({ path, isKept: true }));
    expect(readdirSync(path)).toEqual([]);
  });

  test('takes no claim of its own for one that goes on, which it could not remove as the folder was away', async () => {
    const one = await WorkFolder.create(place('a'), 'claim');
    const claim = readdirSync(path)[0] ?? '';
    renameSync(path, `${path}.away`);
    await end(one);
    renameSync(`${path}.away`, path);
    expect(readdirSync(path)).toEqual([claim]);
    const two = await WorkFolder.create(place('a'), 'claim');
    expect(await two.folder.isAlone(two.file)).toBe(true);
    await end(two);
    expect(existsSync(path)).toBe(false);
  });

  test('loses a claim that could not be removed as soon as it can be, for other processes wait for it', async () => {
    const one = await WorkFolder.create(place('a'), 'claim');
    renameSync(path, `${path}.away`);
    writeFileSync(path, '');
    await end(one);
    rmSync(path);
    renameSync(`${path}.away`, path);
    expect(readdirSync(path)).toHaveLength(1);
    await expect.poll(() => existsSync(path), { timeout: 30_000 }).toBe(false);
  });

  test('rejects with what the system says, and leaves nothing', async () => {
    writeFileSync(join(top, 'file'), '');
    await expect(WorkFolder.create(join(top, 'file/folder'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(WorkFolder.create(join(top, 'no/folder'))).rejects.toMatchObject({ code: 'ENOENT' });
    await turned();
    expect(readdirSync(top)).toEqual(['file']);
    await end(await WorkFolder.create(place('after')));
  });
});

describe('a turn', () => {
  test('is one at a time for a target, and any number for several', async () => {
    let running = 0;
    let most = 0;
    const commit = async (name: string): Promise<void> => {
      const { folder, file } = await WorkFolder.create(place(name));
      await folder.inTurn(file, async () => {
        most = Math.max(most, ++running);
        await turned();
        running--;
      });
      await end({ folder, file });
    };
    await Promise.all(Array.from({ length: 8 }, () => commit('one')));
    expect(most).toBe(1);
    await Promise.all(Array.from({ length: 8 }, (_, index) => commit(`several ${index}`)));
    expect(most).toBeGreaterThan(1);
    expect(readdirSync(top)).toEqual([]);
  });

  test('is that of a file that began as its claim', async () => {
    const one = await WorkFolder.create(place('a'), 'claim');
    expect(readdirSync(path)).toEqual([one.file.claimName]);
    let isDone = false;
    const other = await WorkFolder.create(place('a'));
    const waiting = other.folder.inTurn(other.file, async () => {
      expect(isDone).toBe(true);
    });
    await one.folder.inTurn(one.file, async () => {
      await turned();
      isDone = true;
    });
    await end(one);
    await waiting;
    await end(other);
  });

  test('is taken from a claim of a process that is dead, at once', async () => {
    const { folder, file } = await WorkFolder.create(place('a'));
    const dead = file.claimName.replace(/\.\d+\.(\d+)\.[0-9a-f]{12}-/, '.999999999.$1.0123456789ab-');
    writeFileSync(join(path, dead), 'half');
    await folder.inTurn(file, async () => expect(readdirSync(path)).toEqual([file.claimName]));
    await end({ folder, file });
  });

  test('is not taken from a claim that goes on, and is from one that does not', async () => {
    const { folder, file } = await WorkFolder.create(place('a'));
    const claim = join(path, `${FOREIGN}.${targetKey('a')}.claim`);
    writeFileSync(claim, 'half');
    // Four signs of life; then it falls silent.
    let signs = 0;
    const living = setInterval(() => {
      if (++signs > 4) clearInterval(living);
      else utimesSync(claim, signs, signs);
    }, 100);
    await folder.inTurn(file, async () => {
      expect(signs).toBeGreaterThan(4);
      expect(existsSync(claim)).toBe(false);
    });
    await end({ folder, file });
  });

  test('is not that of a file whose claim was taken away: it has nothing to place', async () => {
    const { folder, file } = await WorkFolder.create(place('a'), 'claim');
    const target = join(top, 'a');
    const commit = folder.inTurn(file, async () => {
      rmSync(join(path, file.claimName));
      await file.place(target);
    });
    await expect(commit).rejects.toMatchObject({ code: 'ENOENT' });
    await end({ folder, file });
    expect(readdirSync(top)).toEqual([]);
  });

  test('is shared by names that differ only in case, or in the way they are composed', () => {
    expect(targetKey('Ä.txt')).toBe(targetKey('a\u0308.TXT'));
    expect(targetKey('a')).not.toBe(targetKey('b'));
    expect(targetKey('x'.repeat(255))).toHaveLength(16);
  });
});

test.each([
  ['older', -1000, true],
  ['younger', 1000, false],
])('a claim gives way to one that is %s, whatever their names', async (_, ms, isToWithdraw) => {
  const one = await WorkFolder.create(place('a'));
  const rival = join(path, `${FOREIGN}.${targetKey('a')}.claim`);
  writeFileSync(rival, '');
  const time = (Date.now() + ms) / 1000;
  utimesSync(rival, time, time);
  const committed = one.folder.inTurn(one.file, async () => {});
  let hasWithdrawn = false;
  for (let looks = 0; looks < 100; looks++) {
    await delay(1);
    const names = readdirSync(path);
    if (looks > 10 && !names.includes(one.file.claimName)) hasWithdrawn = true;
  }
  expect(hasWithdrawn).toBe(isToWithdraw);
  rmSync(rival);
  await committed;
  await end(one);
});
