// Parsers side by side: nanoseconds of processor time for a message, and the ratio to http-parser-js, round by round.
//
// Every parser has a process of its own, so that none pays for another's garbage, and they take turns on the same buffers
// with the same duty: know the method, target and framing and see the content. Ours cuts the fields out of a head only when they are asked for, so it is measured with and without;
// and it remembers heads, so heads that never repeat and heads that always do are separate cases.
//
// node parser.mjs [rounds] [--write]

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { RequestParser } from '@onezero/http-parser';
import { ratio, ratioText, spread, table } from './report.mjs';

const require = createRequire(import.meta.url);

/** How long one parser runs at a time: short, as other work on the machine comes and goes. */
const TURN_MS = 120;

/** More different heads than the memo of our parser has room for. */
const DISTINCT = 4096;

const BROWSER_LINES = [
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-User: ?1',
  'Sec-Fetch-Dest: document',
  'Referer: http://www.example.org/articles/index.html',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  'Cookie: session=0f8fad5bd9cb469fa16570867728950e; theme=dark',
];

const number = (index) => String(index).padStart(6, '0');
const smallGet = (index) => `GET /item/${number(index)} HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\n\r\n`;
const browserGet = (index) =>
  `GET /articles/${number(index)}.html HTTP/1.1\r\nHost: www.example.org\r\n${BROWSER_LINES.join('\r\n')}\r\n\r\n`;
const distinct = (make) => Array.from({ length: DISTINCT }, (_, index) => Buffer.from(make(index)));

/** One upload of 1 MiB in chunks of 16 KiB, as it comes in reads of 64 KiB. */
function upload() {
  const head = 'POST /upload HTTP/1.1\r\nHost: www.example.org\r\nTransfer-Encoding: chunked\r\n\r\n';
  const chunk = Buffer.concat([Buffer.from('4000\r\n'), Buffer.alloc(16_384, 'x'), Buffer.from('\r\n')]);
  const whole = Buffer.concat([
    Buffer.from(head),
    ...Array.from({ length: 64 }, () => chunk),
    Buffer.from('0\r\n\r\n'),
  ]);
  const reads = [];
  for (let at = 0; at < whole.length; at += 65_536) reads.push(whole.subarray(at, at + 65_536));
  return reads;
}

const CASES = [
  { name: `small GET, ${smallGet(0).length} bytes, all different`, reads: distinct(smallGet), messages: DISTINCT },
  {
    name: 'small GET, always the same',
    reads: Array.from({ length: 512 }, () => Buffer.from(smallGet(0))),
    messages: 512,
  },
  {
    name: `browser GET, ${browserGet(0).length} bytes, all different`,
    reads: distinct(browserGet),
    messages: DISTINCT,
  },
  {
    name: 'browser GET, always the same',
    reads: Array.from({ length: 512 }, () => Buffer.from(browserGet(0))),
    messages: 512,
  },
  { name: '1 MiB in chunks', reads: upload(), messages: 1 },
];

/** What a run has seen: every parser must agree, or it did not do the work. */
class Tally {
  messages = 0;
  contentBytes = 0;
  targetLength = 0;
  fields = 0;
}

function onezero(reads, tally, readsFields) {
  const parser = new RequestParser();
  for (const bytes of reads) {
    for (const event of parser.push(bytes)) {
      if (event.type === 'head') {
        tally.targetLength += event.head.target.length;
        if (readsFields) tally.fields += event.head.fields.length;
      } else if (event.type === 'content') tally.contentBytes += event.bytes.length;
      else if (event.type === 'end') tally.messages++;
      else throw event.error;
    }
    if (parser.state === 'paused') parser.next();
  }
}

/** http-parser-js and Node's own binding have the same interface. */
function callbacks(HTTPParser, initialize) {
  return (reads, tally) => {
    const parser = initialize();
    let content = 0;
    const onHead = (...head) => {
      const info = head.length === 1 ? head[0] : { url: head[4], headers: head[2] };
      tally.targetLength += info.url.length;
      tally.fields += info.headers.length / 2;
      return 0;
    };
    parser[HTTPParser.kOnHeadersComplete | 0] = onHead;
    parser[HTTPParser.kOnHeaders | 0] = (headers) => {
      tally.fields += headers.length / 2;
    };
    parser[HTTPParser.kOnBody | 0] = (bytes, _start, length) => {
      content += length ?? bytes.length;
    };
    parser[HTTPParser.kOnMessageComplete | 0] = () => {
      tally.messages++;
    };
    for (const bytes of reads) {
      const read = parser.execute(bytes, 0, bytes.length);
      if (read instanceof Error) throw read;
    }
    tally.contentBytes += content;
  };
}

function httpParserJs() {
  const { HTTPParser } = require('http-parser-js');
  return callbacks(HTTPParser, () => new HTTPParser(HTTPParser.REQUEST));
}

/** Node's binding of llhttp; only Node 20 still hands it out. */
function nodeBinding() {
  if (Number(process.versions.node.split('.')[0]) > 22) return undefined;
  process.removeAllListeners('warning');
  const { HTTPParser } = process.binding('http_parser');
  return callbacks(HTTPParser, () => {
    const parser = new HTTPParser();
    parser.initialize(HTTPParser.REQUEST, {});
    return parser;
  });
}

/** llhttp as WebAssembly, as undici ships it, with the strings that a server needs. */
function undiciWasm() {
  let tally;
  const memory = () => Buffer.from(exports.memory.buffer);
  let view;
  const text = (at, length) => view.latin1Slice(at, at + length);
  const env = {
    wasm_on_message_begin: () => 0,
    wasm_on_status: () => 0,
    wasm_on_url: (_, at, length) => {
      tally.targetLength += text(at, length).length;
      return 0;
    },
    wasm_on_header_field: (_, at, length) => {
      if (text(at, length).length > 0) tally.fields++;
      return 0;
    },
    wasm_on_header_value: (_, at, length) => (text(at, length).length > 1e9 ? 1 : 0),
    wasm_on_headers_complete: () => 0,
    wasm_on_body: (_, at, length) => {
      tally.contentBytes += length;
      return 0;
    },
    wasm_on_message_complete: () => {
      tally.messages++;
      return 0;
    },
  };
  const module = new WebAssembly.Module(require('undici/lib/llhttp/llhttp_simd-wasm.js'));
  const { exports } = new WebAssembly.Instance(module, { env });
  const REQUEST = 1;
  const pointer = exports.malloc(65_536);
  return (reads, into) => {
    tally = into;
    const parser = exports.llhttp_alloc(REQUEST);
    view = memory();
    for (const bytes of reads) {
      view.set(bytes, pointer);
      const code = exports.llhttp_execute(parser, pointer, bytes.length);
      if (code !== 0) throw new Error(`llhttp says ${code}`);
    }
    exports.llhttp_free(parser);
  };
}

const PARSERS = {
  'http-parser-js': httpParserJs,
  '@onezero/http-parser': () => (reads, tally) => onezero(reads, tally, false),
  'same, every field read': () => (reads, tally) => onezero(reads, tally, true),
  'undici (llhttp, wasm)': undiciWasm,
  'node (llhttp, binding)': nodeBinding,
};

/** Runs for a while; nanoseconds of processor time for each message. */
function turn(run, { reads, messages }) {
  const deadline = performance.now() + TURN_MS;
  const before = process.cpuUsage();
  let done = 0;
  while (performance.now() < deadline) {
    run(reads, new Tally());
    done += messages;
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / done;
}

/** In a child: answers the index of a case with the time of one turn, and before the first with what it has seen. */
function serveTurns(name) {
  const run = PARSERS[name]();
  if (run === undefined) {
    process.disconnect();
    return;
  }
  process.on('message', ({ index, seen }) => {
    const testCase = CASES[index];
    const tally = new Tally();
    if (seen) run(testCase.reads, tally);
    const time = turn(run, testCase);
    process.send(seen ? tally : time);
  });
  process.send('ready');
}

async function ask(child, question) {
  const answer = once(child, 'message');
  child.send(question);
  return (await answer)[0];
}

/** One child for each parser that this version of Node has. */
async function startParsers() {
  const started = [];
  for (const name of Object.keys(PARSERS)) {
    const child = fork(import.meta.filename, ['--turns', name]);
    const [answer] = await Promise.race([once(child, 'message'), once(child, 'disconnect')]);
    if (answer === 'ready') started.push({ name, child });
  }
  return started;
}

/** Every parser must have seen the same, or it did not do the work. */
async function checkAgreement(parsers, index) {
  const { messages, name } = CASES[index];
  const tallies = [];
  for (const { child } of parsers) tallies.push(await ask(child, { index, seen: true }));
  for (const tally of tallies) {
    const agrees = tally.contentBytes === tallies[0].contentBytes && tally.targetLength === tallies[0].targetLength;
    if (tally.messages !== messages || !agrees) throw new Error(`The parsers disagree about ${name}`);
  }
}

async function compare(rounds) {
  const parsers = await startParsers();
  const sections = [];
  for (const [index, { name }] of CASES.entries()) {
    await checkAgreement(parsers, index);
    const series = parsers.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [place, { child }] of parsers.entries()) series[place].push(await ask(child, { index, seen: false }));
    }
    const rows = parsers.map((parser, place) => [
      parser.name,
      spread(series[place]).median.toFixed(0),
      ratioText(ratio(series[0], series[place])),
    ]);
    sections.push(`### ${name}\n\n${table(['parser', 'ns/message', 'times http-parser-js'], rows)}`);
  }
  for (const { child } of parsers) child.disconnect();
  return `Node ${process.versions.node}, ${rounds} rounds\n\n${sections.join('\n\n')}`;
}

async function report() {
  const words = process.argv.slice(2);
  const markdown = await compare(Number(words.find((word) => word !== '--write') ?? 7));
  console.log(markdown);
  if (!words.includes('--write')) return;
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results/parser.md'), `# Parsers, side by side\n\n${markdown}\n`);
}

if (process.argv[2] === '--turns') serveTurns(process.argv[3]);
else await report();
