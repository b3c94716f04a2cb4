import { rm, symlink } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openFile } from '../../src/files/open-file.ts';
import { readFileEntry } from '../../src/files/read-file.ts';
import { digestTag, sha256Of } from '../../src/http/validators.ts';
import { makeStorage } from '../../src/files/storage.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { makeSite } from '../site.ts';

describe('readFileEntry', () => {
  test.each([
    ['is removed', async () => {}],
    ['becomes a link out of the root', (path: string) => symlink('/etc/hostname', path)],
  ])('reads what is open of a file that %s meanwhile', async (_, replace) => {
    const site = makeSite();
    onTestFinished(() => site.remove());
    const storage = makeStorage(settingsOf(site.root, {}));
    const opened = await openFile(['a.txt'], storage);
    if (opened.kind !== 'file') throw new Error(`a.txt is ${opened.kind}`);
    const path = `${site.root}/a.txt`;
    await rm(path);
    await replace(path);
    const entry = await readFileEntry(opened, ['a.txt'], [], storage);
    expect(Buffer.from(entry.identity.bytes ?? []).toString()).toBe('0123456789');
    expect(entry.identity.etag).toBe(digestTag(10, sha256Of(Buffer.from('0123456789'))));
  });
});
