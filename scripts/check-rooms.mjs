// Holds the direction of rooms: a room imports only rooms below it and the vocabulary at the top of its package, and no two
// files need each other's values.
//
//   node scripts/check-rooms.mjs [FOLDER]  fails on an import upward, on a room that has no place here, and on a circle
//   node scripts/check-rooms.mjs --print   shows what each room imports
//
// FOLDER holds the packages, `packages/` where it is left out. Types count for the direction, not for circles: they are gone
// at run time. `import()` counts for the direction, too. `scripts/test/check-rooms.test.mjs` shows that each fault is found.
//
// The reason for rooms is in decision 004. What is at the top of `src/` (entries, vocabulary) may import every room.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const folder = process.argv.slice(2).find((word) => !word.startsWith('--'));
const packages = folder ?? join(import.meta.dirname, '../packages');

/** The rooms of each package, lowest first; a room imports those of earlier lines only. */
const LEVELS = {
  'http-parser': [],
  static: [['http'], ['options'], ['files'], ['site'], ['listing', 'writing'], ['adapters']],
  'cgi-process': [
    ['options'],
    ['process'],
    ['spool'],
    ['spawner', 'request'],
    ['answer'],
    ['adapters', 'fastcgi'],
    ['php'],
  ],
  python: [['content'], ['exchange'], ['wsgi'], ['asgi'], ['workers']],
  webdav: [['xml'], ['protocol'], ['store'], ['methods'], ['adapters']],
  server: [
    ['message'],
    ['transport'],
    ['routing'],
    ['connection', 'operations', 'responders'],
    ['live', 'proxy'],
    ['command-line/options'],
    ['command-line/configuration'],
    ['command-line/running'],
    ['command-line/recipes'],
    ['command-line/commands'],
    ['command-line'],
  ],
};

const IMPORT = /^(?:import|export)\s+(type\s)?(?:[^;]*?from\s+)?'(\.[^']+)'/gm;
const LATER_IMPORT = /\bimport\('(\.[^']+)'\)/g;

/**
 * The source files of a package, with what each imports of the same package: `{ file, imports: [{ file, isNeeded }] }`. What
 * is needed has to be there before the file itself can run.
 */
function readSources(name) {
  const source = join(packages, name, 'src');
  return readdirSync(source, { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => {
      const text = readFileSync(join(source, file), 'utf8');
      const found = (specifier, isNeeded) => ({
        file: relative(source, join(source, dirname(file), specifier)),
        isNeeded,
      });
      const imports = [...text.matchAll(IMPORT)].map(([, isType, specifier]) => found(specifier, isType === undefined));
      const later = [...text.matchAll(LATER_IMPORT)].map(([, specifier]) => found(specifier, false));
      return { file, imports: [...imports, ...later] };
    });
}

const roomOf = (file) => dirname(file);

/** Imports that lead up or sideways, one line each. */
function upwardImports(name, sources) {
  const levelOf = new Map(LEVELS[name].flatMap((rooms, level) => rooms.map((room) => [room, level])));
  const problems = [];
  for (const { file, imports } of sources) {
    const room = roomOf(file);
    if (room === '.') continue;
    if (!levelOf.has(room)) problems.push(`${name}/src/${file}: the room ${room} has no place in LEVELS`);
    for (const target of imports) {
      const other = roomOf(target.file);
      if (other === '.' || other === room || levelOf.get(other) < levelOf.get(room)) continue;
      problems.push(`${name}/src/${file} imports ${target.file}: ${other} is not below ${room}`);
    }
  }
  return problems;
}

/** Circles of imports that are there at run time, each named once. */
function circles(name, sources) {
  const graph = new Map(
    sources.map(({ file, imports }) => [file, imports.filter(({ isNeeded }) => isNeeded).map((target) => target.file)]),
  );
  const done = new Set();
  const problems = [];
  const visit = (file, path) => {
    if (path.includes(file)) {
      problems.push(`${name}/src: a circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    } else if (!done.has(file)) {
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    }
  };
  for (const file of graph.keys()) visit(file, []);
  return problems;
}

/** Imports that lead out of `src/`: packages meet at their entries. */
function foreignImports(name, sources) {
  return sources.flatMap(({ file, imports }) =>
    imports
      .filter((target) => target.file.startsWith('..'))
      .map((target) => `${name}/src/${file} imports ${target.file}, which is not in its src/`),
  );
}

function print(name, sources) {
  console.log(name);
  const arrows = new Map();
  for (const { file, imports } of sources) {
    for (const target of imports) {
      const arrow = `  ${roomOf(file).padEnd(24)} → ${roomOf(target.file)}`;
      if (roomOf(file) !== roomOf(target.file)) arrows.set(arrow, (arrows.get(arrow) ?? 0) + 1);
    }
  }
  for (const [arrow, count] of [...arrows].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${arrow.padEnd(54)} ${count}`);
}

const problems = Object.keys(LEVELS).flatMap((name) => {
  if (folder !== undefined && !existsSync(join(packages, name))) return [];
  const sources = readSources(name);
  if (process.argv.includes('--print')) print(name, sources);
  return [...upwardImports(name, sources), ...circles(name, sources), ...foreignImports(name, sources)];
});
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
