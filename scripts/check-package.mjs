// Packs the package in the current directory and checks the tarball as its user would receive it.
//
// Entries and types are judged by publint and attw; that ES modules may be loaded with require() (Node 20.19 and later) is
// why attw's ESM-only profile is the right one. Ours are the rules that neither knows: the manifest says what a stranger
// needs, nothing runs at installation, every packed file is of a kind we mean to ship, dist/ agrees with src/, and
// the size is what docs/layout.md says.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = process.cwd();

// What a tarball may hold. Anything else was packed by mistake: a test, a cache, a build leftover.
const shipped = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  /^dist\/.+\.(js|d\.ts)$/,
  /^bin\/[^/]+\.js$/,
  /^[\w-]+\.schema\.json$/,
  /^python\/.+\.py$/,
  /^[a-z]+\.schema\.json$/,
];

/** Runs a command to its end and returns what it printed; fails with that when the command does. */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

/** What is wrong with a packed manifest. */
function* manifestProblems(manifest) {
  for (const key of ['description', 'license', 'repository', 'bugs', 'homepage', 'engines', 'exports', 'files']) {
    if (manifest[key] === undefined) yield `package.json has no "${key}"`;
  }
  if (manifest.type !== 'module') yield 'package.json is not of "type": "module"';
  if (manifest.private) yield 'package.json is private';
  if (!folder.endsWith(manifest.repository?.directory)) yield '"repository.directory" is not this folder';
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare']) {
    if (manifest.scripts?.[hook] !== undefined) yield `package.json runs a script at installation: ${hook}`;
  }
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    for (const [name, range] of Object.entries(manifest[kind] ?? {})) {
      if (!/^[\^~]?\d/.test(range)) yield `${kind} has ${name} at ${range}, which only this repository understands`;
    }
  }
}

/** How a package's size differs from what docs/layout.md says: a tenth is nothing, more is a choice to be written down. */
function* sizeProblems(name, bytes) {
  const row = readFileSync(join(root, 'docs/layout.md'), 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`| \`${name}\` |`) && line.endsWith(' kB |'));
  const stored = Number(/(\d+) kB \|$/.exec(row ?? '')?.[1]);
  const kilobytes = bytes / 1000;
  if (!(Math.abs(kilobytes - stored) <= Math.max(1, stored / 10))) {
    yield `unpacked it has ${kilobytes.toFixed(0)} kB, and docs/layout.md says ${stored} kB`;
  }
}

/** What is wrong with the list of packed files. `read` gives the text of one. */
function* fileProblems(files, read) {
  for (const name of ['package.json', 'README.md', 'LICENSE']) if (!files.has(name)) yield `${name} is missing`;
  if (files.has('README.md') && read('README.md').trim().split('\n').length < 5) yield 'README.md is a stub';
  for (const name of files) {
    if (!shipped.some((pattern) => pattern.test(name))) yield `${name} is not of a kind that is shipped`;
    const source = name.replace(/^dist\//, 'src/').replace(/\.d\.ts$/, '.ts');
    if (name.endsWith('.d.ts') && !existsSync(source)) yield `${name} has no source: build again`;
  }
}

const destination = mkdtempSync(join(tmpdir(), 'onezero-pack-'));
try {
  run('pnpm', ['pack', '--pack-destination', destination]);
  const tarball = join(destination, readdirSync(destination)[0]);
  run('tar', ['-xzf', tarball, '-C', destination]);
  const packed = join(destination, 'package');
  const entries = readdirSync(packed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = new Set(entries.map((entry) => join(entry.parentPath, entry.name).slice(packed.length + 1)));
  const read = (name) => readFileSync(join(packed, name), 'utf8');
  const manifest = JSON.parse(read('package.json'));
  const bytes = entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  const problems = [...manifestProblems(manifest), ...fileProblems(files, read), ...sizeProblems(manifest.name, bytes)];
  for (const tool of [
    ['publint', 'run', tarball, '--strict'],
    ['attw', tarball, '--profile', 'esm-only', '--no-color', '--no-emoji'],
  ]) {
    try {
      run(join(root, 'node_modules', '.bin', tool[0]), tool.slice(1));
    } catch (error) {
      problems.push(error.message);
    }
  }
  for (const problem of problems) console.error(`${manifest.name}: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(`${manifest.name}: the tarball is sound (${files.size} files)`);
} finally {
  rmSync(destination, { recursive: true, force: true });
}
