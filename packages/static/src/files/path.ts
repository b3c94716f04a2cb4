// Decides, from names alone, whether a path below the root may be asked for.
//
// Callers are expected to pass canonical paths, but this package is used alone too: any string is safe here. The answer is
// the list of segments to walk from the root, or the status that refuses: 400 for what is no path (NUL, dot segments, lone
// surrogates, on Windows a backslash), 404 for names that a policy hides. Files behind links are `open-file.ts`'s concern.

import { withoutCodingSuffix } from '../http/content-coding.ts';
import type { Settings } from '../options/settings.ts';

/** A permitted path: names from the root downwards, and whether it was written as a directory. */
export interface SitePath {
  readonly segments: readonly string[];
  /** Ends with `/`. The root is a directory unless `pathInfo` is empty: then a mount was asked for without its slash. */
  readonly isDirectory: boolean;
}

/**
 * The longest name that file systems store; longer ones need no system call. Those of Windows count UTF-16 units, wherever they are
 * mounted, and of a name in Han or Thai that is three times as many bytes as others store.
 */
const MAX_NAME_CHARACTERS = 255;

/** The longest path that Linux takes, in bytes with the NUL at its end (PATH_MAX); bounds what globs and the cache have to look at. */
const MAX_PATH = 4096;

/** So many characters are not too long in bytes, whatever they are and wherever a root lies. */
const SHORT_PATH = 1024;

/** Deeper than any tree that people or tools make, and few enough to match against hundreds of globs at once. */
const MAX_SEGMENTS = 256;

/** What onezero keeps beside the files of a site. No policy makes it visible. */
export const OWN_PREFIX = '.onezero-';

/** Files that a write is still filling. */
export const PARTIAL_FILE_PREFIX: string = `${OWN_PREFIX}partial-`;

/** Names to walk from the root, or 400 or 404. */
export function sitePath(pathInfo: string, settings: Settings): SitePath | 400 | 404 {
  if (pathInfo.includes('\0') || /\p{Surrogate}/u.test(pathInfo)) return 400;
  if (pathInfo !== '' && !pathInfo.startsWith('/')) return 400;
  if (pathInfo.length > MAX_PATH) return 404;
  const segments = pathInfo.split('/').filter((segment) => segment !== '');
  if (segments.length > MAX_SEGMENTS) return 404;
  // What is longer with its root could be made, as directories are held open, and neither be found nor removed.
  if (pathInfo.length > SHORT_PATH && Buffer.byteLength([settings.root, ...segments].join('/')) >= MAX_PATH) return 404;
  for (const segment of segments) {
    if (segment === '.' || segment === '..') return 400;
    if (settings.platform === 'win32' && segment.includes('\\')) return 400;
  }
  if (!isVisible(segments, settings)) return 404;
  return { segments, isDirectory: pathInfo.endsWith('/') };
}

/** Whether every policy that looks at names lets these through: dotfiles, hide globs, Windows names, partial files. */
export function isVisible(segments: readonly string[], settings: Settings): boolean {
  for (const [depth, segment] of segments.entries()) {
    if (segment.length > MAX_NAME_CHARACTERS) return false;
    if (segment.startsWith('.') && !isDotfileAllowed(segment, depth, settings)) return false;
    if (settings.windowsNames === 'deny' && isWindowsName(segment)) return false;
  }
  if (settings.isHidden(segments)) return false;
  // What a precompressed file holds is its source, so it is hidden with it.
  const name = segments.at(-1) ?? '';
  const source = withoutCodingSuffix(name);
  return source === name || !settings.isHidden([...segments.slice(0, -1), source]);
}

function isDotfileAllowed(segment: string, depth: number, settings: Settings): boolean {
  if (segment.startsWith(OWN_PREFIX)) return false;
  return settings.allowsDotfile(segment) || (depth === 0 && segment === '.well-known');
}

/**
 * Whether Windows would open something other than a file of this name: a device (`CON`, `nul.txt`), another name for the
 * same file (trailing dot or space, `PROGRA~1`), an alternate data stream or a drive (`a::$DATA`, `C:`).
 */
export function isWindowsName(segment: string): boolean {
  if (/[:<>"|?*\\\u0001-\u001f]/.test(segment) || /[. ]$/.test(segment)) return true;
  if (/^[^.]{1,8}~\d{1,6}(?:\.[^.]{0,3})?$/.test(segment)) return true;
  return /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(?:\.|$)/i.test(segment);
}
