import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { usersOf, watchHtpasswd } from '../../src/routing/htpasswd.ts';
import { isInstalled } from '../programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-htpasswd-'));
const file = join(folder, 'users');
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const SHA = '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=';
let written = 0;

/** Writes the file with a time of its own, so that it is seen to have changed. */
function write(text: string): void {
  writeFileSync(file, text);
  written += 10;
  utimesSync(file, written, written);
}

describe('watchHtpasswd', () => {
  test('reads what editors and htpasswd write', () => {
    write(`\ufeffada:${SHA}\r\n\r\n# a comment\n  bob:${SHA}  \ncarl:${SHA}`);
    expect([...watchHtpasswd(file)()]).toEqual([
      ['ada', SHA],
      ['bob', SHA],
      ['carl', SHA],
    ]);
  });

  test.each([
    ['ada', 'line 1 is not "name:hash"'],
    [`ada:${SHA}\n:${SHA}`, 'line 2 is not "name:hash"'],
    ['ada:plain', 'line 1, user "ada": '],
  ])('refuses %j at the start', (text, message) => {
    write(text);
    expect(() => watchHtpasswd(file)).toThrow(message);
    expect(() => watchHtpasswd(file)).toThrow(TypeError);
  });

  test('takes the first of two lines for one name, as Apache and nginx do', () => {
    const other = '{SHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA=';
    write(`ada:${SHA}\nbob:${other}\nada:${other}\nbob:${SHA}\n`);
    expect([...watchHtpasswd(file)()]).toEqual([
      ['ada', SHA],
      ['bob', other],
    ]);
  });

  test('leaves out what stands behind a second colon, which is a comment', () => {
    write(`ada:${SHA}:Ada Lovelace, room 7\nbob:${SHA}:\n`);
    expect([...watchHtpasswd(file)()]).toEqual([
      ['ada', SHA],
      ['bob', SHA],
    ]);
  });

  test.skipIf(!isInstalled('htpasswd'))(
    'lets in with what htpasswd itself takes, line by line of random files',
    async () => {
      const hashOf = (password: string): string => `{SHA}${createHash('sha1').update(password).digest('base64')}`;
      const end = fc.constantFrom('\n', '\n\n', '\n# ada:x\n', '\n  ');
      const line = fc.tuple(fc.constantFrom('ada', 'bob', 'a b', 'é'), fc.constantFrom('one', 'two'), end);
      const lines = fc.uniqueArray(line, { selector: ([name]) => name, minLength: 1, maxLength: 4 });
      for (const given of fc.sample(lines, { numRuns: 6, seed: 7 })) {
        write(given.map(([name, password, after]) => `${name}:${hashOf(password)}${after}`).join(''));
        const users = watchHtpasswd(file)();
        for (const [name, password] of [
          ['ada', 'one'],
          ['ada', 'two'],
          ['bob', 'one'],
          ['a b', 'two'],
        ] as const) {
          const { status } = spawnSync('htpasswd', ['-vb', file, name, password], { stdio: 'ignore' });
          expect(users.get(name) === hashOf(password), `${name} with ${password} in ${JSON.stringify(given)}`).toBe(
            status === 0,
          );
        }
      }
    },
  );

  test('names a file that cannot be read', () => {
    expect(() => watchHtpasswd(join(folder, 'none'))).toThrow('cannot be read');
  });

  test('looks again once a second, and takes what has changed', () => {
    vi.useFakeTimers();
    write(`ada:${SHA}`);
    const users = watchHtpasswd(file);
    write(`bob:${SHA}`);
    expect([...users().keys()]).toEqual(['ada']);
    vi.advanceTimersByTime(1001);
    expect([...users().keys()]).toEqual(['bob']);
  });

  test('skips a broken line later, and lets nobody in while the file is gone; each with a warning', () => {
    vi.useFakeTimers();
    const warnings: string[] = [];
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)));
    write(`ada:${SHA}\nbob:${SHA}`);
    const users = watchHtpasswd(file);
    write(`ada\nbob:${SHA}`);
    vi.advanceTimersByTime(1001);
    expect([...users().keys()]).toEqual(['bob']);
    rmSync(file);
    vi.advanceTimersByTime(1001);
    expect([...users().keys()]).toEqual([]);
    expect(warnings).toEqual([
      expect.stringContaining('line 1 is not "name:hash"; this line is skipped'),
      expect.stringContaining('cannot be read, so nobody gets in'),
    ]);
    // What stays as it is is not read, and not warned of, again.
    vi.advanceTimersByTime(5000);
    expect(users().size).toBe(0);
    expect(warnings).toHaveLength(2);
    write(`ada:${SHA}`);
    vi.advanceTimersByTime(1001);
    expect([...users().keys()]).toEqual(['ada']);
  });

  test('looks at once when the clock was set back', () => {
    vi.useFakeTimers();
    write(`ada:${SHA}`);
    const users = watchHtpasswd(file);
    write(`bob:${SHA}`);
    vi.setSystemTime(Date.now() - 3_600_000);
    expect([...users().keys()]).toEqual(['bob']);
  });
});

describe('usersOf', () => {
  test('takes a map, and names the user whose hash nobody could check', () => {
    expect([...usersOf({ ada: SHA })]).toEqual([['ada', SHA]]);
    expect(() => usersOf({ ada: SHA, bob: 'secret' })).toThrow('user "bob": ');
  });
});
