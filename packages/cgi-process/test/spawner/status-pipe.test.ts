import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ShellAnswers } from '../../src/spawner/status-pipe.ts';
import { openDescriptors, until } from '../mount.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-answers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;

function open(): ShellAnswers {
  const path = join(folder, String(made++));
  execFileSync('mkfifo', [path]);
  const answers = new ShellAnswers(path);
  onTestFinished(() => answers.close());
  // Without it the loop would not wait for what a test writes.
  answers.awaited();
  return answers;
}

describe('ShellAnswers', () => {
  test('tells each listener what follows its word, in order', async () => {
    const answers = open();
    const heard: string[] = [];
    answers.listen('one', (text) => heard.push(`one ${text}`));
    answers.listen('two', (text) => heard.push(`two ${text}`));
    writeSync(answers.writeEnd, 'one 0\ntwo 127\none opened\nthree 5\n\none\nonetwo 3\ntwo \n');
    await until(() => heard.length === 4);
    expect(heard).toEqual(['one 0', 'two 127', 'one opened', 'two ']);
  });

  test('waits for the end of a line, wherever it is cut', async () => {
    const line = 'word 143\n';
    for (let cut = 1; cut < line.length; cut++) {
      const answers = open();
      const heard: string[] = [];
      answers.listen('word', (text) => heard.push(text));
      answers.listen('mark', () => heard.push('mark'));
      writeSync(answers.writeEnd, `mark 1\n${line.slice(0, cut)}`);
      await until(() => heard.length === 1);
      writeSync(answers.writeEnd, line.slice(cut));
      await until(() => heard.length === 2);
      expect(heard).toEqual(['mark', '143']);
    }
  });

  test('takes more at once than it reads at once', async () => {
    const answers = open();
    const heard: number[] = [];
    answers.listen('word', (text) => heard.push(Number(text)));
    const expected = Array.from({ length: 5000 }, (_, index) => index);
    for (const number of expected) writeSync(answers.writeEnd, `word ${number}\n`);
    await until(() => heard.length === 5000);
    expect(heard).toEqual(expected);
  });

  test('forgets a listener', async () => {
    const answers = open();
    const heard: string[] = [];
    answers.listen('gone', () => heard.push('gone'));
    answers.listen('here', () => heard.push('here'));
    answers.forget('gone');
    writeSync(answers.writeEnd, 'gone 1\nhere 1\n');
    await until(() => heard.length > 0);
    expect(heard).toEqual(['here']);
  });

  test('closes both of its ends, once', async () => {
    const before = openDescriptors();
    const answers = open();
    const { writeEnd } = answers;
    answers.close();
    answers.close();
    expect(() => closeSync(writeEnd)).toThrow('EBADF');
    await expect.poll(openDescriptors).toBe(before);
  });
});
