import { describe, expect, test } from 'vitest';
import { PythonError } from '../../src/python-error.ts';
import { StartLog } from '../../src/workers/start-log.ts';
import type { Worker } from '../../src/workers/worker.ts';

describe('StartLog', () => {
  test('tells a reason in full once, and again after a worker has started', () => {
    const lines: string[] = [];
    const log = new StartLog((_, line) => lines.push(line));
    const worker = { traceback: 'Traceback\n  line 1\nValueError\n' } as Worker;
    const error = new PythonError('start-failed', 'ValueError');
    log.tell(worker, error);
    log.tell(worker, error);
    log.started();
    log.tell(worker, error);
    const full = ['Traceback', '  line 1', 'ValueError'];
    expect(lines).toEqual([...full, 'not started, for the same reason: ValueError', ...full]);
  });

  test('tells every reason that is another one, and one without a traceback in a line', () => {
    const lines: string[] = [];
    const log = new StartLog((_, line) => lines.push(line));
    const none = { traceback: undefined } as Worker;
    for (const message of ['no python', 'no python', 'no socket', 'no python']) {
      log.tell(none, new PythonError('start-failed', message));
    }
    expect(lines).toEqual([
      'not started: no python',
      'not started, for the same reason: no python',
      'not started: no socket',
      'not started: no python',
    ]);
  });
});
