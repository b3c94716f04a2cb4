// Builds the current package, in two steps. The compiler writes a module for each source into build/, which the repository's own
// tools read, and the declarations, which editors show, into dist/. Then the modules become the few files that are installed: a
// process that starts reads, resolves and links each file it needs, and did so two hundred times (decision 052). What is in
// dist/ without a source any more is taken out again, as are declarations that no entry reaches.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { reachedDeclarations } from './declarations.mjs';

const folder = process.cwd();
const build = join(folder, 'build');
const dist = join(folder, 'dist');

/**
 * What becomes one file of a package: modules with all they import, without what an earlier part has. All else, a command that is
 * loaded when it is asked for, becomes a file of its own.
 */
const PARTS = {
  '@onezero/server': {
    start: ['installed-files', 'command-line/command'],
    words: ['command-line/configuration/arguments'],
    serving: ['server', 'command-line/configuration/sources', 'command-line/commands/serve'],
  },
  default: { tables: ['options'], main: ['index'] },
};

/** What a package has a copy of. All else of other packages is installed beside it, and there once. */
const COPIED = { '@onezero/server': /^@onezero\/(?:cgi-process|python|webdav)\/options$/ };

/** Modules that are started by path rather than imported by name. */
const PROGRAMS = ['command-line/bin', 'operations/worker-main', 'routing/password-thread'];

/**
 * Takes out files that only pass on what another has, for a module of ours that is loaded when it is asked for: each file costs a start
 * a third of a millisecond.
 */
const withoutDetours = {
  name: 'without-detours',
  generateBundle(_, bundle) {
    const detours = new Map();
    for (const { fileName, code, isEntry, isDynamicEntry } of Object.values(bundle)) {
      const [, names, target] = /^export \{ ([^}]*) \} from "\.\/([^"]+)";\s*$/.exec(code) ?? [];
      if (isDynamicEntry && !isEntry && names !== undefined && !names.includes(' as ')) detours.set(fileName, target);
    }
    for (const chunk of Object.values(bundle)) {
      chunk.code = chunk.code.replace(/\bimport\("\.\/([^"]+)"\)/g, (given, name) =>
        detours.has(name) ? `import("./${detours.get(name)}")` : given,
      );
    }
    for (const name of detours.keys()) delete bundle[name];
  },
};

/**
 * Takes modules of Node from the process rather than from the loader of ES modules, which makes an address of each name, in each file,
 * and a module of its own to link: 3 ms of a start.
 */
const builtinsOfProcess = {
  name: 'builtins-of-process',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      chunk.code = chunk.code.replace(
        /^import (?:\{ ([^}]*) \}|\* as (\w+)|(\w+)) from "(node:[^"]+)";$/gm,
        (_line, names, all, main, id) => {
          const target = names === undefined ? (all ?? main) : `{ ${names.replaceAll(' as ', ': ')} }`;
          return `const ${target} = process.getBuiltinModule("${id}");`;
        },
      );
    }
  },
};

/**
 * Writes what is not ASCII as an escape. One ellipsis in a file makes V8 keep all of it with two bytes for each character, which
 * takes longer to read and fills the young heap, whose collections a start then pays.
 */
const inAscii = {
  name: 'in-ascii',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      chunk.code = chunk.code.replaceAll(
        /[^\x00-\x7f]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

/** Writes the version into the code: a program that is bundled with it has a manifest of its own. */
const ownVersion = {
  name: 'own-version',
  transform: (code) => code.replace('return readVersion();', `return '${manifest.version}';`),
};

/** Shortens the bundler's name of each module to the one that it has in src/, or in a room of the command. */
const shortNames = {
  name: 'short-names',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      chunk.code = chunk.code.replace(/^\/\/ build\/(?:command-line\/(?:\w+\/)?)?(.+)\.js$/gm, '// $1');
    }
  },
};

const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const entries = Object.values(manifest.exports).flatMap((target) => (target.default ? [stemOf(target.default)] : []));

compile('--emitDeclarationOnly');
rmSync(build, { recursive: true, force: true });
compile('--outDir', 'build', '--declaration', 'false', '--isolatedDeclarations', 'false');
const written = new Set([...(await writeParts()), ...reachedDeclarations(folder)]);
for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (/\.(?:js|d\.ts|map)$/.test(name) && !written.has(path)) rmSync(path, { force: true });
}

/** Runs the compiler, and ends with its status where it fails. */
function compile(...flags) {
  const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', ...flags], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** Writes the parts of the package into dist/; the paths of the files. */
async function writeParts() {
  const stems = [...entries, ...PROGRAMS.filter((stem) => existsSync(join(build, `${stem}.js`)))];
  const bundle = await rolldown({
    input: Object.fromEntries(stems.map((stem) => [stem, join(build, `${stem}.js`)])),
    cwd: folder,
    platform: 'node',
    external: (id) => /^[^./]/.test(id) && !COPIED[manifest.name]?.test(id),
    plugins: [ownVersion],
    // What only other parts take is no name of the package.
    preserveEntrySignatures: 'strict',
  });
  const { output } = await bundle.write({
    dir: dist,
    format: 'esm',
    comments: false,
    // As deep as the top of src/, so that files beside the package are found from both.
    chunkFileNames: '[name].js',
    // What is loaded when it is asked for can then be taken from the part that has it.
    minifyInternalExports: false,
    plugins: [withoutDetours, builtinsOfProcess, inAscii, shortNames],
    codeSplitting: { groups: Object.entries(PARTS[manifest.name] ?? PARTS.default).map(groupOf) },
  });
  await bundle.close();
  return output.map(({ fileName }) => join(dist, fileName));
}

/** A part for the bundler, which adds what the modules import. Earlier parts come first. */
function groupOf([name, stems], index) {
  const members = stems.map((stem) => join(build, `${stem}.js`));
  return { name, test: (id) => members.includes(id), priority: 9 - index };
}

/** `./dist/a/b.js` is the module `a/b`. */
function stemOf(path) {
  return path.slice('./dist/'.length, -'.js'.length);
}
