// Keeps packages/*/api.d.ts: every declaration that a package's entries reach, in one file, so that a change of the public
// surface is read in review. From the first beta on the surface is promised, and `--check` fails where it has changed.
//
//   node scripts/api-snapshot.mjs            write the snapshots of the packages that are past alpha
//   node scripts/api-snapshot.mjs --check    compare instead
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { reachedDeclarations } from './declarations.mjs';

const packages = join(import.meta.dirname, '..', 'packages');
const isCheck = process.argv.includes('--check');

/** The declarations of the package in `folder`, each file under its name. */
function snapshotOf(folder) {
  const section = (file) => `// ${relative(folder, file)}\n${readFileSync(file, 'utf8')}`;
  return reachedDeclarations(folder)
    .map(section)
    .join('\n')
    .replaceAll(/^\/\/# sourceMappingURL=.*\n?/gm, '');
}

for (const name of readdirSync(packages)) {
  const folder = join(packages, name);
  const { version, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (version === '0.0.0' || version.includes('-alpha.')) continue;
  // A package that is only a command promises no declarations.
  if (Object.values(exports).every(({ types }) => types === undefined)) continue;
  const snapshot = join(folder, 'api.d.ts');
  const text = snapshotOf(folder);
  if (!isCheck) writeFileSync(snapshot, text);
  else if (!existsSync(snapshot) || readFileSync(snapshot, 'utf8') !== text) {
    console.error(
      `${name}: the public surface differs from api.d.ts. If that is meant, run \`pnpm run api\` and say why.`,
    );
    process.exitCode = 1;
  }
}
