// Next.js, built and unmodified: the same application as a responder of onezero and under node:http, asked the same random
// requests. It installs Next.js into a temporary folder first (340 MB), so it is a command and not a part of `npm test`.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { exchange, field } from './client.mjs';
import { scratchFolder } from './peers.mjs';
import { randomSource } from './random.mjs';

const FILES = {
  'package.json': '{ "private": true, "type": "module" }',
  'app/layout.js': `export default function Layout({ children }) { return <html><body>{children}</body></html>; }\n`,
  'app/page.js': `import { Suspense } from 'react';
export const dynamic = 'force-dynamic';
async function Slow() { await new Promise((done) => setTimeout(done, 20)); return <p>slow</p>; }
export default function Page() { return <main><h1>Home</h1><Suspense fallback={<p>wait</p>}><Slow /></Suspense></main>; }
`,
  'app/things/[name]/page.js': `import { notFound } from 'next/navigation';
export default async function Page({ params }) {
  const { name } = await params;
  if (name === 'none') notFound();
  return <ul>{Array.from({ length: 2000 }, (_, at) => <li key={at}>{name} {at}</li>)}</ul>;
}
`,
  'app/api/echo/route.js': `export async function POST(request) {
  const bytes = await request.arrayBuffer();
  return Response.json({ length: bytes.byteLength, type: request.headers.get('content-type') });
}
`,
  'app/api/events/route.js': `export const dynamic = 'force-dynamic';
export function GET() {
  let number = 0;
  const encoder = new TextEncoder();
  const stream = new ReadableStream({
    pull(controller) {
      if (number === 50) return controller.close();
      controller.enqueue(encoder.encode('event: tick\\n'));
      controller.enqueue(encoder.encode('data: ' + number++ + '\\n\\n'));
    },
  });
  return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
}
`,
  'public/file.txt': 'a file of the application\n'.repeat(5000),
  'server.mjs': `import { createServer as createNodeServer } from 'node:http';
import next from 'next';
import { createServer, nodeResponder } from '@onezero/server';
const application = next({ dev: false, dir: import.meta.dirname });
await application.prepare();
const handle = application.getRequestHandler();
const node = createNodeServer((request, response) => handle(request, response));
await new Promise((listening) => node.listen(0, '127.0.0.1', listening));
const ours = createServer({ routes: [{ responder: nodeResponder((request, response) => handle(request, response)) }] });
const [address] = await ours.listen({ port: 0, host: '127.0.0.1' });
console.log('PORTS ' + JSON.stringify([Number(new URL(address.url).port), node.address().port]));
`,
};

/** Fields that belong to the connection or the moment. */
const FIELDS = [
  'content-type',
  'cache-control',
  'vary',
  'etag',
  'location',
  'content-encoding',
  'x-powered-by',
  'allow',
];

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 300, log = () => undefined }) {
  const random = randomSource(seed);
  const folder = scratchFolder('next');
  let child;
  try {
    build(folder.path, log);
    child = spawn(process.execPath, ['server.mjs'], { cwd: folder.path, stdio: ['ignore', 'pipe', 'inherit'] });
    const [our, their] = await portsOf(child);
    const differences = [];
    for (let number = 0; number < count; number++) {
      const request = randomRequest(random);
      const [ours, theirs] = [await ask(our, request), await ask(their, request)];
      const isSame = JSON.stringify(ours) === JSON.stringify(theirs);
      log(`${isSame ? 'same' : 'DIFFERENCE'} ${request.method} ${request.target} ${ours.status}`);
      if (!isSame) differences.push({ seed, number, request: { ...request, content: undefined }, ours, theirs });
    }
    return { checked: count, differences };
  } finally {
    child?.kill();
    if (child !== undefined) await once(child, 'exit');
    folder.remove();
  }
}

function build(folder, log) {
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const run = (...words) => execFileSync(words[0], words.slice(1), { cwd: folder, stdio: 'pipe', env: environment() });
  log('installing');
  run('npm', 'install', '--no-audit', '--no-fund', '--silent', 'next@16', 'react@19', 'react-dom@19');
  mkdirSync(join(folder, 'node_modules/@onezero'));
  symlinkSync(join(import.meta.dirname, '../packages/server'), join(folder, 'node_modules/@onezero/server'));
  log('building');
  run('npx', 'next', 'build');
}

function environment() {
  return { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' };
}

async function portsOf(child) {
  for await (const chunk of child.stdout) {
    const ports = /PORTS (.*)/.exec(String(chunk))?.[1];
    if (ports !== undefined) return JSON.parse(ports);
  }
  throw new Error('the application did not start');
}

function randomRequest(random) {
  const content = random.bytes(random.length(100_000));
  return random.pick([
    { method: 'GET', target: '/' },
    { method: 'HEAD', target: '/' },
    { method: 'GET', target: `/things/${random.string(5)}` },
    { method: 'GET', target: '/things/none' },
    { method: 'GET', target: '/nowhere' },
    { method: 'GET', target: '/api/events' },
    { method: 'GET', target: '/api/echo' },
    { method: 'GET', target: '/file.txt', fields: random.some([['Range', 'bytes=5-99']]) },
    { method: 'GET', target: '/', fields: [['Accept-Encoding', 'gzip']] },
    { method: 'POST', target: '/api/echo', fields: [['Content-Length', content.length]], content },
  ]);
}

/**
 * What two answers have to agree on. React flushes the parts of a streamed page in the order in which they are ready, so tags are
 * compared as a set; coded content is only counted as whole.
 */
async function ask(port, request) {
  const answer = await exchange(port, request);
  const fields = Object.fromEntries(FIELDS.map((name) => [name, field(answer, name)]));
  const tags = answer.content
    .toString()
    .split(/(?=<)/)
    .toSorted((a, b) => (a < b ? -1 : 1));
  const content = fields['content-encoding'] === undefined ? tags.join('') : '';
  return { status: answer.status, isWhole: answer.isWhole, ending: answer.ending, fields, content };
}
