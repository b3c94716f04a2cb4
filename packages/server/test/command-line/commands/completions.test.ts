// Completions and the manual: each shell reads its own, and each has every flag.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { printCompletions, shells } from '../../../src/command-line/commands/completions.ts';
import { manualPage } from '../../../src/command-line/commands/manual-page.ts';
import { helpText } from '../../../src/command-line/commands/help.ts';
import { COMMANDS, readCommandLine } from '../../../src/command-line/configuration/arguments.ts';
import { flagName, isNegatable } from '../../../src/command-line/options/option.ts';
import { optionEntries } from '../../../src/command-line/options/table.ts';

afterEach(() => vi.restoreAllMocks());

/** What is printed for a shell. */
function completions(shell: string): string {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(printCompletions(shell)).toBe(0);
  vi.restoreAllMocks();
  return text;
}

const flags = optionEntries
  .filter(([, option]) => option.only !== 'file')
  .flatMap(([key, option]) => {
    const name = flagName(key, option);
    return [name, ...(option.aliases ?? []), ...(isNegatable(option) ? [`no-${name}`] : [])];
  });
const letters = optionEntries.flatMap(([, option]) => option.short ?? []);

describe('completions', () => {
  test.each(shells)('of %s have every flag and command, and no other', (shell) => {
    const text = completions(shell);
    const pattern = shell === 'fish' ? /(?<= -l )[\w-]+/g : /(?<=--)[a-z][\w-]*/g;
    const found = new Set([...text.matchAll(pattern)].map(([name]) => name).filter((name) => name !== 'word'));
    for (const name of [...flags, 'help', 'version'])
      expect([shell, name, found.has(name)]).toEqual([shell, name, true]);
    for (const command of COMMANDS) expect(text).toContain(command);
    // A summary may name a flag; the command knows each of those as well.
    const { problems } = readCommandLine([...found].map((name) => `--${name}=value`));
    expect(problems.filter((problem) => problem.includes('is not a flag'))).toEqual([]);
  });

  test.each([
    ['bash', '-n'],
    ['zsh', '-n'],
    ['fish', '--no-execute'],
  ])('of %s can be read by it', (shell, flag) => {
    // A shell that is not there is skipped; bash is everywhere that tests run.
    if (spawnSync(shell, ['--version']).error !== undefined && shell !== 'bash') return;
    const folder = mkdtempSync(join(tmpdir(), 'onezero-completions-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'completions');
    writeFileSync(path, completions(shell));
    const { status, stdout, stderr } = spawnSync(shell, [flag, path], { encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  });

  test('of no shell are refused', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect([printCompletions(undefined), printCompletions('powershell'), printCompletions('toString')]).toEqual([
      2, 2, 2,
    ]);
    expect(write).toHaveBeenCalledWith('Error: onezero completions needs a shell: bash, zsh, fish\n');
  });

  test('of bash offer the words of a flag that has a few', () => {
    const script = `${completions('bash')}
COMP_WORDS=(onezero --log-format c); COMP_CWORD=2; _onezero; echo "\${COMPREPLY[*]}"
COMP_WORDS=(onezero --no-acc); COMP_CWORD=1; _onezero; echo "\${COMPREPLY[*]}"
COMP_WORDS=(onezero expl); COMP_CWORD=1; _onezero; echo "\${COMPREPLY[*]}"
COMP_WORDS=(onezero --port ''); COMP_CWORD=2; _onezero; echo "[\${COMPREPLY[*]}]"
COMP_WORDS=(onezero --log-format = c); COMP_CWORD=3; _onezero; echo "\${COMPREPLY[*]}"
COMP_WORDS=(onezero --log-format =); COMP_CWORD=2; _onezero; echo "\${COMPREPLY[*]}"
COMP_WORDS=(onezero --log-format=co); COMP_CWORD=1; _onezero; echo "\${COMPREPLY[*]}"
COMP_WORDS=(onezero --listing=a); COMP_CWORD=1; _onezero; echo "\${COMPREPLY[*]}"
COMP_WORDS=(onezero --root = /et); COMP_CWORD=3; _onezero; echo "\${COMPREPLY[0]}"
COMP_WORDS=(onezero --port = ''); COMP_CWORD=3; _onezero; echo "[\${COMPREPLY[*]}]"
COMP_WORDS=(onezero = a); COMP_CWORD=2; _onezero; echo "[\${COMPREPLY[*]}]"
COMP_WORDS=(onezero recipe n); COMP_CWORD=2; _onezero; echo "\${COMPREPLY[*]}"
COMP_WORDS=(onezero completions ''); COMP_CWORD=2; _onezero; echo "\${COMPREPLY[*]}"
COMP_WORDS=(onezero recipe nginx /et); COMP_CWORD=3; _onezero; echo "\${COMPREPLY[0]}"`;
    const said = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8', cwd: '/' });
    expect(said.split('\n')).toEqual([
      'common combined',
      '--no-access-log',
      'explain',
      '[]',
      'common combined',
      'dev common combined json',
      '--log-format=common --log-format=combined',
      '--listing=archives',
      '/etc',
      '[]',
      '[]',
      'nginx',
      'bash zsh fish',
      '/etc',
      '',
    ]);
  });
});

test.skipIf(spawnSync('fish', ['--version']).error !== undefined)(
  'completions of fish offer what follows a command',
  () => {
    const script = `${completions('fish')}
complete -C 'onezero recipe n'
complete -C 'onezero completions z'`;
    expect(execFileSync('fish', ['--no-config', '-c', script], { encoding: 'utf8', cwd: '/proc/self/fdinfo' })).toBe(
      'nginx\nzsh\n',
    );
  },
);

describe('the manual', () => {
  const page = manualPage();

  test('has every flag, letter and command', () => {
    for (const [key, option] of optionEntries) {
      if (option.only === 'file') continue;
      expect(page).toContain(String.raw`\-\-` + flagName(key, option).replaceAll('-', String.raw`\-`));
    }
    for (const letter of letters) expect(page).toMatch(new RegExp(String.raw`^\.B .*\\-${letter}(?:,| |$)`, 'm'));
    const heads = page.split('\n').filter((line) => line.startsWith('.B '));
    for (const command of COMMANDS)
      expect(heads.map((line) => line.split(' ')[1])).toContain(command.replaceAll('-', String.raw`\-`));
  });

  test('has no line that roff would take for a request of its own', () => {
    const known = /^\.(?:TH|SH|SS|TP|B|RI|I|br|BR|PP)\b/;
    expect(page.split('\n').filter((line) => /^[.']/.test(line) && !known.test(line))).toEqual([]);
    // A hyphen that is typed is written as one.
    expect(page.split('\n').filter((line) => line.startsWith('.B ') && /(?<!\\)-/.test(line))).toEqual([]);
  });
});

describe('the help', () => {
  const text = helpText();

  test('has each flag once, at the start of its line, under its heading', () => {
    for (const [key, option] of optionEntries) {
      if (option.only === 'file') continue;
      const name = flagName(key, option);
      const lines = text
        .split('\n')
        .filter((line) => new RegExp(`^ {2}(?: {4}|(?:-\\w, )+)--(?:\\[no-\\])?${name}(?=[ =[]|$)`).test(line));
      expect([name, lines.length]).toEqual([name, 1]);
    }
  });

  test('fits a window, and has no blank at the end of a line', () => {
    for (const line of text.split('\n')) {
      expect(line.length).toBeLessThanOrEqual(111);
      expect(line).not.toMatch(/\s$/);
    }
    expect(text.endsWith('\n')).toBe(true);
  });

  test('says the summary of each flag whole', () => {
    const flat = text.replaceAll(/\s+/g, ' ');
    for (const [, option] of optionEntries) {
      if (option.only !== 'file') expect(flat).toContain(option.summary);
    }
  });
});
