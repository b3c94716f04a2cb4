// Programs of others that tests compare with.

import { spawnSync } from 'node:child_process';

/** Whether a program can be started; in CI it has to be, so a test that needs it fails there and is not skipped. */
export function isInstalled(program: string): boolean {
  return process.env['CI'] !== undefined || spawnSync(program, ['--version']).error === undefined;
}
