// Asks several servers the same questions over sockets and writes the answers into the root README.
//
//   node docs/compare.mjs            print the table
//   node docs/compare.mjs --write    put it into README.md
//
// Each server runs with the configuration that its installation leaves (debian-peers.mjs). A cell says what was answered or
// measured here, never what a manual promises; a server that is not installed is left out.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { restingMebibytes } from '../bench/process-tree.mjs';
import { exchange, field, sendBytes } from '../differential/client.mjs';
import { scratchFolder } from '../differential/peers.mjs';
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
  'answers `/missing` with the `404.html` of the site': async (server) =>
    yesNo(text(await get(server, '/missing', [['Accept', 'text/html']])).includes('our own page')),
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
    '404.html': '<p>our own page\n',
    '.env': 'SECRET=1\n',
    'folder/inside.txt': 'inside\n',
    '../outside.txt': 'outside\n',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content);
  chmodSync(join(folder, 'outside.txt'), 0o644);
  symlinkSync('../outside.txt', join(root, 'outside.txt'));
  return root;
}

async function compare() {
  const folder = scratchFolder('compare');
  const columns = [];
  try {
    const root = makeSite(folder.path);
    for (const peer of debianPeers) {
      const server = await peer.start(root);
      try {
        const plain = await get(server, '/a.txt');
        if (plain.status !== 200) throw new Error(`${peer.name} does not serve a plain file: ${plain.status}`);
        const cells = [];
        for (const [, ask] of questions) cells.push(await ask(server));
        const version = versionOf(peer, ([program, ...words]) => {
          const { stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
          return stdout + stderr;
        });
        columns.push({ name: `${peer.name} ${version}`.trim(), cells });
      } finally {
        await server.stop();
      }
    }
  } finally {
    folder.remove();
  }
  return columns;
}

const columns = await compare();
const table = [
  `| out of the box | ${columns.map(({ name }) => name).join(' | ')} |`,
  `|---|${columns.map(() => ':-:|').join('')}`,
  ...questions.map(([question], at) => `| ${question} | ${columns.map(({ cells }) => cells[at]).join(' | ')} |`),
].join('\n');

if (process.argv.includes('--write')) {
  const readme = new URL('../README.md', import.meta.url);
  const date = new Date().toISOString().slice(0, 10);
  const whole = readFileSync(readme, 'utf8');
  const part = `<!-- comparison -->\n${table}\n\nMeasured on ${date}, Node ${process.version}.\n<!-- /comparison -->`;
  writeFileSync(readme, whole.replace(/<!-- comparison -->[^]*<!-- \/comparison -->/, part));
} else console.log(table);
