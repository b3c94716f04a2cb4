// Builds the current package: declarations with their comments, which editors show, and programs without, since comments would
// be a quarter of all that a user installs. Then what nobody needs is taken out of dist/: the outputs of sources that are gone,
// and the declarations that no entry reaches.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reachedDeclarations } from './declarations.mjs';

const folder = process.cwd();

/** Runs the compiler, and ends with its status where it fails. */
function compile(...flags) {
  const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', ...flags], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

compile('--emitDeclarationOnly');
compile('--declaration', 'false', '--declarationMap', 'false', '--isolatedDeclarations', 'false', '--removeComments');

const reached = new Set(reachedDeclarations(folder));
for (const name of readdirSync(join(folder, 'dist'), { recursive: true })) {
  const [, stem, kind] = /^(.+?)(\.js|\.d\.ts|\.d\.ts\.map)$/.exec(name) ?? [];
  if (stem === undefined) continue;
  const isNeeded = kind === '.js' || reached.has(join(folder, 'dist', `${stem}.d.ts`));
  if (!isNeeded || !existsSync(join(folder, 'src', `${stem}.ts`))) rmSync(join(folder, 'dist', name), { force: true });
}
