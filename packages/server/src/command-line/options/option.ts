// The shape of one option. The tables beside this file are written in these terms, and everything that a user meets is
// derived from them: flags, environment names, keys of the configuration file, what is accepted, defaults, `--help`, the
// JSON schema and the table in the README. A behaviour that is not in a table does not exist.

/**
 * What values an option takes. A `duration` is in seconds, a `size` in bytes, a `path` is absolute once resolved, and so is
 * a `program` unless it is a bare name, to be looked for in PATH.
 */
export type Shape =
  | { readonly type: 'boolean' }
  | { readonly type: 'nothing' }
  | { readonly type: 'integer'; readonly minimum: number; readonly maximum?: number }
  | { readonly type: 'text'; readonly pattern?: RegExp; readonly expects?: string }
  | { readonly type: 'path' }
  | { readonly type: 'program' }
  | { readonly type: 'choice'; readonly values: readonly string[] }
  | { readonly type: 'duration' }
  | { readonly type: 'size' }
  | { readonly type: 'list'; readonly item: Shape }
  | { readonly type: 'map'; readonly value: Shape; readonly key?: RegExp; readonly expects?: string }
  | { readonly type: 'object'; readonly members: Members; readonly required?: readonly string[] }
  | { readonly type: 'either'; readonly shapes: readonly Shape[] };

/** The members of an object: a shape and what it is for. */
export type Members = Readonly<Record<string, { readonly shape: Shape; readonly summary: string }>>;

/** The headings of `--help` and of the table in the README, in their order. */
export const groups = [
  'What is served',
  'Files',
  'Headers and access',
  'Where it listens',
  'Operations',
  'Limits',
] as const;

export interface Option {
  readonly group: (typeof groups)[number];
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
  /** The value of `--no-…`. @default false where the shape takes it, otherwise the option is unset */
  readonly off?: unknown;
  /** What stands for the value in `--help`, such as `<port>`; `[=file]` when it may be left out. */
  readonly placeholder?: string;
  /** The value of the flag standing alone. Without it the flag wants a value. */
  readonly bare?: unknown;
  /** Whether a flag that may stand alone takes a following word as its value all the same. */
  readonly takesNext?: boolean;
  /** One written value to what the file would hold; throws an Error that says what was expected. */
  readonly read?: (text: string) => unknown;
  /** Only in the file, or only on the command line and in the environment. */
  readonly only?: 'file' | 'command';
  /** Whether a site of the configuration file may have its own. */
  readonly perSite?: boolean;
  /** Environment names that count after ONEZERO_*. */
  readonly environment?: readonly string[];
  /** Whether `print-config` must not show the value. */
  readonly isSecret?: boolean;
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

/** Whether `--no-…` has a meaning: it switches off, empties, or unsets what has no default. */
export function isNegatable({ shape, default: fallback, off, only }: Option): boolean {
  if (only === 'file') return false;
  return off !== undefined || takesBoolean(shape) || fallback === undefined;
}

/** Whether `true` and `false` are among a shape's values. */
function takesBoolean(shape: Shape): boolean {
  return shape.type === 'boolean' || (shape.type === 'either' && shape.shapes.some(takesBoolean));
}
