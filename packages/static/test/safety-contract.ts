// Prints the corpus as the page that users read.

import { CORPUS, CORPUS_SITES, type CorpusCase, type CorpusRequest } from './corpus.ts';

const OPENING = `# The safety contract

What \`@onezero/static\` promises about requests that are meant to break it, request by request. This page is printed from
\`test/corpus.ts\`, which the tests run over raw sockets against \`@onezero/static/node\` and against the \`onezero\` server; a test
compares the two. In every answer, whatever its status, no byte of a file outside the root or hidden by a policy may appear.

The site: \`a.txt\` holds \`0123456789\`; \`.env\`, \`.git\`, \`x.key\` and \`private/\` are secret; \`link-out\`, \`linkdir\` and
\`linkindex/index.html\` are links that leave the root; \`fifo\` is a named pipe; \`big.js\` has \`.gz\`, \`.br\` and \`.zst\` beside it.
Unless a case names other options, they are the defaults, without coding on the fly. Targets are sent as written.

`;

const CLOSING = `## Beyond single requests

These have tests of their own beside the corpus:

- **P16** A root that itself lies below a dot directory is served.
- **P19** A root that is a link to a directory is served, and may be pointed elsewhere while serving.
- **P20** A link swapped between check and use never lets an outside byte out: the descriptor is checked, not the name.
- **R8** A directory of 100,000 entries is listed in pages, while other requests are answered.
- **R13** Glob rules and long paths do not multiply: answers stay fast.
- **R19** Files dated 0, before 1970, in the far or near future are served; a date that would mislead is left out.
- **R20** A PUT that is refused, aborted, too large or out of space leaves the old file, and nothing else.
- **C21** What is coded decodes to the file, byte for byte.
- **C24, C25** Two states of a file never share a strong entity tag: it is the hash of the bytes.
- **C26** A file that shrinks or grows while it is sent: never more than was announced; less cuts the connection.
- **C27** A thousand aborted downloads, 304s, HEADs and 416s leave no descriptor open.
- **C28** Fifty stalled readers of a 500 MB file cost less than 50 MB.
- A process killed at any instant of a PUT leaves the old file or the new one, whole; leftovers go at the next start.
`;

export function safetyContract(): string {
  return OPENING + CORPUS.map(printCase).join('\n') + `\n${CLOSING}`;
}

function printCase({ id, holds, site = 'usual', requests }: CorpusCase): string {
  const options = site === 'usual' ? '' : `\nOptions: \`${JSON.stringify(CORPUS_SITES[site])}\`\n`;
  const rows = requests.map((request) => `| ${printRequest(request)} | ${printAnswer(request)} |`);
  return `## ${id}\n\n${holds}\n${options}\n| asked | answered |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function printRequest({ method = 'GET', target, version, with: fields = {} }: CorpusRequest): string {
  const lines = Object.entries(fields).map(([name, value]) => `, ${code(`${name}: ${value}`)}`);
  return `${code(`${method} ${target}${version === undefined ? '' : ` HTTP/${version}`}`)}${lines.join('')}`;
}

function printAnswer({ status, content, bytes, fields = {} }: CorpusRequest): string {
  const parts = [typeof status === 'number' ? String(status) : status.join(' or ')];
  if (typeof content === 'string') parts.push(code(content));
  if (bytes === 0) parts.push('no content');
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) parts.push(`no ${name}`);
    else parts.push(typeof value === 'string' ? code(`${name}: ${value}`) : `${name} like ${code(value.source)}`);
  }
  return parts.join(', ');
}

/** As code in a table cell: long runs shortened, no sign left that Markdown would read. */
function code(text: string): string {
  const short = text.length > 120 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
  return `\`\` ${short.replaceAll('|', '\\|')} \`\``;
}
