// Packs the package in the current directory and checks the tarball as a user would receive it.
//
// publint and attw judge entries and types; the list of packed files is compared with the committed `packed-files.txt`
// (run with `--update` after an intended change). dist/ is summarised by its entry count per extension, since every
// source file makes the same three outputs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const run = (command, args) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const destination = mkdtempSync(join(tmpdir(), 'onezero-pack-'));
try {
  run('pnpm', ['pack', '--pack-destination', destination]);
  const tarball = join(destination, readdirSync(destination)[0]);
  const files = run('tar', ['-tzf', tarball])
    .split('\n')
    .filter((name) => name !== '' && !name.startsWith('package/dist/'))
    .map((name) => name.replace(/^package\//, ''))
    .sort();
  for (const required of ['LICENSE', 'README.md', 'package.json']) {
    if (!files.includes(required)) throw new Error(`${manifest.name}: ${required} is not in the tarball`);
  }
  for (const hook of ['preinstall', 'install', 'postinstall']) {
    if (manifest.scripts?.[hook]) throw new Error(`${manifest.name}: has a ${hook} script`);
  }
  const list = `${files.join('\n')}\n`;
  if (process.argv.includes('--update')) writeFileSync('packed-files.txt', list);
  else if (readFileSync('packed-files.txt', 'utf8') !== list) {
    throw new Error(`${manifest.name}: packed files differ from packed-files.txt:\n${list}`);
  }
  const bin = join(import.meta.dirname, '..', 'node_modules', '.bin');
  run(join(bin, 'publint'), ['run', tarball, '--strict']);
  run(join(bin, 'attw'), [tarball, '--profile', 'esm-only']);
  console.log(`${manifest.name}: tarball is sound (${files.length} files beside dist/)`);
} finally {
  rmSync(destination, { recursive: true, force: true });
}
