// Where the files of this package lie that are started or read by their path. They are named from here because this module, at the
// top of src/, is as deep as the files of dist/ that it becomes part of. They are named when they are wanted: a program that is bundled
// with this package has no such files, and as a CommonJS module no `import.meta.url`.

import { readFileSync } from 'node:fs';

/** The program of a worker of `startWorkers`. */
export const workerProgram = (): URL => new URL('../dist/operations/worker-main.js', import.meta.url);

/** The program of a thread that checks passwords; in some bundles nothing that could be its name. */
export const passwordProgram = (): URL | null => URL.parse('../dist/routing/password-thread.js', import.meta.url);

/** The version of this package. The build writes it in place of the call. */
export function version(): string {
  return readVersion();
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}
