// A stranger's empty project that installs one package from the registry and uses it in every way that the README promises.
import { deepStrictEqual } from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './program.mjs';
import { check, run } from './run.mjs';

/** What the whole of the command may cost, and each leaf alone: packages that npm installs, and their bytes. */
const LIMITS = { whole: { packages: 12, bytes: 2_200_000 }, leaf: { packages: 3, bytes: 1_000_000 } };
const WHOLE = ['@onezero/server', 'onezero'];
const freeLicences = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD'];

/** What can be imported from a package, by its manifest. */
export const entriesOf = ({ name, exports }) =>
  Object.keys(exports)
    .filter((key) => key !== './package.json')
    .map((key) => name + key.slice(1));

function emptyProject(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  return folder;
}

/** What npm put into a project: how many packages, how large; throws if one of them is not as it should be. */
function weigh(folder, name) {
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const installed = Object.entries(packages).filter(([path]) => path !== '');
  for (const [path, { license, hasInstallScript }] of installed) {
    if (hasInstallScript) throw new Error(`${path} runs a script at installation`);
    if (!freeLicences.includes(license)) throw new Error(`${path} has the licence ${license}`);
  }
  const bytes = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + readFileSync(join(entry.parentPath, entry.name)).length, 0);
  const most = WHOLE.includes(name) ? LIMITS.whole : LIMITS.leaf;
  if (installed.length > most.packages) throw new Error(`${installed.length} packages, more than ${most.packages}`);
  if (bytes > most.bytes) throw new Error(`${bytes} bytes, more than ${most.bytes}`);
  return `${installed.length} packages, ${Math.round(bytes / 1000)} kB`;
}

/** The names that an entry gives to `import`. Throws unless there are some, and `require()` gets the same ones. */
function loadEntry(folder, environment, entry) {
  const print = (module) => `console.log(JSON.stringify(Object.keys(${module}).sort()));\n`;
  writeFileSync(join(folder, 'names.cjs'), print('require(process.argv[2])'));
  writeFileSync(join(folder, 'names.mjs'), print('await import(process.argv[2])'));
  const [imported, required] = ['names.mjs', 'names.cjs'].map((file) =>
    JSON.parse(run(folder, environment, 'node', file, entry)),
  );
  if (imported.length === 0) throw new Error(`${entry} exports nothing`);
  deepStrictEqual(required, imported);
  return imported;
}

/** Compiles a program for which every name that an entry has at run time has to be declared too, dependencies checked. */
function typeCheck(folder, environment, entries, tools) {
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  symlinkSync(join(tools, '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
  const lines = entries.map((entry, index) => {
    const names = JSON.stringify(loadEntry(folder, environment, entry));
    return `import * as e${index} from '${entry}';\nexport const n${index}: (keyof typeof e${index})[] = ${names};\n`;
  });
  writeFileSync(join(folder, 'consumer.ts'), lines.join(''));
  const compilerOptions = {
    lib: ['ES2023'],
    module: 'NodeNext',
    noEmit: true,
    skipLibCheck: false,
    strict: true,
    target: 'ES2023',
    types: ['node'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  run(folder, environment, join(tools, '.bin', 'tsc'), '-p', '.');
}

/**
 * Runs every program of an installed README (a `js` block that begins with an import) in a project that has the installed
 * packages and nothing else, and compares what the first one prints with the block that shows it.
 */
async function runPrograms(readme, project, installed, environment) {
  symlinkSync(join(installed, 'node_modules'), join(project, 'node_modules'));
  const programs = [...readme.matchAll(/^```js\n(import [^]*?)^```$/gm)].map(([, program]) => program);
  if (programs.length === 0) throw new Error('README.md shows no program');
  const shown = /^```js\n[^]*?^```$[^`]*^```(?:text)?\n([^]*?)^```$/m.exec(readme)?.[1];
  for (const [number, program] of programs.entries()) {
    const file = `program-${number}.mjs`;
    writeFileSync(join(project, file), program);
    const { printed } = await runProgram(project, environment, 'node', [file]);
    if (number === 0) deepStrictEqual(printed.replaceAll('\r', ''), shown);
  }
  return `${programs.length} programs`;
}

/** Installs a package alone, found through its dist-tag, with npm and with pnpm, and uses it. */
export async function useAlone({ folder: source, manifest }, tag, folder, environment) {
  const { name, version } = manifest;
  const entries = entriesOf(manifest);
  const label = `${name}@${tag}`;
  const readInstalled = (project, file) => readFileSync(join(project, 'node_modules', name, file), 'utf8');

  const project = emptyProject(join(folder, 'npm'));
  await check(`npm install ${label}`, () => {
    run(project, environment, 'npm', 'install', label);
    deepStrictEqual(JSON.parse(readInstalled(project, 'package.json')).version, version);
    return weigh(project, name);
  });
  // A package that is only a command has nothing to import; `useCommand` tries it.
  if (entries.length === 0) return;
  await check(`${label}: import and require()`, () => {
    const names = entries.flatMap((entry) => loadEntry(project, environment, entry));
    return `${names.length} names`;
  });
  await check(`${label}: the README's programs run as they are pasted`, () =>
    runPrograms(readInstalled(project, 'README.md'), emptyProject(join(folder, 'pasted')), project, environment),
  );
  await check(`${label}: a strict TypeScript consumer compiles`, () =>
    typeCheck(project, environment, entries, join(source, '..', '..', 'node_modules')),
  );

  const other = emptyProject(join(folder, 'pnpm'));
  await check(`pnpm add ${label}`, () => {
    run(other, environment, 'pnpm', 'add', label);
    deepStrictEqual(JSON.parse(readInstalled(other, 'package.json')).version, version);
    for (const entry of entries) loadEntry(other, environment, entry);
  });
}

/** Does what the container recipe says, but in a folder: makes the lockfile, and installs by it with the line of the Containerfile. */
export async function useContainerRecipe(recipe, version, folder, environment) {
  await check(`the container recipe installs ${version} by its lockfile`, () => {
    mkdirSync(folder, { recursive: true });
    const read = (file) => readFileSync(join(recipe, file), 'utf8');
    writeFileSync(join(folder, 'package.json'), read('package.json'));
    run(folder, environment, 'npm', 'install', '--package-lock-only');
    const [, install = ''] = /^RUN (npm ci .*)$/m.exec(read('Containerfile')) ?? [];
    run(folder, environment, ...install.split(' '));
    const [, command = ''] = /^CMD \["([^"]+)"/m.exec(read('Containerfile')) ?? [];
    deepStrictEqual(run(folder, environment, join(folder, command), '--version').trim(), version);
  });
}

/** Runs a package's command with npx in a folder that has a page and nothing else. */
export async function useCommand(name, tag, folder, environment) {
  const page = '<!doctype html><title>Rehearsal</title>\n';
  mkdirSync(join(folder, 'site'), { recursive: true });
  writeFileSync(join(folder, 'site', 'index.html'), page);
  await check(`npx ${name}@${tag} serves a folder`, async () => {
    const parameters = ['--yes', `${name}@${tag}`, 'site', '--port', '0'];
    const { answer } = await runProgram(folder, environment, 'npx', parameters);
    deepStrictEqual(answer, { status: 200, type: 'text/html; charset=utf-8', text: page });
  });
}
