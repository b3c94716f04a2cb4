// Keeps packages/*/api.d.ts: every declaration that a package's entries reach, in one file, so that a change of the public
// surface is read in review. From the first beta on the surface is promised, and `--check` fails where it has changed.
//
//   node scripts/api-snapshot.mjs            write the snapshots of the packages that are past alpha
//   node scripts/api-snapshot.mjs --check    compare instead
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const packages = join(import.meta.dirname, '..', 'packages');
const isCheck = process.argv.includes('--check');

/** The declarations reached from the entries of the package in `folder`, each file once. */
function declarations(folder, entries) {
  const files = new Set(entries.map((entry) => join(folder, entry)));
  // A set that grows while it is walked is walked to its end.
  for (const file of files) {
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/\b(?:from|import\() ?['"](\.[^'"]+)\.js['"]/g)) {
      files.add(join(dirname(file), `${path}.d.ts`));
    }
  }
  const section = (file) => `// ${relative(folder, file)}\n${readFileSync(file, 'utf8')}`;
  return [...files]
    .map(section)
    .join('\n')
    .replaceAll(/^\/\/# sourceMappingURL=.*\n?/gm, '');
}

for (const name of readdirSync(packages)) {
  const folder = join(packages, name);
  const { version, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const entries = Object.values(exports).flatMap((target) => target.types ?? []);
  const snapshot = join(folder, 'api.d.ts');
  if (version === '0.0.0' || version.includes('-alpha.')) continue;
  const text = declarations(folder, entries);
  if (!isCheck) writeFileSync(snapshot, text);
  else if (!existsSync(snapshot) || readFileSync(snapshot, 'utf8') !== text) {
    console.error(
      `${name}: the public surface differs from api.d.ts. If that is meant, run \`pnpm run api\` and say why.`,
    );
    process.exitCode = 1;
  }
}
