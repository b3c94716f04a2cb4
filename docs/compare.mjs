// Asks several servers the same questions over sockets and writes the answers into the root README.
//
//   node docs/compare.mjs            print the table
//   node docs/compare.mjs --write    put it into README.md
//
// The second table asks commands that serve a folder (command-peers.mjs); those of npm are installed into a folder for it.
// Each server runs with the configuration that its installation leaves (debian-peers.mjs). A cell says what was answered or
// measured here, never what a manual promises; a server that is not installed is left out.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { restingMebibytes } from '../bench/process-tree.mjs';
import { exchange, field, sendBytes } from '../differential/client.mjs';
import { scratchFolder } from '../differential/peers.mjs';
import { commandPeers } from './command-peers.mjs';
import { debianPeers, versionOf } from './debian-peers.mjs';

const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
const SETTINGS_FRAME = 4;

/** Long enough for every server here; a socket that says nothing for so long will not answer. */
const SILENCE_MS = 1000;

/** The stored form: bytes that no server's own compression makes. */
const STORED = gzipSync('body { color: black }\n'.repeat(100), { level: 1, memLevel: 1 });

const get = (server, target, fields = [], method = 'GET') => exchange(server.port, { method, target, fields });
const text = (answer) => answer.content.toString();
const yesNo = (answer) => (answer ? 'yes' : 'no');

/** Each question: what the table calls it, and a function from a server to a cell. */
const questions = Object.entries({
  'compresses a page while it is sent': async (server) =>
    yesNo(field(await get(server, '/long.html', [['Accept-Encoding', 'gzip']]), 'content-encoding') === 'gzip'),
  'compresses plain text while it is sent': async (server) =>
    yesNo(field(await get(server, '/long.txt', [['Accept-Encoding', 'gzip']]), 'content-encoding') === 'gzip'),
  'sends `app.css.gz` for `app.css`': async (server) =>
    yesNo((await get(server, '/app.css', [['Accept-Encoding', 'gzip']])).content.equals(STORED)),
  'lists a folder that has no index file': async (server) => {
    const answer = await get(server, '/folder/');
    return yesNo(answer.status === 200 && text(answer).includes('inside.txt'));
  },
  'answers `/missing` with the `404.html` of the site': async (server) => {
    // There for this question only: where it is, http-server lists no folder.
    const page = join(server.root, '404.html');
    writeFileSync(page, '<p>our own page\n');
    const answer = text(await get(server, '/missing', [['Accept', 'text/html']]));
    rmSync(page);
    return yesNo(answer.includes('our own page'));
  },
  'keeps `/.env` to itself': async (server) => yesNo((await get(server, '/.env')).status >= 400),
  'keeps what a link leads to outside of the root to itself': async (server) =>
    yesNo((await get(server, '/outside.txt')).status >= 400),
  'names no version of itself': async (server) => yesNo(!/\d/.test(field(await get(server, '/a.txt'), 'server') ?? '')),
  'several ranges in one answer': async (server) => {
    const answer = await get(server, '/a.txt', [['Range', 'bytes=0-1,4-5']]);
    return yesNo(answer.status === 206 && /multipart\/byteranges/.test(field(answer, 'content-type')));
  },
  '412 when If-Match names another version': async (server) =>
    yesNo((await get(server, '/a.txt', [['If-Match', '"other"']])).status === 412),
  '405 with Allow for DELETE of a file': async (server) => {
    const answer = await get(server, '/a.txt', [], 'DELETE');
    return yesNo(answer.status === 405 && /GET/.test(field(answer, 'allow')));
  },
  'an answer for HTTP/0.9': async (server) => {
    const { bytes } = await sendBytes(server.port, [Buffer.from('GET /a.txt\r\n')], { silenceMs: SILENCE_MS });
    return yesNo(bytes.toString() === '0123456789\n');
  },
  'HTTP/2 without TLS': async (server) => {
    const { bytes } = await sendBytes(server.port, [HTTP2_PREFACE], { untilFirstBytes: true, silenceMs: SILENCE_MS });
    return yesNo(bytes[3] === SETTINGS_FRAME);
  },
  'started by root, answers as another user': async (server) => yesNo(answersAsAnother(server)),
  'memory when idle, MiB': async (server) => String(Math.round(restingMebibytes(server.pid))),
});

/** Whether a process below the one that was started has another user than root; "no" too where root did not start it. */
function answersAsAnother({ pid }) {
  const table = spawnSync('ps', ['-e', '-o', 'pid=,ppid=,uid='], { encoding: 'utf8' }).stdout;
  const processes = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const family = processes.filter(([own, parent]) => own === pid || parent === pid);
  return family.some(([, , uid]) => uid !== 0);
}

function makeSite(folder) {
  const root = join(folder, 'root');
  mkdirSync(join(root, 'folder'), { recursive: true });
  const files = {
    'a.txt': '0123456789\n',
    'long.txt': 'the same line again and again\n'.repeat(1000),
    'long.html': '<p>the same line again and again\n'.repeat(1000),
    'app.css': 'body { color: black }\n'.repeat(100),
    'app.css.gz': STORED,
    '.env': 'SECRET=1\n',
    'folder/inside.txt': 'inside\n',
    '../outside.txt': 'outside\n',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content);
  chmodSync(join(folder, 'outside.txt'), 0o644);
  symlinkSync('../outside.txt', join(root, 'outside.txt'));
  return root;
}

/** Asks one server after another. */
async function columnsOf(peers, asked, root) {
  const columns = [];
  for (const { name, version, start, tryToStart } of peers) {
    const server = await start(root);
    try {
      const plain = await get(server, '/a.txt');
      if (plain.status !== 200) throw new Error(`${name} does not serve a plain file: ${plain.status}`);
      const cells = [];
      for (const [, ask] of asked) cells.push(await ask({ ...server, tryToStart, root }));
      columns.push({ name: `${name} ${version}`.trim(), cells });
    } finally {
      await server.stop();
    }
  }
  return columns;
}

function tableOf(title, asked, columns) {
  return [
    `| ${title} | ${columns.map(({ name }) => name).join(' | ')} |`,
    `|---|${columns.map(() => ':-:|').join('')}`,
    ...asked.map(([question], at) => `| ${question} | ${columns.map(({ cells }) => cells[at]).join(' | ')} |`),
  ].join('\n');
}

/** Whether the port is open to other machines, by the addresses of its sockets. */
function isOpenToOthers({ port }) {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  return ['tcp', 'tcp6'].some((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .some((line) => line.includes(' 0A ') && /^\s*\d+: 0+:/.test(line) && line.includes(local)),
  );
}

/** How a command tells that its port is taken. */
async function tellsOfBusyPort({ port, tryToStart, root }) {
  const { code, printed } = await tryToStart(root, port);
  if (code === null) return 'takes another';
  return /^\s+at |Traceback/m.test(printed) ? 'stack trace' : 'one line';
}

const refuses = async ({ code }) => yesNo(code !== null && code !== 0);

/** What is asked of commands, beside some of the questions above. */
const ofCommands = [
  ['other machines can connect unless told otherwise', async (server) => yesNo(isOpenToOthers(server))],
  [
    'refuses a folder that does not exist',
    async ({ tryToStart, root }) => refuses(await tryToStart(`${root}/none`, 0)),
  ],
  [
    'refuses a flag that it does not know',
    async ({ tryToStart, root }) => refuses(await tryToStart(root, 0, '--prot=1')),
  ],
  ['when the port is in use', tellsOfBusyPort],
  ...questions.filter(([question]) => !/started by root|plain text|app\.css/.test(question)),
];

async function compare() {
  const folder = scratchFolder('compare');
  try {
    const root = makeSite(folder.path);
    const installed = join(folder.path, 'commands');
    mkdirSync(installed);
    const servers = debianPeers.map((peer) => ({ ...peer, version: versionOf(peer, printedBy) }));
    return [
      tableOf('out of the box', questions, await columnsOf(servers, questions, root)),
      tableOf('as a command', ofCommands, await columnsOf(commandPeers(installed), ofCommands, root)),
    ];
  } finally {
    folder.remove();
  }
}

function printedBy([program, ...words]) {
  const { stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  return stdout + stderr;
}

const tables = await compare();

if (process.argv.includes('--write')) {
  const readme = new URL('../README.md', import.meta.url);
  const date = new Date().toISOString().slice(0, 10);
  const whole = readFileSync(readme, 'utf8');
  const part = `<!-- comparison -->\n${tables.join('\n\n')}\n\nMeasured on ${date}, Node ${process.version}.\n<!-- /comparison -->`;
  writeFileSync(readme, whole.replace(/<!-- comparison -->[^]*<!-- \/comparison -->/, part));
} else console.log(tables.join('\n\n'));
