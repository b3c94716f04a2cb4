// Takes out of the current package's dist/ what nobody needs, as the last step of its build: the outputs of sources that
// are gone, and the declarations that no entry reaches, which would be a tenth of all that a user installs.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reachedDeclarations } from './declarations.mjs';

const folder = process.cwd();
const reached = new Set(reachedDeclarations(folder));
for (const name of readdirSync(join(folder, 'dist'), { recursive: true })) {
  const [, stem, kind] = /^(.+?)(\.js|\.d\.ts|\.d\.ts\.map)$/.exec(name) ?? [];
  if (stem === undefined) continue;
  const isNeeded = kind === '.js' || reached.has(join(folder, 'dist', `${stem}.d.ts`));
  if (!isNeeded || !existsSync(join(folder, 'src', `${stem}.ts`))) rmSync(join(folder, 'dist', name), { force: true });
}
