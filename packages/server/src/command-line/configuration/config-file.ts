// The configuration file: where it is, and what it holds with the place of every key.
//
// It is looked for in the working directory and nowhere else. A file that happens to lie in the served directory is not
// read: whoever may write there could otherwise decide about redirects, headers and scripts.

import { isUtf8 } from 'node:buffer';
import { lstatSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { unlessRefused } from '../../paths.ts';
import { JsonTextError, parseJsonWithComments, type PlacedJson } from './json-with-comments.ts';

/** The names that are looked for, in this order. */
export const CONFIGURATION_FILE_NAMES = ['onezero.config.json', 'onezero.config.jsonc'] as const;

// No configuration is that long; it keeps a wrong `--config` from filling the memory.
const MAX_BYTES = 4 * 1024 * 1024;

export interface ConfigurationFile extends PlacedJson {
  readonly path: string;
  /** The path as messages show it. */
  readonly shownPath: string;
}

/** Reads the file `named`, or the one in the working directory if there is one. Throws an Error with a one-line message. */
export function readConfigurationFile(
  named: string | undefined,
  workingDirectory: string,
): ConfigurationFile | undefined {
  const candidates = CONFIGURATION_FILE_NAMES.map((name) => join(workingDirectory, name)).filter((path) =>
    isThere(path),
  );
  if (named === undefined && candidates.length > 1) {
    throw new Error(`both ${CONFIGURATION_FILE_NAMES.join(' and ')} exist; keep one, or name one with --config`);
  }
  const path = named === undefined ? candidates[0] : resolve(workingDirectory, named);
  if (path === undefined) return undefined;
  const shownPath = shorter(path, relative(workingDirectory, path));
  const text = readText(path, shownPath);
  if (text.trim() === '') throw new Error(`the configuration file ${shownPath} is empty; {} stands for no options`);
  try {
    return { ...parseJsonWithComments(text), path, shownPath };
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw new Error(`${error.message} (${shownPath}:${error.place.line}:${error.place.column})`, { cause: error });
  }
}

/** A link that leads nowhere is there, too: somebody meant a configuration by it. */
function isThere(path: string): boolean {
  return unlessRefused(() => lstatSync(path, { throwIfNoEntry: false })) !== undefined;
}

function readText(path: string, shownPath: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`;
    // A habit from http-server, where it is how long caches may keep a file, and -1 switches caching off.
    const hint = /^-\d+$/.test(shownPath)
      ? '; files are revalidated each time already, which --max-age changes'
      : /^\d+$/.test(shownPath)
        ? `; a cache lifetime is --max-age ${shownPath}`
        : '';
    throw new Error(`the configuration file ${shownPath} ${why}${hint}`, { cause: error });
  }
  if (bytes.length > MAX_BYTES)
    throw new Error(`the configuration file ${shownPath} is larger than ${MAX_BYTES} bytes`);
  // Editors of Windows may write another encoding, in which a name would be read as another name.
  const isUtf16 = /^(?:\xff\xfe|\xfe\xff|\0|[^]\0)/.test(bytes.toString('latin1', 0, 2));
  if (isUtf16 || !isUtf8(bytes))
    throw new Error(
      `the configuration file ${shownPath} is not in UTF-8${isUtf16 ? ' but in UTF-16' : ''}; save it as UTF-8`,
    );
  return bytes.toString('utf8');
}

function shorter(absolute: string, fromHere: string): string {
  return fromHere.startsWith('..') || fromHere === '' ? absolute : fromHere;
}
