// Asks several servers the same questions over sockets and writes the answers into the root README.
//
//   node docs/compare.mjs            print the table
//   node docs/compare.mjs --write    put it into README.md
//
// Each server runs as bench/peers starts it: the settings that its users start from. A cell says what was answered, never
// what a manual promises; a server that is not installed here is left out.
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installed, start } from '../bench/peers/index.mjs';

const silence = 500; // an answer that is not there by then is none; every server here answers within a few milliseconds

/** Sends text to a server and returns everything it says until it closes or falls silent. */
async function ask(port, text) {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk)).on('error', () => socket.destroy());
  socket.setTimeout(silence, () => socket.destroy());
  socket.write(text.replaceAll('\n', '\r\n'));
  await once(socket, 'close');
  return answer;
}

const get = (path, fields = '', method = 'GET') =>
  `${method} ${path} HTTP/1.1\nHost: localhost\nConnection: close\n${fields}\n`;
const status = (answer) => Number(answer.slice(9, 12));
const field = (answer, name) => new RegExp(`^${name}: *(.*?)\\r?$`, 'im').exec(answer.split('\r\n\r\n')[0])?.[1];
const content = (answer) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

/** Each question: what the table calls it, and a function from a port to whether the answer is the standard's. */
const questions = Object.entries({
  '304 for an entity tag in a list': async (port) => {
    const tag = field(await ask(port, get('/a.txt')), 'etag');
    return tag !== undefined && status(await ask(port, get('/a.txt', `If-None-Match: "other", ${tag}\n`))) === 304;
  },
  'the last bytes of a file (`bytes=-3`)': async (port) => {
    const answer = await ask(port, get('/a.txt', 'Range: bytes=-3\n'));
    return status(answer) === 206 && content(answer) === '89\n';
  },
  'several ranges in one answer': async (port) => {
    const answer = await ask(port, get('/a.txt', 'Range: bytes=0-1,4-5\n'));
    return status(answer) === 206 && /multipart\/byteranges/.test(field(answer, 'content-type'));
  },
  'the whole file when If-Range names another version': async (port) =>
    status(await ask(port, get('/a.txt', 'Range: bytes=0-1\nIf-Range: "other"\n'))) === 200,
  '412 when If-Match names another version': async (port) =>
    status(await ask(port, get('/a.txt', 'If-Match: "other"\n'))) === 412,
  '405 with Allow for DELETE of a file': async (port) => {
    const answer = await ask(port, get('/a.txt', '', 'DELETE'));
    return status(answer) === 405 && /GET/.test(field(answer, 'allow'));
  },
  '501 for a method nobody knows': async (port) => status(await ask(port, get('/a.txt', '', 'FROB'))) === 501,
  'compresses text on the fly': async (port) =>
    field(await ask(port, get('/long.txt', 'Accept-Encoding: gzip\n')), 'content-encoding') === 'gzip',
  'an answer for HTTP/0.9': async (port) => (await ask(port, 'GET /a.txt\n')) === '0123456789\n',
});

const scratch = mkdtempSync(join(tmpdir(), 'onezero-compare-'));
chmodSync(scratch, 0o755); // some servers run as a user of their own
const root = join(scratch, 'root');
mkdirSync(root);
writeFileSync(join(root, 'a.txt'), '0123456789\n');
writeFileSync(join(root, 'long.txt'), 'the same line again and again\n'.repeat(1000));

const columns = [];
for (const peer of installed().present.toSorted(
  (a, b) => Number(b.name === 'onezero') - Number(a.name === 'onezero'),
)) {
  if (peer.name.includes('+ open_file_cache')) continue;
  const server = await start(peer, root, scratch);
  const plain = await ask(server.port, get('/a.txt'));
  if (status(plain) !== 200) throw new Error(`${peer.name} does not serve a plain file: ${plain}`);
  const answers = [];
  for (const [, answersRight] of questions) answers.push((await answersRight(server.port)) ? 'yes' : 'no');
  await server.stop();
  const name = peer.name.replace('node:http + ', '');
  columns.push({ name: `${name} ${versionOf(peer, name)}`.trim(), answers });
}
rmSync(scratch, { recursive: true, force: true });

function versionOf(peer, name) {
  if (name === 'onezero') return '';
  try {
    const manifest = new URL(`../bench/node_modules/${name}/package.json`, import.meta.url);
    return JSON.parse(readFileSync(manifest, 'utf8')).version;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return peer.versionText;
  }
}

const table = [
  `| asked for | ${columns.map(({ name }) => name).join(' | ')} |`,
  `|---|${columns.map(() => ':-:|').join('')}`,
  ...questions.map(([question], at) => `| ${question} | ${columns.map(({ answers }) => answers[at]).join(' | ')} |`),
].join('\n');

if (process.argv.includes('--write')) {
  const readme = new URL('../README.md', import.meta.url);
  const date = new Date().toISOString().slice(0, 10);
  const text = readFileSync(readme, 'utf8');
  const part = `<!-- comparison -->\n${table}\n\nMeasured on ${date}, Node ${process.version}.\n<!-- /comparison -->`;
  writeFileSync(readme, text.replace(/<!-- comparison -->[^]*<!-- \/comparison -->/, part));
} else console.log(table);
