// `--help`, written out of the table of options.

import { defaultText } from '../options/default-text.ts';
import { flagName, GROUPS, type Option } from '../options/option.ts';
import { type Key, optionEntries } from '../options/table.ts';
import { commandSummaries } from './command-summaries.ts';

const SERVES = 'Serves a directory over HTTP, with CGI scripts and Python applications if asked to.';

const GENERAL = `  -h, --help                  Show this
  -v, -V, --version           Show the version`;

const CLOSING = `Each flag is also a key in onezero.config.json and a variable of the environment: --max-age is maxAge and
ONEZERO_MAX_AGE. A flag wins over the environment, that over the file. --no-… switches off or unsets.
Durations: 500ms, 30s, 5m, 1h, 7d (a bare number is seconds). Sizes: 65536, 64k, 10m, 1g.`;

// The column where summaries begin; a longer flag has its summary on the next line.
const SUMMARY_COLUMN = 30;
const COMMAND_COLUMN = 49;
const LINE_WIDTH = 110;

/** The text of `--help`. */
export function helpText(): string {
  const sections = GROUPS.map((group) => {
    const flags = optionEntries.filter(([, option]) => option.group === group && option.only !== 'file');
    return `${group}:\n${flags.map(([key, option]) => helpLines(key, option)).join('\n')}`;
  });
  return `Usage: onezero [directory | file] [flags]\n${usages()}\n\n${SERVES}\n\n${sections.join('\n\n')}\n\nGeneral:\n${GENERAL}\n\n${CLOSING}\n`;
}

function usages(): string {
  const others = Object.entries(commandSummaries).filter(([name]) => name !== 'serve' && name !== 'help');
  const lines = others.map(([name, { words, summary }]) =>
    wrapped(`       onezero ${name} ${words}`, summary, COMMAND_COLUMN),
  );
  return lines.join('\n');
}

function helpLines(key: Key, option: Option): string {
  const letters = (option.short ?? []).map((letter) => `-${letter}, `).join('');
  const placeholder = option.placeholder?.replace(/^(?!\[=)/, ' ') ?? '';
  const flag = `  ${letters.padStart(4)}--${shownFlag(key, option)}${placeholder}`;
  return wrapped(flag, `${option.summary}${defaultNote(option)}`, SUMMARY_COLUMN);
}

/** A text behind what it is about, in lines that fit into a window. */
function wrapped(what: string, text: string, column: number): string {
  const lines = [what.length < column ? what.padEnd(column) : `${what}\n${' '.repeat(column)}`];
  let width = column;
  for (const word of text.split(' ')) {
    if (width + word.length > LINE_WIDTH) {
      lines.push(`\n${' '.repeat(column)}`);
      width = column;
    }
    lines.push(`${word} `);
    width += word.length + 1;
  }
  return lines.join('').replaceAll(/ +(?=\n|$)/g, '');
}

// What is on by default is of interest as the flag that switches it off.
function shownFlag(key: Key, option: Option): string {
  const isOn = option.default === true && option.placeholder?.startsWith('[=') !== false;
  return isOn ? `[no-]${flagName(key, option)}` : flagName(key, option);
}

/** ` (default: …)`, or nothing. */
export function defaultNote(option: Option): string {
  const text = defaultText(option);
  return text === '' ? '' : ` (default: ${text})`;
}
