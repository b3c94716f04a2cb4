// The index of all decisions by room, decisions/README.md. `node docs/api.mjs` writes it with the reference.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../decisions');

/** The rooms by the first two digits of a number; a decade may be shared. */
const ROOMS = {
  '00': 'House',
  '01': 'Parser',
  '02': 'Static files',
  '03': 'CGI and processes',
  '04': 'Server engine',
  '05': 'Command',
  '06': 'Python',
  '07': 'Releases',
  '08': 'Recipes and demo',
  '09': 'Connections',
  10: 'WebDAV',
};

/** The text of the index. */
export function decisionIndex() {
  const names = readdirSync(folder).filter((name) => /^\d/.test(name));
  const homeless = names.find((name) => ROOMS[name.slice(0, 2)] === undefined);
  if (homeless !== undefined) throw new Error(`decisions/${homeless} is of no room that docs/decisions.mjs knows`);
  const lines = [
    '# Decisions',
    '',
    'A page for each choice that the next person would question: the decision, what was weighed, the price, and when to think again.',
    'A page that was overtaken says so in its first lines, and by which. Numbers have a decade for each room; take the next free one',
    'and run `node docs/api.mjs`.',
  ];
  for (const [decade, room] of Object.entries(ROOMS).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push('', `## ${room}`, '');
    for (const name of names.filter((one) => one.startsWith(decade))) {
      const title = /^# (.+)$/m.exec(readFileSync(join(folder, name), 'utf8'))?.[1];
      lines.push(`- ${name.slice(0, 3)} [${title}](${name})`);
    }
  }
  return `${lines.join('\n')}\n`;
}
