import { afterEach, expect, it, vi } from 'vitest';
import { ScriptStderr } from '../../src/answer/stderr.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('writes nothing to standard error that a terminal obeys', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const lines = new ScriptStderr(undefined, 65_536).lines('/scripts/talk', undefined);
  lines.add(Buffer.from('tab\t, C0 \u001b[31m, DEL \u007f, C1 \u009b31m and \u0085, line \u2028 paragraph \u2029\n'));
  lines.end();
  const shown = 'tab\t, C0 \\u001b[31m, DEL \\u007f, C1 \\u009b31m and \\u0085, line \\u2028 paragraph \\u2029';
  expect(write.mock.calls.map(([text]) => text)).toEqual([`talk: ${shown}\n`]);
});

it('keeps what a broken sink threw in one line', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const sink = (): void => {
    throw new Error('first\nforged: second');
  };
  const lines = new ScriptStderr(sink, 65_536).lines('/scripts/talk', undefined);
  lines.add(Buffer.from('hello\n'));
  expect(write.mock.calls.map(([text]) => text)).toEqual(['talk: the log failed: Error: first\\u000aforged: second\n']);
});

it('says what a sink that is an async function rejects with', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const lines = new ScriptStderr(vi.fn().mockRejectedValue(new Error('full')), 65_536).lines(
    '/scripts/talk',
    undefined,
  );
  lines.add(Buffer.from('hello\n'));
  await vi.waitFor(() =>
    expect(write.mock.calls.map(([text]) => text)).toEqual(['talk: the log failed: Error: full\n']),
  );
});
