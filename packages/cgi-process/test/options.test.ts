import { describe, expect, test } from 'vitest';
import type { CgiOptions } from '../src/index.ts';
import { cgi } from '../src/index.ts';
import { cgiTable } from '../src/options.ts';
import type { Members } from '../src/options.ts';
import { cgiFetch } from '../src/fetch.ts';
import { cgiHandler } from '../src/node.ts';

const directory = '/usr/bin';

/** As from plain JavaScript. */
function messageOf(options: unknown, make: (options: CgiOptions) => unknown = cgi): string {
  try {
    make(options as CgiOptions);
    return 'taken';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

describe('cgi', () => {
  test.each<[unknown, string]>([
    [undefined, 'cgi: options: expected an object, not undefined'],
    ['./cgi-bin', 'cgi: options: expected an object, not "./cgi-bin"; did you mean { directory: "./cgi-bin" }?'],
    [{}, 'cgi: expected one of directory, extensions (with root) and script; none is given'],
    [
      { directory, script: '/bin/sh' },
      'cgi: expected one of directory, extensions (with root) and script; directory and script are given',
    ],
    [{ extensions: { '.cgi': null } }, 'cgi: root: is missing beside extensions'],
    [{ directory, index: ['index.cgi'] }, 'cgi: index: goes with extensions only'],
    [{ directory: 5 }, 'cgi: directory: expected a path, not 5'],
    [{ direktory: '.' }, 'cgi: direktory: is not an option; did you mean directory?'],
    [{ directory, enviroment: {} }, 'cgi: enviroment: is not an option'],
    [{ directory, env: { A: 1 } }, 'cgi: env.A: expected a text without NUL, not 1'],
    [{ directory, env: { 'A=B': '' } }, 'cgi: env.A=B: expected the name of a variable for a name'],
    [{ directory, env: 'A=1' }, 'cgi: env: expected an object or a function that makes one, not "A=1"'],
    [{ directory, passEnv: 'PATH' }, 'cgi: passEnv: expected a list, not "PATH"; put it into [ ]'],
    [{ directory, args: [1] }, 'cgi: args.0: expected a text without NUL, not 1'],
    [{ directory, uid: -1 }, 'cgi: uid: expected a whole number from 0 up, not -1'],
    [{ directory, umask: 0o1000 }, 'cgi: umask: expected a whole number from 0 to 511, not 512'],
    [
      { directory, limits: { headerTimeout: 5 } },
      'cgi: limits.headerTimeout: is not an option; did you mean limits.headerTimeoutMs?',
    ],
    [
      { directory, limits: { headerTimeoutMs: '5s' } },
      'cgi: limits.headerTimeoutMs: expected a whole number of milliseconds or Infinity, not "5s"',
    ],
    [
      { directory, limits: { maxHeaderBytes: 0.5 } },
      'cgi: limits.maxHeaderBytes: expected a whole number of bytes or Infinity, not 0.5',
    ],
    [{ directory, limits: 5 }, 'cgi: limits: expected an object, not 5'],
    [{ directory, concurrency: { max: 0 } }, 'cgi: concurrency.max: expected a whole number from 1 up, not 0'],
    [
      { directory, concurrency: { maxQueu: 1 } },
      'cgi: concurrency.maxQueu: is not an option; did you mean concurrency.maxQueue?',
    ],
    // Names that these options had once.
    [{ directory, stderr: () => {} }, 'cgi: stderr: is not an option; did you mean log?'],
    [{ directory, followSymlinks: true }, 'cgi: followSymlinks: is not an option; did you mean symlinks?'],
    [
      { directory, limits: { idleTimeoutMs: 1 } },
      'cgi: limits.idleTimeoutMs: is not an option; did you mean limits.silenceTimeoutMs?',
    ],
    [
      { directory, concurrency: { queue: 1 } },
      'cgi: concurrency.queue: is not an option; did you mean concurrency.maxQueue?',
    ],
    [{ directory, spool: true }, 'cgi: spool: expected "small" or "always", not true'],
    [{ directory, nph: true }, 'cgi: nph: expected "name" or false, not true'],
    [{ directory, methods: ['GET', 'A B'] }, 'cgi: methods.1: expected a method, not "A B"'],
    [{ directory, log: console }, 'cgi: log: expected a function that takes entries, not a console'],
    [
      { root: '.', extensions: { php: 'php-cgi' } },
      'cgi: extensions.php: expected an extension with its dot for a name',
    ],
    [{ root: '.', extensions: { '.php': true } }, 'cgi: extensions..php: expected a program or null, not true'],
    [
      { root: '.', extensions: { '.cgi': null }, index: ['a/b'] },
      'cgi: index.0: expected the name of a file, not "a/b"',
    ],
    [{ directory, path: '/cgi-bin' }, 'cgi: path: is not an option'],
  ])('names what is wrong with %j in one line', (options, message) => {
    expect(messageOf(options)).toBe(`TypeError: ${message}`);
  });

  test('takes empty values in the environment', () => {
    expect(messageOf({ directory, env: { EMPTY: '' } })).toBe('taken');
  });

  test('takes Infinity and 365 days for a time', () => {
    const limits = { headerTimeoutMs: 31_536_000_000, totalTimeoutMs: Number.POSITIVE_INFINITY };
    expect(messageOf({ directory, limits })).toBe('taken');
  });
});

describe('cgiHandler and cgiFetch', () => {
  test.each([cgiHandler, cgiFetch])('know their own options', (make) => {
    expect(messageOf({ directory, path: '/cgi-bin' }, make)).toBe('taken');
    expect(messageOf({ directory, pth: '/cgi-bin' }, make)).toBe(
      'TypeError: cgi: pth: is not an option; did you mean path?',
    );
    expect(messageOf({ directory, path: 5 }, make)).toBe(
      'TypeError: cgi: path: expected a path such as /cgi-bin, not 5',
    );
  });
});

describe('cgiTable', () => {
  test('says of each option what it is for, and defaults that fit', () => {
    const look = (members: Members, path: string): void => {
      for (const [name, { shape, summary, default: value }] of Object.entries(members)) {
        expect(summary, path + name).toMatch(/^[^A-Z.].*[^.]$|^[A-Z_]+/);
        if (shape.type === 'object') look(shape.members, `${path}${name}.`);
        else if (value !== undefined && path === '') expect(messageOf({ directory, [name]: value })).toBe('taken');
      }
    };
    look(cgiTable, '');
  });
});
