// Reads a recipe: the fenced blocks of its Markdown page, and what each of them asks for.
//
//   ```js site.mjs      a file of the recipe, shown in full: the block and the file must be equal
//   ```sh               commands, run one after another in the recipe's folder; a failing one fails the recipe
//   ```sh background    a server: it is started, and the next block runs when it listens
//   ```text             what the commands before it print; `…` stands for any text in a line, alone for any lines
//
// A heading of the second level ends every server of the section before it. The line `Needs: git, perl.` names the
// programs a recipe cannot do without; any other kind of block is only read by people.

/** One fenced block that means something, in the order of the page. */
export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | { readonly kind: 'commands'; readonly text: string; readonly output?: string }
  | { readonly kind: 'background'; readonly text: string }
  | { readonly kind: 'section'; readonly title: string };

export interface Page {
  readonly title: string;
  readonly needs: readonly string[];
  readonly steps: readonly Step[];
}

/** Throws when a block is not closed or an output has no commands before it: a page that cannot be trusted. */
export function readPage(markdown: string): Page {
  const steps: Step[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.startsWith('## ')) steps.push({ kind: 'section', title: line.slice(3) });
    if (!line.startsWith('```')) continue;
    const end = lines.indexOf('```', at + 1);
    if (end === -1) throw new Error(`the block of line ${at + 1} is not closed`);
    addBlock(steps, line.slice(3), `${lines.slice(at + 1, end).join('\n')}\n`);
    at = end;
  }
  const needs = /^Needs: (.+)\.$/m.exec(markdown)?.[1]?.split(', ') ?? [];
  return { title: /^# (.+)$/m.exec(markdown)?.[1] ?? '', needs, steps };
}

function addBlock(steps: Step[], info: string, text: string): void {
  const name = info.split(' ')[1];
  if (info === 'sh') steps.push({ kind: 'commands', text });
  else if (info === 'sh background') steps.push({ kind: 'background', text });
  else if (info === 'text') {
    const before = steps.at(-1);
    if (before?.kind !== 'commands') throw new Error(`no commands before the output ${text}`);
    steps.splice(-1, 1, { ...before, output: text });
  } else if (name !== undefined) steps.push({ kind: 'file', name, text });
}

/** Whether what was printed is what the page says. */
export function matches(expected: string, printed: string): boolean {
  const pattern = expected
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '…' ? '[^]*' : line.trimEnd().split('…').map(literal).join('.*')))
    .join('\n');
  const lines = printed.trim().split('\n');
  return new RegExp(`^${pattern}$`).test(lines.map((line) => line.trimEnd()).join('\n'));
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
