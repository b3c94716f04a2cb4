// The words of the command line, told apart by the table of options. Nothing is checked here but that each flag exists
// and has the value that it needs; what a value means is decided with those from the other sources.

import { parseArgs } from 'node:util';
import { flagName, offValue, type Option } from '../options/option.ts';
import { type Key, optionEntries } from '../options/table.ts';
import { suggestion } from '../../suggestion.ts';
import { habitOf, habitWithoutValue } from './habits.ts';
import { acceptValue, valueOfText, type Problem } from '../options/value.ts';

export const COMMANDS = [
  'serve',
  'check',
  'print-config',
  'explain',
  'recipe',
  'help',
  'compress',
  'completions',
  'man',
] as const;

/** What the user wrote for one flag. `value` is what the configuration file would hold, or undefined to unset. */
export interface Written {
  readonly key: Key;
  readonly value: unknown;
  /** As typed, for messages. */
  readonly name: string;
}

export interface CommandLine {
  readonly command: (typeof COMMANDS)[number] | 'version';
  /** Words that are no flags, without the command. */
  readonly words: readonly string[];
  readonly written: readonly Written[];
  readonly problems: readonly string[];
}

type Token = ReturnType<typeof parse>[number];

interface Spelling {
  readonly key: Key;
  readonly option: Option;
  readonly isNegative: boolean;
}

/** Reads the words after the program's name. */
export function readCommandLine(all: readonly string[]): CommandLine {
  const { words, problems } = withoutLongLetters(all);
  const tokens = parse(words);
  const plain: string[] = [];
  const written: Written[] = [];
  let asked: 'help' | 'version' | undefined;
  let wrongWord = -1;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    if (token.kind === 'positional') plain.push(token.value);
    if (token.kind !== 'option') continue;
    const following = tokens[index + 1];
    const next = following?.kind === 'positional' && following.index === token.index + 1 ? following.value : undefined;
    const spelling = spellings.get(token.name);
    if (token.name === 'help' || token.name === 'version') asked ??= token.name;
    else if (spelling === undefined) {
      // Of letters in one word, the first unknown one speaks for those behind it.
      if (token.index !== wrongWord) problems.push(unknownFlag(token.rawName));
      wrongWord = token.index;
      // Most likely its value: a second message about it would only distract.
      if (next !== undefined && plain.length > 0) index++;
    } else {
      const result = readFlag(spelling, token, next);
      if ('problem' in result) problems.push(result.problem);
      else written.push({ key: spelling.key, name: token.rawName, value: result.value });
      if ('tookNext' in result && result.tookNext) index++;
    }
  }
  const command = COMMANDS.find((name) => name === plain[0]);
  return {
    command: asked ?? command ?? 'serve',
    words: command === undefined ? plain : plain.slice(1),
    written,
    problems,
  };
}

function readFlag(
  { option, isNegative }: Spelling,
  token: Extract<Token, { kind: 'option' }>,
  next: string | undefined,
): { readonly value: unknown; readonly tookNext?: boolean } | { readonly problem: string } {
  const { rawName, value, inlineValue } = token;
  if (isNegative) return inlineValue ? { problem: `${rawName} takes no value` } : { value: offValue(option) };
  try {
    if (option.bare === undefined) {
      const isMissing = value === undefined || value === '' || (!inlineValue && /^-./.test(value));
      if (isMissing)
        return {
          problem: `${rawName} needs a value: ${rawName} ${option.placeholder ?? '<value>'}${habitWithoutValue(rawName)}`,
        };
      return { value: valueOfText(option, value, true) };
    }
    if (value !== undefined) return { value: valueOfText(option, value) };
    if (option.takesNext && next !== undefined && isAcceptable(option, next)) {
      return { value: valueOfText(option, next), tookNext: true };
    }
    return { value: option.bare };
  } catch (error) {
    return { problem: `${rawName} expects ${(error as Error).message}, not "${value ?? ''}"` };
  }
}

function isAcceptable(option: Option, text: string): boolean {
  const problems: Problem[] = [];
  acceptValue(option.shape, valueOfText(option, text), { base: '/', path: '', problems });
  return problems.length === 0;
}

/** Leaves out names with one hyphen, such as `-port 8080`, which would be read as letters; each is a problem. */
function withoutLongLetters(all: readonly string[]): {
  readonly words: readonly string[];
  readonly problems: string[];
} {
  const words: string[] = [];
  const problems: string[] = [];
  for (let index = 0; index < all.length; index++) {
    const word = all[index] ?? '';
    if (word === '--') return { words: [...words, ...all.slice(index)], problems };
    const [, name = '', value] = /^-([a-z][\w-]{2,})(=.*)?$/i.exec(word) ?? [];
    const spelling = spellings.get(name);
    const habit = name === '' ? undefined : habitOf(`--${name}`);
    if (spelling === undefined && habit === undefined) {
      words.push(word);
      continue;
    }
    problems.push(`-${name} is not a flag${habit === undefined ? ` (did you mean "--${name}"?)` : `: ${habit}`}`);
    if (value === undefined && spelling !== undefined && takesWord(spelling)) index++;
  }
  return { words, problems };
}

function unknownFlag(rawName: string): string {
  const habit = habitOf(rawName) ?? habitOf(rawName.replace(/\..*/s, ''));
  if (habit !== undefined) return `${rawName} is not a flag: ${habit}`;
  const known = [...spellings.keys(), 'help', 'version'].map((name) => `--${name}`);
  return `${rawName} is not a flag${rawName.startsWith('--') ? suggestion(rawName, known) : ''}`;
}

const spellings = everySpelling();

function everySpelling(): ReadonlyMap<string, Spelling> {
  const all = new Map<string, Spelling>();
  for (const [key, option] of optionEntries) {
    if (option.only === 'file') continue;
    for (const name of [flagName(key, option), ...(option.aliases ?? [])]) {
      all.set(name, { key, option, isNegative: false });
      all.set(`no-${name}`, { key, option, isNegative: true });
    }
    for (const name of option.negations ?? []) all.set(name, { key, option, isNegative: true });
  }
  return all;
}

/** Whether the word that follows is its value, whatever it is. */
function takesWord({ option, isNegative }: Spelling): boolean {
  return !isNegative && option.bare === undefined;
}

function parse(words: readonly string[]): NonNullable<ReturnType<typeof parseArgs>['tokens']> {
  const known: Record<string, { type: 'boolean' | 'string'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
  };
  // The parser looks through what it knows for each word, so it is told of those flags alone that are there.
  for (const word of words) {
    const [, name = ''] = /^--([^=]+)/.exec(word) ?? [];
    const spelling = spellings.get(name);
    if (spelling !== undefined) known[name] = { type: takesWord(spelling) ? 'string' : 'boolean' };
  }
  for (const [key, option] of optionEntries) {
    const names = [flagName(key, option), ...(option.aliases ?? [])];
    for (const [index, letter] of (option.short ?? []).entries()) {
      const name = names[index];
      const spelling = name === undefined ? undefined : spellings.get(name);
      if (name !== undefined && spelling !== undefined)
        known[name] = { type: takesWord(spelling) ? 'string' : 'boolean', short: letter };
    }
  }
  const end = words.indexOf('--');
  const args = words.map((word, index) => (end !== -1 && index > end ? word : withoutSign(word, known)));
  return parseArgs({ args, options: known, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** `-p=8080`, as programs in Go take it, is `--port=8080`; `-V` is `-v`. */
function withoutSign(word: string, known: Readonly<Record<string, { readonly short?: string }>>): string {
  if (word === '-V') return '-v';
  const [, letter, value] = /^-([A-Za-z])=(.*)$/s.exec(word) ?? [];
  if (letter === undefined) return word;
  const name = Object.keys(known).find((candidate) => known[candidate]?.short === letter);
  return name === undefined ? word : `--${name}=${value}`;
}
