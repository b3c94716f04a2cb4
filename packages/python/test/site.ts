// A temporary folder with Python source in it, for tests that change it.

import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface Site {
  readonly folder: string;
  path(name: string): string;
  write(name: string, text: string): void;
  has(name: string): boolean;
}

/** A folder that is removed when the test has finished. */
export function makeSite(): Site {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-wsgi-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  return {
    folder,
    path,
    write: (name, text) => {
      // At once: a worker that starts meanwhile must not load half of it.
      writeFileSync(`${path(name)}.new`, text);
      renameSync(`${path(name)}.new`, path(name));
    },
    has: (name) => existsSync(path(name)),
  };
}

/** An application that answers with `text`. */
export function saying(text: string): string {
  return `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${text}"]
`;
}
