// Writes docs/api/*.md, the reference of each package, from the declarations and doc comments that its build emitted; the index of
// decisions; the listing of rooms; and what is made out of the tables of options.
//
//   node docs/api.mjs            write
//   node docs/api.mjs --check    compare instead, and fail where a page is stale
//
// The compiler writes each top-level statement at the start of a line and indents what belongs to it, so statements are
// found by their first column; no other knowledge of the language is needed. A name that an entry exports is documented
// with its comment as prose and its declaration as code; a shape that it refers to and that is not exported itself
// follows at the end, so that no option is out of sight.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decisionIndex } from './decisions.mjs';
import { layoutPage } from './layout.mjs';
import { configurationPage, flagsPage, optionTables, schemaText } from './options.mjs';

const root = join(import.meta.dirname, '..');
const statementStart = /^(?:export )?(?:declare )?(?:abstract )?(?:async )?(function|class|interface|type|const) (\w+)/;

/** The statements of one declaration file: name to kind, comment and text. */
function readStatements(file) {
  const statements = new Map();
  let comment = [];
  let statement;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const start = statementStart.exec(line);
    if (line.startsWith('/**')) {
      statement = undefined;
      comment = [line];
    } else if (start !== null) {
      statement = { kind: start[1], comment: prose(comment), lines: [line] };
      const earlier = statements.get(start[2]);
      if (earlier !== undefined) earlier.lines.push(line);
      else statements.set(start[2], statement);
      comment = [];
    } else if (statement !== undefined && /^[\s})\]]/.test(line)) statement.lines.push(line);
    else if (comment.length > 0 && line.startsWith(' ')) comment.push(line);
    else if (/^(import|export)\b/.test(line)) statement = undefined;
  }
  return statements;
}

/** A doc comment as Markdown: the stars go, each tag becomes a line of its own. */
function prose(comment) {
  return comment
    .map((line) => line.replace(/^\s*\/?\*+\/? ?/, '').replace(/\s*\*\/$/, ''))
    .join('\n')
    .trim()
    .replaceAll(/\n?@default (.+)/g, '\n\nDefault: $1')
    .replaceAll(/\n?@param (\w+) (.+)/g, '\n\n`$1`: $2')
    .replaceAll(/\n?@example\s*\n([^]*?)(?=\n@\w|$)/g, (_, example) => `\n\n${fenced(example.trim())}`);
}

/** An example as a block of code, whether or not its comment fences it. */
function fenced(example) {
  return example.startsWith('```') ? example : `\`\`\`ts\n${example}\n\`\`\``;
}

/** Every name that an entry exports, with the statement behind it. */
function exportsOf(file, seen = new Map()) {
  const text = readFileSync(file, 'utf8');
  const own = readStatements(file);
  for (const [name, statement] of own) if (statement.lines[0].startsWith('export')) seen.set(name, statement);
  for (const [, names, from] of text.matchAll(/^export (?:type )?\{([^}]+)\} from '(\.[^']+)\.[jt]s'/gm)) {
    const reached = exportsOf(join(dirname(file), `${from}.d.ts`));
    for (const part of names.split(',')) {
      const [original, alias = original] = part
        .replace(/\btype\b/, '')
        .trim()
        .split(/ as /);
      if (reached.has(original)) seen.set(alias, reached.get(original));
    }
  }
  return seen;
}

/** The declarations that `names` refer to, again and again, and that are not among them. */
function referredShapes(entries, all) {
  const shapes = new Map();
  const queue = [...entries.values()];
  for (const { lines } of queue) {
    const code = lines.filter((line) => !/^\s*(\/?\*|\/\/)/.test(line)).join('\n');
    for (const [name] of code.matchAll(/\b[A-Z]\w+\b/g)) {
      if (entries.has(name) || shapes.has(name) || !all.has(name) || name in globalThis) continue;
      shapes.set(name, all.get(name));
      queue.push(all.get(name));
    }
  }
  return shapes;
}

function section([name, { comment, lines }]) {
  const code = lines
    .join('\n')
    .trimEnd()
    .replaceAll(/^export (declare )?/gm, '')
    .replaceAll(/^( {4})+/gm, (indent) => ' '.repeat(indent.length / 2));
  return `### ${name}\n\n${comment === '' ? '' : `${comment}\n\n`}\`\`\`ts\n${code}\n\`\`\`\n`;
}

/** What can be called comes before what can only be named. */
function rank({ kind }) {
  return ['function', 'class', 'const'].includes(kind) ? 0 : 1;
}

/** The page of the package in `folder`. */
async function page(folder) {
  const { name, description, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const all = new Map();
  for (const file of readdirSync(join(folder, 'dist'), { recursive: true })) {
    if (file.endsWith('.d.ts')) for (const found of readStatements(join(folder, 'dist', file))) all.set(...found);
  }
  const parts = [`# ${name}\n`, `${description}\n`, 'Made by `node docs/api.mjs` from the doc comments; edit those.\n'];
  const documented = new Map();
  for (const [key, { types }] of Object.entries(exports)) {
    if (types === undefined) continue;
    parts.push(`## \`${join(name, key)}\`\n`);
    const entries = [...exportsOf(join(folder, types))].toSorted(([, a], [, b]) => rank(a) - rank(b));
    for (const entry of entries) {
      if (documented.get(entry[0]) === entry[1].lines.join()) continue;
      documented.set(entry[0], entry[1].lines.join());
      parts.push(section(entry));
    }
    for (const entry of entries) all.set(...entry);
  }
  const exported = new Map([...documented.keys()].map((known) => [known, all.get(known)]));
  const shapes = referredShapes(exported, all);
  if (shapes.size > 0)
    parts.push('## Shapes\n', 'Not exported by name; they are parts of the above.\n', ...[...shapes].map(section));
  parts.push(...(await optionTables(folder)));
  return parts.join('\n');
}

/** The folders of the packages that can be imported; one that is only a command has nothing to list. */
function packagesWithEntries() {
  return readdirSync(join(root, 'packages')).filter((name) => {
    const { exports } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
    return Object.values(exports).some(({ types }) => types !== undefined);
  });
}

/** JSON is written by the formatter as it likes. */
function plain(path, text) {
  return path.endsWith('.json') ? JSON.stringify(JSON.parse(text)) : text;
}

/** Every page that is made, and its text. */
const pages = [
  ...(await Promise.all(
    packagesWithEntries().map(async (name) => [`docs/api/${name}.md`, await page(join(root, 'packages', name))]),
  )),
  ['decisions/README.md', decisionIndex()],
  ['docs/layout.md', layoutPage()],
  ['docs/flags.md', flagsPage()],
  ['docs/configuration.md', configurationPage()],
  ['packages/server/onezero.schema.json', schemaText()],
];
mkdirSync(join(root, 'docs/api'), { recursive: true });
for (const [file, text] of pages) {
  const path = join(root, file);
  const isStale = !existsSync(path) || plain(path, readFileSync(path, 'utf8')) !== plain(path, text);
  if (isStale && !process.argv.includes('--check')) writeFileSync(path, text);
  else if (isStale) {
    console.error(`${file} is stale: run \`node docs/api.mjs\``);
    process.exitCode = 1;
  }
}
