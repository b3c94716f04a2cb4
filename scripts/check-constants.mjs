// Holds the one style of constants: at the top of a module, a number, a text, a pattern and a list or set with members are
// UPPER_CASE, with the unit in the name of a number; what changes, and what is called, is camelCase.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '../packages');
const LITERAL = String.raw`-?\d|['"\x60]|/[^/*]|new Set(?:<[^(]*>)?\(\[|\[(?!\])`;
const DEVIATION = new RegExp(String.raw`^(?:export )?const ([a-z]\w*)(?:: [^=]+?)? =\s+(?:${LITERAL})`, 'gm');

const files = readdirSync(packages).flatMap((name) => {
  const source = join(packages, name, 'src');
  const names = readdirSync(join(packages, name)).includes('src') ? readdirSync(source, { recursive: true }) : [];
  return names.filter((file) => file.endsWith('.ts')).map((file) => join(source, file));
});
for (const file of files) {
  for (const [, name] of readFileSync(file, 'utf8').matchAll(DEVIATION)) {
    console.error(`${file.slice(packages.length + 1)}: ${name} is a constant and would be named LIKE_THIS`);
    process.exitCode = 1;
  }
}
