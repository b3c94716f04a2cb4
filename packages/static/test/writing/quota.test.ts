// The quota of a writable root: what several processes count together in one file.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chargeOf, Quota } from '../../src/writing/quota.ts';
import { QuotaShare } from '../../src/writing/quota-share.ts';
import { type WorkFile, WorkFolder } from '../../src/writing/work-folder.ts';
import { WriteRefused } from '../../src/writing/write-refusal.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-quota-test-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const BLOCK = 4096;

describe('Quota', () => {
  test('takes what fits, and nothing of what does not', async () => {
    const quota = new Quota(root, 10 * BLOCK);
    await quota.prepare();
    expect(await quota.take(6 * BLOCK)).toBe(true);
    expect(await quota.take(5 * BLOCK)).toBe(false);
    expect(await quota.take(4 * BLOCK)).toBe(true);
    expect(await quota.take(1)).toBe(false);
    await quota.give(1);
    expect(await quota.take(1)).toBe(true);
  });

  test('counts what is there already, small files as a block each', async () => {
    mkdirSync(join(root, 'deep/er'), { recursive: true });
    writeFileSync(join(root, 'empty'), '');
    writeFileSync(join(root, 'deep/er/small'), 'x');
    writeFileSync(join(root, 'large'), Buffer.alloc(3 * BLOCK));
    const quota = new Quota(root, 8 * BLOCK);
    await quota.prepare();
    expect(await quota.take(3 * BLOCK + 1)).toBe(false);
    expect(await quota.take(3 * BLOCK)).toBe(true);
  });

  test('counts a file that has the name of its own', async () => {
    mkdirSync(join(root, 'deep'));
    for (const name of ['used', 'deep/used']) writeFileSync(join(root, name), Buffer.alloc(3 * BLOCK));
    expect(await new Quota(root, 10 * BLOCK).used()).toBe(6 * BLOCK);
  });

  test('is one for all who count below one root, as other processes do', async () => {
    const quotas = Array.from({ length: 5 }, () => new Quota(root, 100));
    // One after the other: a measurement counts the files of others that count at the same time, to be safe.
    for (const quota of quotas) await quota.prepare();
    const taken = await Promise.all(Array.from({ length: 20 }, async (_, index) => quotas[index % 5]?.take(10)));
    expect(taken.filter(Boolean)).toHaveLength(10);
  });

  test('never goes beyond its limit, whatever is taken and given', async () => {
    const steps = fc.array(fc.oneof(fc.record({ take: fc.nat(60) }), fc.record({ give: fc.nat(3) })), {
      maxLength: 15,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        rmSync(root, { recursive: true });
        mkdirSync(root);
        const quota = new Quota(root, 100);
        await quota.prepare();
        const held: number[] = [];
        for (const step of all) {
          if ('take' in step) {
            const sum = held.reduce((total, bytes) => total + bytes, 0);
            const fits = await quota.take(step.take);
            expect(fits).toBe(sum + step.take <= 100);
            if (fits) held.push(step.take);
          } else {
            const [bytes] = held.splice(step.give, 1);
            if (bytes !== undefined) await quota.give(bytes);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  test('costs nothing without a limit', async () => {
    const quota = new Quota(root, Number.POSITIVE_INFINITY);
    await quota.prepare();
    expect(await quota.take(Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(readdirSync(root)).toEqual([]);
  });

  test('measures again where its file is no ledger', async () => {
    const folder = join(root, '.onezero-partial-quota');
    mkdirSync(folder);
    for (const text of ['', 'nonsense', '1 2', 'NaN NaN NaN\n']) {
      writeFileSync(join(folder, 'used'), text);
      const quota = new Quota(root, 10);
      await quota.prepare();
      expect(await quota.take(11)).toBe(false);
      expect(await quota.take(10)).toBe(true);
      await quota.give(10);
    }
  });
});

describe('QuotaShare', () => {
  async function withFile(use: (file: WorkFile) => Promise<void>): Promise<void> {
    const { folder, file } = await WorkFolder.create(join(root, '.onezero-partial-one'));
    try {
      await use(file);
    } finally {
      await file.discard();
      await folder.close();
    }
  }

  test('gives back all that a write took which did not succeed', async () => {
    const quota = new Quota(root, 10 * BLOCK);
    await quota.prepare();
    await withFile(async (file) => {
      const share = new QuotaShare(quota, file);
      await share.need(9 * BLOCK);
      expect(share.covers(9 * BLOCK)).toBe(true);
      expect(share.covers(9 * BLOCK + 1)).toBe(false);
      expect(await quota.take(2 * BLOCK)).toBe(false);
      await share.end();
    });
    expect(await quota.take(10 * BLOCK)).toBe(true);
  });

  test('keeps what the file has, and gives back what it was allowed beyond', async () => {
    const quota = new Quota(root, 10 * BLOCK);
    await quota.prepare();
    await withFile(async (file) => {
      const share = new QuotaShare(quota, file);
      await share.need(8 * BLOCK);
      await share.settle(2 * BLOCK);
      expect((await file.handle.stat()).size).toBe(2 * BLOCK);
      share.keep();
      await share.end();
    });
    expect(await quota.take(8 * BLOCK + 1)).toBe(false);
    expect(await quota.take(8 * BLOCK)).toBe(true);
  });

  test('refuses with 507 what does not fit, and takes less in advance where there is little room', async () => {
    const quota = new Quota(root, 10 * BLOCK);
    await quota.prepare();
    await withFile(async (file) => {
      const share = new QuotaShare(quota, file);
      await share.grow(3 * BLOCK);
      expect(share.covers(3 * BLOCK)).toBe(true);
      const refused = share.need(11 * BLOCK);
      await expect(refused).rejects.toBeInstanceOf(WriteRefused);
      await expect(refused).rejects.toMatchObject({ response: { status: 507 } });
      await share.end();
    });
    expect(await quota.take(10 * BLOCK)).toBe(true);
  });
});

test('a file counts at least a block', () => {
  expect([0, 1, BLOCK, BLOCK + 1].map(chargeOf)).toEqual([BLOCK, BLOCK, BLOCK, BLOCK + 1]);
});

test('a work file is gone when it is discarded, and its folder with the last', async () => {
  const location = join(root, '.onezero-partial-two');
  const [first, second] = [await WorkFolder.create(location), await WorkFolder.create(location)];
  expect(readdirSync(location)).toHaveLength(2);
  await first.file.discard();
  await first.folder.close();
  expect(readdirSync(location)).toHaveLength(1);
  await second.file.discard();
  await second.folder.close();
  expect(readdirSync(root)).toEqual([]);
  await expect(open(location)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('of many who want to commit, one does at a time', async () => {
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 12 }, async (_, number) => {
      const { folder, file } = await WorkFolder.create(join(root, '.onezero-partial-three'));
      await folder.inTurn(file, async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(number);
        inside--;
      });
      await file.discard();
      await folder.close();
    }),
  );
  expect(most).toBe(1);
  expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, number) => number));
  expect(readdirSync(root)).toEqual([]);
});
