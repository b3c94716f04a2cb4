// What a start reads. Each file and each module of Node takes its share of the time until the first answer, which no test may
// measure; which of them are read is a matter of fact.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { bin } from './command.ts';

const scratch = mkdtempSync(join(tmpdir(), 'onezero-start-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const users = join(scratch, 'users');
writeFileSync(users, 'ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n');

const packages = fileURLToPath(new URL('../../../', import.meta.url));

interface Loaded {
  /** Of the packages, as `server/engine.js`. */
  readonly ours: readonly string[];
  readonly ofNode: readonly string[];
}

let runs = 0;

/** What a process has loaded that ran the command, and was asked for `/` where it serves. */
async function loadedBy(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  isServing = true,
): Promise<Loaded> {
  const folder = join(scratch, `${++runs}`);
  const list = join(scratch, `${runs}.json`);
  const hook = join(scratch, `${runs}.cjs`);
  // What Node itself has loaded before it comes to the command is not the command's.
  writeFileSync(
    hook,
    `const before = new Set(process.moduleLoadList);
    process.once('exit', () => {
      const names = process.moduleLoadList.filter((name) => name.startsWith('NativeModule ') && !before.has(name));
      require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify(names.map((name) => name.slice(13))));
    });`,
  );
  const child = spawn(process.execPath, ['--require', hook, bin, ...words], {
    env: { PATH: process.env['PATH'], HOME: scratch, NODE_V8_COVERAGE: folder, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  if (isServing) {
    const ready = new Promise<void>((resolve) => child.stdout.on('data', () => text.includes('"ready"') && resolve()));
    await Promise.race([ready, ended]);
    const { url } = JSON.parse(text) as { readonly url: string };
    const { status } = await fetch(url);
    child.kill('SIGTERM');
    expect(status).toBeOneOf([200, 401]);
  }
  await ended;
  const ours = readdirSync(folder).flatMap((name) => filesIn(join(folder, name)));
  const ofNode = JSON.parse(readFileSync(list, 'utf8')) as string[];
  return { ours: [...new Set(ours)].toSorted(), ofNode };
}

function filesIn(report: string): readonly string[] {
  const { result } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly result: readonly { readonly url: string }[];
  };
  return result.flatMap(({ url }) => {
    const path = url.startsWith('file:') ? fileURLToPath(url) : '';
    return path.startsWith(packages) ? [path.slice(packages.length).replace('/dist/', '/')] : [];
  });
}

function site(): string {
  const root = mkdtempSync(join(scratch, 'site-'));
  writeFileSync(join(root, 'index.html'), 'Hello');
  return root;
}

const WORDS = [
  'server/bin/onezero.js',
  'server/command-line/bin.js',
  'server/start.js',
  'server/words.js',
  'static/options.js',
  'static/tables.js',
];

const FILES = [
  'http-parser/index.js',
  'http-parser/main.js',
  'http-parser/serializer.js',
  'server/serving.js',
  'static/index.js',
  'static/main.js',
];

const OF_FILES = ['crypto', 'net', 'stream'];

/** Each takes from half a millisecond to several, and none of them has to do with files over plain HTTP. */
const NEVER =
  /^(?:child_process|cluster|dgram|dns|_?tls\w*|_?https?\w*|http2|worker_threads|inspector|module|readline|repl|vm|querystring|url|zlib)$/;

/** What Node reads of its own accord where a module imports `node:util`: from 22 on worker_threads. */
function readWithUtil(): readonly string[] {
  const program = "import 'node:util'; console.log(process.moduleLoadList.join());";
  const list = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return list.split(',').map((name) => name.slice('NativeModule '.length));
}

test('a server of files reads what serves files', async () => {
  // Newer versions of Node open an address many times, which node:cluster has to be asked for.
  const env = { ONEZERO_ONE_QUEUE: 'yes' };
  const { ours, ofNode } = await loadedBy([site(), '--port', '0', '--json'], env);
  expect(ours).toEqual([...WORDS, ...FILES].toSorted());
  expect(ofNode).toEqual(expect.arrayContaining(OF_FILES));
  const alone = new Set(readWithUtil());
  expect(ofNode.filter((name) => NEVER.test(name) && !alone.has(name))).toEqual([]);
});

test.each([
  ['ONEZERO_LIVE', 'yes', 'server/live.js'],
  ['ONEZERO_AUTH_FILE', users, 'server/basic-auth.js'],
  ['ONEZERO_PROXY', '/api=http://127.0.0.1:9', 'server/proxy.js'],
])('%s (%s) has %s read too', async (name, value, file) => {
  const { ours } = await loadedBy([site(), '--port', '0', '--json'], { [name]: value });
  const others = ours.filter((name) => !WORDS.includes(name) && !FILES.includes(name));
  expect(others).toContain(file);
});

test('the version is said without the words of the command line', async () => {
  const { ours } = await loadedBy(['--version'], {}, false);
  expect(ours.filter((name) => name.endsWith('words.js') || name.endsWith('serving.js'))).toEqual([]);
});
