// Globs as picomatch reads them, with two conventions: without a slash they match names anywhere, a leading slash roots them.

import picomatch from 'picomatch';

/** Tests a path below the root, without its leading slash. */
export type PathTest = (path: string) => boolean;

/** Whether any of `globs` matches. */
export function anyGlob(globs: readonly string[], { ignoreCase }: { readonly ignoreCase: boolean }): PathTest {
  const tests = globs.map((glob) => {
    const pattern = glob.replace(/^\//, '').replace(/\/$/, '');
    return picomatch(pattern, { dot: true, nocase: ignoreCase, basename: !glob.replace(/\/$/, '').includes('/') });
  });
  return (path) => tests.some((test) => test(path));
}

/**
 * A last part before the extension that no person writes: hexadecimal with letters and digits (`main.8f3a9c1d.css`), mixed case
 * with digits (`app-BsQk3x9Z.js`), or eight capitals and digits (`chunk-4GQ7ZLSA.js`). Dates and words are not taken for one.
 */
const HASHED_NAME =
  /[.-](?:(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,64}|(?=\w*\d)(?=\w*[a-z])(?=\w*[A-Z])\w{8,32}|(?=[A-Z]*\d)(?=(?:\d*[A-Z]){3})[0-9A-Z]{8})(?:\.\w+){1,2}$/;

/** Whether a file's name says that another content would have another name. */
export function isHashedName(path: string): boolean {
  return HASHED_NAME.test(path.slice(path.lastIndexOf('/') + 1));
}
