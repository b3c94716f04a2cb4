// Parsers side by side: nanoseconds of processor time for a message, and the ratio to http-parser-js, round by round.
//
// Every parser has a process of its own, so that none pays for another's garbage, and they take turns on the same buffers
// with the same duty: know the method, target and framing and see the content. Ours cuts the fields out of a head only when
// they are asked for, so it is measured with and without; and it remembers heads, so heads that never repeat (each names
// another target) and heads that always do are separate cases.
//
//   node parser.mjs [rounds] [--write]

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PARSERS, Tally } from './peers/parsers.mjs';
import { ratio, ratioText, spread, table } from './report.mjs';

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

/** The same message again and again, each in a buffer of its own. */
const repeated = (make) => Array.from({ length: 512 }, () => Buffer.from(make(0)));

const inCase = (name, reads, messages = reads.length) => ({ name, reads, messages });

const CASES = [
  inCase(`small GET, ${smallGet(0).length} bytes, all different`, distinct(smallGet)),
  inCase('small GET, always the same', repeated(smallGet)),
  inCase(`browser GET, ${browserGet(0).length} bytes, all different`, distinct(browserGet)),
  inCase('browser GET, always the same', repeated(browserGet)),
  inCase('1 MiB in chunks', upload(), 1),
];

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
