// What is written out of the tables of options: docs/flags.md, docs/configuration.md, and the JSON schema that the server
// ships. `node docs/api.mjs` writes them with the other pages that are made.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const dist = join(import.meta.dirname, '../packages/server/build/command-line/options');
const load = async (name) => import(pathToFileURL(join(dist, `${name}.js`)).href);
const { optionEntries } = await load('table');
const { environmentName, flagName, GROUPS, isNegatable } = await load('option');
const { defaultText } = await load('default-text');
const { configurationSchema } = await load('json-schema');

const escaped = (text) => text.replaceAll('|', '\\|');
const code = (text) => `\`${escaped(text)}\``;

/** A table with these columns. */
function table(columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Every spelling of a flag. */
function flagCell(key, option) {
  const placeholder = option.placeholder?.replace(/^(?!\[=)/, ' ') ?? '';
  const spellings = [
    ...(option.short ?? []).map((letter) => `-${letter}`),
    `--${flagName(key, option)}${placeholder}`,
    ...(option.aliases ?? []).map((name) => `--${name}`),
    ...(isNegatable(option) ? [`--no-${flagName(key, option)}`] : []),
    ...(option.negations ?? []).map((name) => `--${name}`),
  ];
  return spellings.map(code).join(' ');
}

const LIFTED = `\`unlimited\` lifts each of those below. So does 0, but for \`--hook-timeout\`, \`--max-drain\`, \`--close-timeout\` and \`--drain-delay\`: there it
means not at all.\n\n`;

function flagSections() {
  return GROUPS.map((group) => {
    const entries = optionEntries.filter(([, option]) => option.group === group && option.only !== 'file');
    const rows = entries.map(([key, option]) => [
      flagCell(key, option),
      escaped(option.summary),
      escaped(defaultText(option)),
      option.only === 'command' ? '' : code(key),
    ]);
    return `## ${group}\n\n${group === 'Limits' ? LIFTED : ''}${table(['flag', '', 'default', 'key'], rows)}\n`;
  });
}

/** What a value of this shape looks like in the file. */
function valueText(shape) {
  const unlimited = shape.isUnlimited ? ' or `"unlimited"`' : '';
  switch (shape.type) {
    case 'boolean':
      return '`true`, `false`';
    case 'nothing':
      return '`null`';
    case 'integer':
      return `number${shape.maximum === undefined ? ` from ${shape.minimum}` : ` from ${shape.minimum} to ${shape.maximum}`}${unlimited}`;
    case 'number':
      return 'number';
    case 'text':
      return 'text';
    case 'path':
      return 'path';
    case 'program':
      return 'program';
    case 'choice':
      return shape.values.map((value) => code(JSON.stringify(value))).join(', ');
    case 'duration':
    case 'size':
      return `${shape.type}${unlimited}`;
    case 'list':
      return `list of ${valueText(shape.item)}`;
    case 'map':
      return `object of ${valueText(shape.value)}`;
    case 'object':
      return 'object';
    case 'either':
      return [...new Set(shape.shapes.map(valueText))].join(', or ');
    default:
      return shape.type;
  }
}

/** The objects inside a shape that have members of their own. */
function objectsIn(shape) {
  switch (shape.type) {
    case 'object':
      return [shape];
    case 'list':
      return objectsIn(shape.item);
    case 'map':
      return objectsIn(shape.value);
    case 'either':
      return shape.shapes.flatMap(objectsIn);
    default:
      return [];
  }
}

const ownKeys = new Set(optionEntries.map(([key]) => key));

/** Rows for the members of an object, and of objects in them. A site has options of the top; they are not told again. */
function memberRows(path, shape) {
  return objectsIn(shape).flatMap(({ members }) =>
    Object.entries(members).flatMap(([name, member]) => {
      // The host of a site is its name, not where the server listens.
      if (path === 'sites' && ownKeys.has(name) && name !== 'host') return [];
      const needed = member.isRequired ? ' (needed)' : '';
      const row = [
        code(`${path}.${name}`),
        `${valueText(member.shape)}${needed}`,
        escaped(defaultText({ shape: member.shape, default: member.default })),
        escaped(member.summary.replace(/^[a-z](?![A-Z]|\S*[.:])/, (letter) => letter.toUpperCase())),
      ];
      return [row, ...memberRows(`${path}.${name}`, member.shape)];
    }),
  );
}

function keySections() {
  return GROUPS.map((group) => {
    const rows = optionEntries
      .filter(([, option]) => option.group === group && option.only !== 'command')
      .flatMap(([key, option]) => [
        [code(key), valueText(option.shape), escaped(defaultText(option)), escaped(option.summary)],
        ...memberRows(key, option.shape),
      ]);
    return `## ${group}\n\n${table(['key', 'value', 'default', ''], rows)}\n`;
  });
}

const made = 'Made by `node docs/api.mjs` out of the tables of options of the packages; edit those.';

/** Every flag of the command. */
export function flagsPage() {
  const aliases = optionEntries.filter(([, option]) => (option.environment ?? []).length > 0);
  const others = aliases
    .map(([key, option]) => `${option.environment.map(code).join(', ')} (${code(key)})`)
    .join(' and ');
  const [[key, option]] = optionEntries.filter(([name]) => name === 'maxAge');
  return [
    '# Flags\n',
    `${made} \`onezero --help\` prints them.\n`,
    `Each flag has a variable of the environment: ${code(`--${flagName(key, option)}`)} is ${code(environmentName(key, option))}; beside them, ${others} are read. A flag`,
    'wins over the environment, and that over the [file](configuration.md). A flag that is given again replaces what was said before,',
    'or adds to it where it takes several. `--no-…` works for each: it switches off or empties, and otherwise leads back to the default.',
    'A variable `ONEZERO_…` that is no option is warned of and not refused, unlike a flag, since other programs may set such names.',
    'Times are written `500ms`, `30s`, `5m`, `1h` or `7d` (a number alone is seconds), sizes `65536`, `64k`, `10m` or `1g`.\n',
    ...flagSections(),
  ].join('\n');
}

/** Every key of the configuration file. */
export function configurationPage() {
  return [
    '# The configuration file\n',
    `${made}\n`,
    '`onezero.config.json` or `onezero.config.jsonc` in the working directory, or what `--config` names. Paths are relative to the file. A',
    'key that is not known is refused, with the nearest that is. A duration is a number of seconds or a text such as `"500ms"`, `"30s"`,',
    '`"5m"`, `"1h"`, `"7d"`; a size a number of bytes or a text such as `"64k"`, `"10m"`, `"1g"`. A program is a path, or a name that is',
    'looked for in PATH. Editors check and complete it with `"$schema": "./node_modules/@onezero/server/onezero.schema.json"`.\n',
    'Each of `sites` may have keys of its own that say what is served and how: see the end of the first table.\n',
    ...keySections(),
  ].join('\n');
}

/** The tables that a package checks its options against, as parts of its reference. What leaves have is told there. */
export async function optionTables(folder) {
  const files = ['options.js', 'option-tables.js', 'call-tables.js'].map((name) => join(folder, 'dist', name));
  const modules = await Promise.all(files.filter(existsSync).map((file) => import(pathToFileURL(file).href)));
  const exported = Object.assign({}, ...modules);
  const tables = Object.entries(exported).filter(([name]) => name.endsWith('Table'));
  const inner = new Set(
    tables
      .flatMap(([, members]) => Object.values(members).flatMap(({ shape }) => objectsIn(shape)))
      .map(({ members }) => members),
  );
  const parts = tables
    .filter(([, members]) => !inner.has(members))
    .map(([name, members]) => {
      const rows = Object.entries(members).flatMap(([key, { shape, summary, isRequired, default: value }]) => [
        [code(key), `${apiValueText(shape)}${isRequired ? ' (needed)' : ''}`, apiDefault(value), escaped(summary)],
        ...(name === 'serverTable' && LEAVES.has(key) ? [] : apiRows(key, shape)),
      ]);
      return `### ${name}, member by member\n\n${table(['option', 'takes', 'default', ''], rows)}\n`;
    });
  return parts.length === 0 ? [] : ['## Tables of options\n', 'What options are checked against.\n', ...parts];
}

/** Options of a server that are tables of other packages. */
const LEAVES = new Set(['static', 'cgi', 'fastcgi', 'scgi', 'php', 'wsgi', 'asgi', 'app', 'webdav']);

function apiRows(path, shape) {
  return objectsIn(shape).flatMap(({ members }) =>
    Object.entries(members).flatMap(([name, member]) => [
      [
        code(`${path}.${name}`),
        `${apiValueText(member.shape)}${member.isRequired ? ' (needed)' : ''}`,
        apiDefault(member.default),
        escaped(member.summary),
      ],
      ...apiRows(`${path}.${name}`, member.shape),
    ]),
  );
}

/** What a program gives: numbers of a unit, and functions. */
function apiValueText(shape) {
  const unlimited = shape.isUnlimited ? ' or `Infinity`' : '';
  switch (shape.type) {
    case 'duration':
      return `${shape.unit}${unlimited}`;
    case 'size':
      return `bytes${unlimited}`;
    case 'integer':
      return `${valueText({ ...shape, isUnlimited: false })}${unlimited}`;
    case 'function':
      return escaped(shape.expects);
    case 'instance':
      return code(shape.name);
    case 'list':
      return `list of ${apiValueText(shape.item)}`;
    case 'map':
      return `object of ${apiValueText(shape.value)}`;
    case 'either':
      return [...new Set(shape.shapes.map(apiValueText))].join(', or ');
    default:
      return valueText(shape);
  }
}

function apiDefault(value) {
  if (value === undefined) return '';
  return code(value === Number.POSITIVE_INFINITY ? 'Infinity' : JSON.stringify(value));
}

/** The JSON schema of the file. */
export function schemaText() {
  // Everybody who installs the command has it: with a line for each key it is a quarter smaller than with indentation.
  return `${lined(configurationSchema(), 2)}\n`;
}

/** JSON with a line for each member, `depth` levels down. */
function lined(value, depth) {
  if (depth === 0 || typeof value !== 'object' || Array.isArray(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${lined(member, depth - 1)}`);
  return `{\n${members.join(',\n')}\n}`;
}
