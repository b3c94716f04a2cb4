// What each command of `onezero` is for, in one line: for shells and for the manual page.

import type { COMMANDS } from '../configuration/arguments.ts';

/** What `recipe` prints. */
export const RECIPES = ['haproxy', 'nginx', 'systemd', 'kubernetes', 'logrotate', 'prometheus'] as const;

interface CommandSummary {
  /** What stands behind its name. */
  readonly words: string;
  readonly summary: string;
}

export const commandSummaries: Readonly<Record<(typeof COMMANDS)[number], CommandSummary>> = {
  serve: { words: '[directory | file] [flags]', summary: 'serve it; the word serve may be left out' },
  check: { words: '[directory] [flags]', summary: 'look for mistakes, start nothing' },
  'print-config': { words: '[directory] [flags]', summary: 'show every value and where it comes from' },
  explain: { words: '<url> [directory] [flags]', summary: 'say what would answer a request, and why' },
  recipe: {
    words: '<name> [directory] [flags]',
    summary: 'print a configuration for haproxy, nginx, systemd, kubernetes, logrotate or prometheus',
  },
  help: { words: '', summary: 'list the commands and flags' },
  compress: { words: '[directory]', summary: 'write .br, .gz and .zst beside the files' },
  completions: { words: '<shell>', summary: 'complete flags in bash, zsh or fish' },
  man: { words: '', summary: 'print the manual page' },
};
