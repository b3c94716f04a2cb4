// What the user that runs the server may do with files and directories: visitors would notice at the first request.

import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Served } from '../options/table.ts';
import { isAllowed } from '../../paths.ts';
import { kindOf } from './file-kind.ts';

/** Adds what this user lacks to serve a root, and to write where that is asked for. */
export function inspectRights(
  { root, writable, webdav = false }: Served,
  { problems, warnings }: { readonly problems: string[]; readonly warnings: string[] },
): void {
  const kind = root === undefined ? undefined : kindOf(root);
  if (root === undefined || kind === undefined) return;
  if (kind !== 'directory') {
    if (!isAllowed(root, constants.R_OK)) problems.push(`${root} cannot be read by this user`);
    return;
  }
  if (!isAllowed(root, constants.X_OK)) problems.push(`the directory ${root} cannot be entered by this user`);
  else if (!isAllowed(root, constants.R_OK)) warnings.push(`the directory ${root} cannot be listed by this user`);
  const isWritten = (writable !== undefined && writable !== false) || webdav !== false;
  if (isWritten && !isAllowed(root, constants.W_OK))
    warnings.push(`the directory ${root} cannot be written to by this user, so uploads into it will be refused`);
}

/** Whether a file can be appended to, or made where it is not there. */
export function isWritable(path: string): boolean {
  const kind = kindOf(path);
  return kind !== 'directory' && isAllowed(kind === undefined ? dirname(path) : path, constants.W_OK);
}
