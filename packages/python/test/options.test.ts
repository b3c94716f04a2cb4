import { describe, expect, test } from 'vitest';
import { app, asgi, wsgi } from '../src/index.ts';
import { appTable, asgiTable, limitsTable, wsgiTable } from '../src/options.ts';
import { defaultProcesses, workerSettings } from '../src/resolve-options.ts';
import { fixtures } from './harness.ts';

/** Options that plain JavaScript, or a file, could hold. */
const make = (create: typeof app, options: object) => () => create({ cwd: fixtures, application: 'life', ...options });

describe('a wrong option is refused in one line that names it', () => {
  test.each<[object, string]>([
    [{ application: undefined }, 'wsgi: application: is missing'],
    [{ application: '' }, `wsgi: application: expected 'module:name', 'module:factory()', a file or a folder, not ""`],
    [{ application: 7 }, `wsgi: application: expected 'module:name', 'module:factory()', a file or a folder, not 7`],
    [{ application: 'a:b/c:d:e' }, `wsgi: application: expected 'module:name'`],
    [{ application: 'a:b:c' }, `wsgi: application: expected 'module:name'`],
    [{ path: '/app' }, 'wsgi: path: is not an option; it goes beside the responder: { routes: '],
    [{ thread: 2 }, 'wsgi: thread: is not an option; did you mean threads?'],
    [{ Threads: 2 }, 'wsgi: Threads: is not an option; did you mean threads?'],
    [{ worker: 2 }, 'wsgi: worker: is not an option'],
    [{ concurrency: { max: 2 } }, 'wsgi: concurrency.max: is not an option'],
    [{ threads: 0 }, 'wsgi: threads: expected a whole number from 1 up, not 0'],
    [{ threads: 1.5 }, 'wsgi: threads: expected a whole number from 1 up, not 1.5'],
    [{ threads: '4' }, 'wsgi: threads: expected a whole number from 1 up, not "4"'],
    [{ processes: 0 }, 'wsgi: processes: expected a whole number from 1 up, not 0'],
    [{ processes: 'auto' }, 'wsgi: processes: expected a whole number from 1 up, not "auto"'],
    [{ processes: Infinity }, 'wsgi: processes: expected a whole number from 1 up, not Infinity'],
    [{ cwd: 5 }, 'wsgi: cwd: expected a path, not 5'],
    [{ python: '' }, 'wsgi: python: expected a program, not ""'],
    [{ pythonPath: 'lib' }, 'wsgi: pythonPath: expected a list, not "lib"'],
    [{ pythonPath: [1] }, 'wsgi: pythonPath.0: expected a path, not 1'],
    [{ env: { A: 1 } }, 'wsgi: env.A: expected a text without NUL, not 1'],
    [{ env: { 'A=B': '1' } }, 'wsgi: env.A=B: expected the name of a variable for a name'],
    [{ env: ['A=1'] }, 'wsgi: env: expected an object, not a list'],
    [{ passEnv: true }, 'wsgi: passEnv: expected a list, not true'],
    [{ settings: { a: {} } }, 'wsgi: settings.a: expected '],
    [{ lazy: 'yes' }, 'wsgi: lazy: expected true or false, not "yes"'],
    [{ reload: 1 }, 'wsgi: reload: expected true or false, not 1'],
    [{ spool: 'buffer' }, 'wsgi: spool: expected "always" or "never", not "buffer"'],
    [{ limits: 5 }, 'wsgi: limits: expected an object, not 5'],
    [
      { concurrency: { queueTimeout: 1 } },
      'wsgi: concurrency.queueTimeout: is not an option; did you mean concurrency.queueTimeoutMs?',
    ],
    [
      { concurrency: { queueTimeoutMs: -1 } },
      'wsgi: concurrency.queueTimeoutMs: expected a whole number of milliseconds or Infinity, not -1',
    ],
    // Names that these options had once.
    [{ reloadOnChange: true }, 'wsgi: reloadOnChange: is not an option; did you mean reload?'],
    [{ content: 'stream' }, 'wsgi: content: is not an option; did you mean spool?'],
    [{ limits: { maxQueued: 1 } }, 'wsgi: limits.maxQueued: is not an option; did you mean concurrency.maxQueue?'],
    [
      { limits: { queueTimeoutMs: 1 } },
      'wsgi: limits.queueTimeoutMs: is not an option; did you mean concurrency.queueTimeoutMs?',
    ],
    [
      { limits: { drainTimeoutMs: 1 } },
      'wsgi: limits.drainTimeoutMs: is not an option; did you mean limits.closeTimeoutMs?',
    ],
    [
      { limits: { maxSpoolBytes: 1 } },
      'wsgi: limits.maxSpoolBytes: is not an option; did you mean limits.spoolFileBytes?',
    ],
    [{ concurrency: { maxQueue: NaN } }, 'wsgi: concurrency.maxQueue: expected a whole number from 0 up, not NaN'],
    [{ log: 'file' }, 'wsgi: log: expected a function, not "file"'],
    [
      { virtualenv: '/nowhere' },
      'wsgi: there is no virtual environment, as /nowhere/bin/python is missing, or a link that leads nowhere',
    ],
  ])('%j', (options, message) => {
    expect(make(wsgi, options)).toThrow(message);
    try {
      make(wsgi, options)();
    } catch (error) {
      expect((error as Error).message).not.toContain('\n');
    }
  });

  test('under the name of the function', () => {
    expect(make(asgi, { threads: 2 })).toThrow('asgi: threads: is not an option');
    expect(make(asgi, { concurrency: { max: 0 } })).toThrow(
      'asgi: concurrency.max: expected a whole number from 1 up, not 0',
    );
    expect(make(app, { thread: 2 })).toThrow('app: thread: is not an option; did you mean threads?');
  });
});

test('the tables have a summary for every option, and what holds without it passes its own check', () => {
  for (const table of [wsgiTable, asgiTable, appTable, limitsTable]) {
    for (const [name, member] of Object.entries(table)) {
      expect([name, member.summary.length > 0]).toEqual([name, true]);
    }
  }
  const defaults = Object.entries(appTable).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value]],
  );
  const limits = Object.fromEntries(Object.entries(limitsTable).map(([name, { default: value }]) => [name, value]));
  const responder = app({ ...Object.fromEntries(defaults), application: 'life', cwd: fixtures, limits, lazy: true });
  expect(responder.state()).toMatchObject({ ready: 0, busy: 0, queued: 0 });
});

test('processors are shared among as many processes as there are', () => {
  expect(defaultProcesses(10_000)).toBe(1);
  expect(workerSettings('wsgi', { application: 'x' }).processes).toBe(defaultProcesses());
});
