// Dead properties on the disk: what belongs to which file, through renames, copies, replacements and crashes in between.

import fs, { lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FOLDER, recordKey } from '../../src/store/folder.ts';
import {
  bindProperties,
  boundName,
  forget,
  type Property,
  readProperties,
  readRecord,
  recordNames,
  settle,
  settledName,
  writeProperties,
} from '../../src/store/records.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-records-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const property = (value: string): Property => ({ namespace: 'urn:t', name: 'p', xml: `<p xmlns="urn:t">${value}</p>` });
const of = (name: string) => ({ directory: root, name, stats: lstatSync(join(root, name)) });
const values = async (name: string): Promise<readonly string[]> =>
  (await readProperties(of(name))).map(({ xml }) => xml);
const write = (name: string, value: string): Promise<void> => writeProperties(of(name), [property(value)], false);
const make = (name: string): void => writeFileSync(join(root, name), name);

describe('properties', () => {
  test('of a file and of a directory are apart, and go with their last', async () => {
    make('a');
    mkdirSync(join(root, 'd'));
    await write('a', '1');
    await write('d', '2');
    expect([await values('a'), await values('d')]).toEqual([[property('1').xml], [property('2').xml]]);
    expect(readdirSync(join(root, 'd'))).toEqual([FOLDER]);
    await writeProperties(of('a'), [], false);
    await writeProperties(of('d'), [], true);
    expect([readdirSync(root).toSorted(), readdirSync(join(root, 'd'))]).toEqual([['a', 'd'], []]);
  });

  test('are on the disk with their content and then with their name, and gone from it with their last', async () => {
    make('a');
    const done: string[] = [];
    const file = await fs.promises.open(join(root, 'a'));
    const kind = Object.getPrototypeOf(file) as { sync(): Promise<void> };
    await file.close();
    const [{ sync }, { rename, unlink }] = [kind, fs.promises];
    vi.spyOn(kind, 'sync').mockImplementation(function (this: unknown) {
      done.push('sync');
      return sync.call(this);
    });
    vi.spyOn(fs.promises, 'rename').mockImplementation((from, to) => {
      done.push('rename');
      return rename(from, to);
    });
    vi.spyOn(fs.promises, 'unlink').mockImplementation(async (path) => {
      await unlink(path);
      done.push('unlink');
    });
    syncBuiltinESMExports();
    try {
      await writeProperties(of('a'), [property('1')], true);
      expect(done.splice(0)).toEqual(['sync', 'rename', 'sync']);
      expect(await values('a')).toEqual([property('1').xml]);
      await writeProperties(of('a'), [], true);
    } finally {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    }
    expect(done).toEqual(['unlink', 'sync']);
    expect(await values('a')).toEqual([]);
  });

  test('stay with a name whose file is replaced, as editors do', async () => {
    make('a');
    make('b');
    await write('a', '1');
    renameSync(join(root, 'b'), join(root, 'a'));
    expect(await values('a')).toEqual([property('1').xml]);
  });

  test('go with a directory, and all in it, wherever it is renamed to', async () => {
    mkdirSync(join(root, 'd/e'), { recursive: true });
    writeFileSync(join(root, 'd/e/f'), '');
    const inner = { directory: join(root, 'd/e'), name: 'f', stats: lstatSync(join(root, 'd/e/f')) };
    await writeProperties(inner, [property('1')], false);
    await write('d', '2');
    renameSync(join(root, 'd'), join(root, 'moved'));
    expect(await values('moved')).toEqual([property('2').xml]);
    const moved = { ...inner, directory: join(root, 'moved/e') };
    expect(await readProperties(moved)).toEqual([property('1')]);
  });

  test('of any name are kept, and none is another', async () => {
    const names = ['a', 'A', 'ü', 'u\u0308', 'a b', '%41', 'x'.repeat(255), '-', 'a\nb', '<&>"', '😀', 'con', '.x'];
    for (const name of names) make(name);
    for (const [index, name] of names.entries()) await write(name, String(index));
    for (const [index, name] of names.entries()) expect(await values(name)).toEqual([property(String(index)).xml]);
  });

  test('are what was written last, whatever they hold', async () => {
    make('a');
    const some = fc.array(
      fc.record({
        namespace: fc.string(),
        name: fc.string({ minLength: 1 }),
        xml: fc.string({ unit: 'binary' }).map((text) => Buffer.from(text).toString()),
      }),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(some, async (properties) => {
        await writeProperties(of('a'), properties, false);
        expect(await readProperties(of('a'))).toEqual(properties);
      }),
      { numRuns: 50 },
    );
  });

  test('are found by the names of the records too', async () => {
    make('a');
    make('b');
    await write('a', '1');
    const names = await recordNames(root);
    expect(await readProperties(of('a'), names)).toEqual([property('1')]);
    expect(await readProperties(of('b'), names)).toEqual([]);
    expect(await recordNames(join(root, 'none'))).toBeUndefined();
  });

  test.each([
    ['nothing', ''],
    ['half of it', '{"name":"a","properties":[{"name'],
    ['something else', '{"name":"a"}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no list', '{"name":"a","properties":{}}'],
  ])('are none where the record holds %s, and can be written again', async (_, text) => {
    make('a');
    await write('a', '1');
    writeFileSync(join(root, FOLDER, settledName('a')), text);
    expect(await values('a')).toEqual([]);
    await write('a', '2');
    expect(await values('a')).toEqual([property('2').xml]);
  });
});

describe('a file on its way to a name', () => {
  test('has its own properties at every step, and those of the name before it came', async () => {
    make('a');
    await write('a', 'old');
    const coming = join(root, 'coming');
    writeFileSync(coming, 'new');
    const stats = lstatSync(coming);
    await bindProperties(root, 'a', stats, [property('new')], false);
    expect(await values('a')).toEqual([property('old').xml]);
    renameSync(coming, join(root, 'a'));
    expect(await values('a')).toEqual([property('new').xml]);
    await settle(root, 'a', stats);
    expect(await values('a')).toEqual([property('new').xml]);
    expect(readdirSync(join(root, FOLDER))).toEqual([settledName('a')]);
  });

  test('without properties takes those of the name away, also where its process ended in between', async () => {
    make('a');
    await write('a', 'old');
    writeFileSync(join(root, 'coming'), 'new');
    const stats = lstatSync(join(root, 'coming'));
    await bindProperties(root, 'a', stats, [], false);
    renameSync(join(root, 'coming'), join(root, 'a'));
    expect(await values('a')).toEqual([]);
    await settle(root, 'a', stats);
    expect(readdirSync(root)).toEqual(['a']);
  });

  test('that never came leaves the name as it was', async () => {
    make('a');
    make('b');
    await write('a', 'old');
    await bindProperties(root, 'a', of('b').stats, [property('lost')], false);
    expect(await values('a')).toEqual([property('old').xml]);
    await write('a', 'later');
    expect(await values('a')).toEqual([property('later').xml]);
  });

  test('is another than one that has its inode later: time of birth tells', () => {
    const stats = { ino: 7, birthtimeMs: 1_000.25 };
    expect(boundName('a', stats)).not.toBe(boundName('a', { ...stats, birthtimeMs: 1_000.5 }));
    expect(boundName('a', stats)).not.toBe(boundName('a', { ...stats, ino: 8 }));
    expect(boundName('a', stats)).not.toBe(boundName('b', stats));
    expect(boundName('a', stats).startsWith(recordKey('a'))).toBe(true);
  });

  test('writes over its own record, bound or settled, and never has two', async () => {
    make('a');
    await bindProperties(root, 'a', of('a').stats, [property('bound')], false);
    expect(await values('a')).toEqual([property('bound').xml]);
    await write('a', 'set');
    expect(await values('a')).toEqual([property('set').xml]);
    expect(readdirSync(join(root, FOLDER))).toEqual([settledName('a')]);
  });
});

describe('what is forgotten', () => {
  test('is what is settled of a name and bound to the file that had it, and nothing of another', async () => {
    make('a');
    make('b');
    await write('a', '1');
    await write('b', '2');
    const { stats } = of('a');
    await bindProperties(root, 'a', stats, [property('3')], false);
    rmSync(join(root, 'a'));
    await forget(root, 'a', stats);
    expect(readdirSync(join(root, FOLDER))).toEqual([settledName('b')]);
    await forget(root, 'b');
    expect(readdirSync(root)).toEqual(['b']);
    await forget(root, 'none');
    await forget(join(root, 'none'), 'a');
  });

  test('is found without a look at the records of all others', async () => {
    make('a');
    make('b');
    await write('a', '1');
    await write('b', '2');
    const names = vi.spyOn(fs.promises, 'readdir').mockRejectedValue(new Error('all names were read'));
    syncBuiltinESMExports();
    try {
      await forget(root, 'a');
    } finally {
      names.mockRestore();
      syncBuiltinESMExports();
    }
    expect(readdirSync(join(root, FOLDER))).toEqual([settledName('b')]);
  });

  test('has the name in its record, for those who clean up', async () => {
    make('a');
    await write('a', '1');
    expect(await readRecord(join(root, FOLDER, settledName('a')))).toEqual({ name: 'a', properties: [property('1')] });
    expect(await readRecord(join(root, FOLDER, 'none'))).toBeUndefined();
    expect(await readRecord(join(root, 'a/none'))).toBeUndefined();
  });
});

test('random changes leave each file with its own', async () => {
  const names = ['a', 'b', 'c'];
  const step = fc.oneof(
    fc.record({ kind: fc.constant('make' as const), name: fc.constantFrom(...names) }),
    fc.record({ kind: fc.constant('set' as const), name: fc.constantFrom(...names), value: fc.nat(99) }),
    fc.record({
      kind: fc.constant('move' as const),
      name: fc.constantFrom(...names),
      to: fc.constantFrom(...names),
      dies: fc.constantFrom('before', 'after', 'never'),
    }),
    fc.record({ kind: fc.constant('remove' as const), name: fc.constantFrom(...names) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const model = new Map<string, readonly Property[]>();
      for (const one of steps) {
        const isThere = model.has(one.name);
        if (one.kind === 'make' && !isThere) {
          await forget(root, one.name);
          make(one.name);
          model.set(one.name, []);
        } else if (one.kind === 'set' && isThere) {
          await write(one.name, String(one.value));
          model.set(one.name, [property(String(one.value))]);
        } else if (one.kind === 'remove' && isThere) {
          const { stats } = of(one.name);
          rmSync(join(root, one.name));
          await forget(root, one.name, stats);
          model.delete(one.name);
        } else if (one.kind === 'move' && isThere && one.to !== one.name) {
          const { stats } = of(one.name);
          const properties = model.get(one.name) ?? [];
          await bindProperties(root, one.to, stats, properties, false);
          // A process may end before the rename, or between it and what follows.
          if (one.dies === 'before') continue;
          renameSync(join(root, one.name), join(root, one.to));
          model.delete(one.name);
          model.set(one.to, properties);
          if (one.dies === 'after') continue;
          await settle(root, one.to, stats);
          await forget(root, one.name, stats);
        }
        for (const [name, properties] of model) expect(await readProperties(of(name))).toEqual(properties);
      }
      for (const name of names) {
        rmSync(join(root, name), { force: true });
        await forget(root, name);
      }
      // What was bound to files that never came is for the next start.
      const left = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => !path.includes('~'));
      expect(left.filter((path) => path !== FOLDER)).toEqual([]);
      rmSync(join(root, FOLDER), { recursive: true, force: true });
    }),
    { numRuns: 60 },
  );
});

test('a file has no folder of records, also where a collection was a moment ago', async () => {
  writeFileSync(join(root, 'a'), '');
  const stats = lstatSync(root);
  expect(await readProperties({ directory: root, name: 'a', stats })).toEqual([]);
});
