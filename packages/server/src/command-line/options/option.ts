// The shape of one option. The tables beside this file are written in these terms, and everything that a user meets is
// derived from them: flags, environment names, keys of the configuration file, what is accepted, defaults, `--help`, the
// JSON schema and the table in the README. A behaviour that is not in a table does not exist.

import type { Members, Shape } from '@onezero/static/options';

export type { Members, Shape };

/** The headings of `--help` and of the table in the README, in their order. */
export const GROUPS = [
  'What is served',
  'Files',
  'Headers and access',
  'Where it listens',
  'Operations',
  'Limits',
] as const;

export interface Option {
  readonly group: (typeof GROUPS)[number];
  readonly shape: Shape;
  /** One line, no full stop; the default is added by whoever prints it. */
  readonly summary: string;
  readonly default?: unknown;
  /** The long flag without dashes, where it is not the key in kebab case. */
  readonly flag?: string;
  /** One-letter flags, without dash. */
  readonly short?: readonly string[];
  /** Other long flags that fingers know. */
  readonly aliases?: readonly string[];
  /** Other long flags for `--no-…`, whole. */
  readonly negations?: readonly string[];
  /** The value of `--no-…`. @default false where the shape takes it, an empty list or map, otherwise the default */
  readonly off?: unknown;
  /** What stands for the value in `--help`, such as `<port>`; `[=file]` when it may be left out. */
  readonly placeholder?: string | undefined;
  /** The value of the flag standing alone. Without it the flag wants a value. */
  readonly bare?: unknown;
  /** Whether a flag that may stand alone takes a following word as its value all the same. */
  readonly takesNext?: boolean;
  /** One written value to what the file would hold; throws an Error that says what was expected. */
  readonly read?: (text: string) => unknown;
  /** Makes paths in an accepted value absolute that `base` is for; those in the file are relative to it. */
  readonly settle?: (value: unknown, base: string) => unknown;
  /** Only in the file, or only on the command line and in the environment. */
  readonly only?: 'file' | 'command';
  /** Whether a site of the configuration file may have its own. */
  readonly perSite?: boolean;
  /** Environment names that count after ONEZERO_*. */
  readonly environment?: readonly string[];
  /** Whether `print-config` must not show the value. */
  readonly isSecret?: boolean;
  /** The option of the server that it sets, such as `static.maxAgeSeconds`; none for what the command does itself. */
  readonly sets?: string;
  /** Makes the value of that option. */
  readonly toOption?: (value: unknown) => unknown;
}

/** Where a value was found. Errors and `print-config` name it. */
export type Source =
  | { readonly from: 'argument' | 'flag' | 'environment'; readonly name: string }
  | { readonly from: 'file'; readonly path: string; readonly line: number; readonly column: number }
  | { readonly from: 'default' };

/** `flag --port`, `environment PORT`, `onezero.config.json:3:11` or `default`. */
export function describeSource(source: Source): string {
  switch (source.from) {
    case 'default':
      return 'default';
    case 'file':
      return `${source.path}:${source.line}:${source.column}`;
    default:
      return `${source.from} ${source.name}`;
  }
}

/** The long flag of an option, without dashes: `maxAge` is `max-age`. */
export function flagName(key: string, option: Option): string {
  return option.flag ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The first environment name of an option: `maxAge` is `ONEZERO_MAX_AGE`. */
export function environmentName(key: string, option: Option): string {
  return `ONEZERO_${flagName(key, option).replaceAll('-', '_').toUpperCase()}`;
}

/** The value of `--no-…`: it switches off or empties, and otherwise leads back to the default. */
export function offValue({ shape, default: fallback, off }: Option): unknown {
  if (off !== undefined) return off;
  if (takesFalse(shape)) return false;
  if (fallback === undefined) return undefined;
  return shape.type === 'list' ? [] : shape.type === 'map' ? {} : fallback;
}

/** Whether `--no-…` is worth a word: where it does more than to lead back to a default. */
export function isNegatable(option: Option): boolean {
  if (option.only === 'file') return false;
  return option.default === undefined || offValue(option) !== option.default || option.default === false;
}

function takesFalse(shape: Shape): boolean {
  if (shape.type === 'either') return shape.shapes.some(takesFalse);
  return shape.type === 'boolean' || (shape.type === 'choice' && shape.values.includes(false));
}
