// What the php.ini files of a PHP say, from PHP itself: which of them hold is nobody else's to know.

import { execFile } from 'node:child_process';
import type { ExecFileOptions } from 'node:child_process';

/** PHP tells within 50 ms, with all of its extensions. */
const TELL_MS = 10_000;
const MAX_TOLD_BYTES = 4_194_304;

/** The value of a setting in what `php -i` says, as text or as a page; undefined where it has none. */
export function settingIn(told: string, name: string): string | undefined {
  const [, inText] = new RegExp(`^${name} => (.*?) => `, 'm').exec(told) ?? [];
  const [, inPage] = new RegExp(`<td class="e">${name}</td><td class="v">([^<]+)</td>`).exec(told) ?? [];
  const value = inPage ?? inText;
  return value === 'no value' ? undefined : value?.trim();
}

/** The first of some settings that has a value in a program with its defaults; undefined as well where it does not tell. */
export async function settingOf(
  program: string,
  names: readonly string[],
  options: ExecFileOptions,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const limits = { timeout: TELL_MS, maxBuffer: MAX_TOLD_BYTES, killSignal: 'SIGKILL' } as const;
    // What is wrong with a program that fails, it says when it is started.
    const child = execFile(program, ['-i'], { ...options, ...limits }, (_, told) => {
      resolve(names.map((name) => settingIn(told, name)).find((value) => value !== undefined));
    });
    child.stdin?.on('error', () => {}).end();
  });
}
