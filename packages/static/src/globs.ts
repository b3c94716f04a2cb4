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

/** Names with a content hash, as bundlers write them: `app-BsQk3x9Z.js`, `main.8f3a9c1d.css`. */
const HASHED_NAME = /[.-](?=[\w-]*\d)(?:[0-9a-f]{8,64}|[\w-]{8,32})\.\w+(?:\.map)?$/;

/** Whether a file's name says that another content would have another name. */
export function isHashedName(path: string): boolean {
  return HASHED_NAME.test(path.slice(path.lastIndexOf('/') + 1));
}
