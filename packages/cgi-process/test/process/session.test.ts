import type * as fileSystem from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type * as session from '../../src/process/session.ts';

/** The module with a system whose clock cannot be read for want of a descriptor, while `isShort` says so. */
async function withShortage(isShort: () => boolean): Promise<typeof session> {
  vi.resetModules();
  vi.doMock('node:fs', async (original) => {
    const files = await original<typeof fileSystem>();
    const readFileSync = (path: string, how: BufferEncoding): string => {
      if (isShort() && path === '/proc/uptime') throw Object.assign(new Error('too many'), { code: 'EMFILE' });
      return files.readFileSync(path, how);
    };
    return { ...files, readFileSync };
  });
  onTestFinished(() => {
    vi.doUnmock('node:fs');
    vi.resetModules();
  });
  return import('../../src/process/session.ts');
}

describe.skipIf(process.platform !== 'linux')('RunSignals', () => {
  test('knows nothing of a run that has ended unseen while the clock cannot be read', async () => {
    let isShort = true;
    const { RunSignals } = await withShortage(() => isShort);
    const shell = { pid: 2 ** 30, kill: () => {} };
    const signals = new RunSignals(shell, performance.now(), Promise.resolve());
    expect(await signals.signalAll('SIGTERM')).toBe(true);
    isShort = false;
    expect(await signals.signalAll(0)).toBe(false);
  });
});
