// Where the files of this package lie that are started or read by their path. They are named from here because this module, at the
// top of src/, is as deep as the files of dist/ that it becomes part of.

import { readFileSync } from 'node:fs';

/** The program of a worker of `startWorkers`. */
export const WORKER_PROGRAM: URL = new URL('../dist/operations/worker-main.js', import.meta.url);

/** The program of a thread that checks passwords. */
export const PASSWORD_PROGRAM: URL = new URL('../dist/routing/password-thread.js', import.meta.url);

let known: string | undefined;

/** The version of this package. */
export function version(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}
