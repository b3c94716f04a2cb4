// The declaration files of a package that its users can reach: those of its entries, and what these import.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Paths of all declaration files reached from the entries of the package in `folder`, entries first. */
export function reachedDeclarations(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = new Set(Object.values(exports).flatMap((target) => (target.types ? [join(folder, target.types)] : [])));
  // A set that grows while it is walked is walked to its end.
  for (const file of files) {
    const imports = readFileSync(file, 'utf8').matchAll(/\b(?:from|import\() ?['"](\.[^'"]+)\.[jt]s['"]/g);
    for (const [, path] of imports) files.add(join(dirname(file), `${path}.d.ts`));
  }
  return [...files];
}
