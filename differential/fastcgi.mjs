// FastCGI: onezero and Apache's mod_proxy_fcgi ask one php-fpm for the same random paths, methods, queries and content. What
// PHP sees of SCRIPT_NAME, PATH_INFO and their like is compared, and what it answers.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { exchange, field } from './client.mjs';
import { isInstalled, scratchFolder, startApache, startServer } from './peers.mjs';
import { ODD_NAMES, randomSource } from './random.mjs';

const FPM = '/usr/sbin/php-fpm8.2';
const NAMES = [
  'SCRIPT_NAME',
  'PATH_INFO',
  'SCRIPT_FILENAME',
  'REQUEST_URI',
  'QUERY_STRING',
  'REQUEST_METHOD',
  'PHP_SELF',
  'DOCUMENT_ROOT',
  'CONTENT_TYPE',
  'CONTENT_LENGTH',
  'HTTP_X_CUSTOM',
  'HTTP_COOKIE',
  'SERVER_PROTOCOL',
  'SERVER_NAME',
];
const REPORT = `<?php
$body = file_get_contents('php://input');
$seen = ['content' => md5($body), 'get' => $_GET, 'post' => $_POST];
foreach (explode(' ', '${NAMES.join(' ')}') as $name) $seen[$name] = $_SERVER[$name] ?? null;
if (isset($_GET['status'])) http_response_code((int) $_GET['status']);
if (isset($_GET['to'])) header('Location: ' . $_GET['to']);
echo json_encode($seen, JSON_INVALID_UTF8_SUBSTITUTE);`;

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 500, log = () => undefined }) {
  if (!isInstalled('apache2') || !isInstalled(FPM)) return { checked: 0, differences: [] };
  const random = randomSource(seed);
  const folder = scratchFolder('fastcgi');
  const odd = random.shuffle(ODD_NAMES.filter((name) => !/^\.|[\t\n\0]/.test(name))).slice(0, 12);
  const root = makeSite(folder.path, odd);
  const fpm = await startFpm(folder.path);
  const servers = [];
  try {
    const ours = [join(import.meta.dirname, 'fastcgi-server.mjs'), root, fpm.socket];
    servers.push(await startServer('onezero', (port) => [process.execPath, ours[0], String(port), ...ours.slice(1)]));
    servers.push(
      await startApache({ modules: ['proxy', 'proxy_fcgi', 'unixd'], root, directives: directivesFor(fpm.socket) }),
    );
    const differences = [];
    for (let number = 0; number < count; number++) {
      const request = randomRequest(random, odd);
      const [our, their] = await Promise.all(servers.map(({ port }) => exchange(port, request)));
      const essences = [our, their].map((answer) => essenceOf(request, answer));
      const [one, other] = essences.map((essence) => JSON.stringify(essence));
      // Apache sends a file for POST as for GET.
      const isFile = request.method === 'POST' && our.status === 405 && their.status === 200;
      // A path that is no UTF-8 is refused before anybody is asked.
      const isNoText = request.target.includes('%ff') && our.status === 400;
      // Apache refuses an encoded question mark before any application (CVE-2024-38474); here it is part of a name.
      const isEncodedQuestion = /%3f/i.test(request.target.split('?')[0]) && their.status === 403;
      if (one === other || isFile || isNoText || isEncodedQuestion) continue;
      log(
        `DIFFERENCE: ${JSON.stringify({ request: { ...request, content: request.content.length }, ours: essences[0], theirs: essences[1] })}`,
      );
      differences.push({
        number,
        request: { ...request, content: request.content.length },
        ours: essences[0],
        theirs: essences[1],
      });
    }
    return { checked: count, differences };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await fpm.stop();
    folder.remove();
  }
}

const directivesFor = (socket) => `DirectoryIndex index.html index.php
<FilesMatch "\\.php$">
  SetHandler "proxy:unix:${socket}|fcgi://localhost"
</FilesMatch>
ProxyFCGIBackendType FPM`;

function makeSite(folder, odd) {
  const root = join(folder, 'site');
  for (const path of ['', 'sub', 'pages', 'empty']) mkdirSync(join(root, path));
  for (const path of ['index.php', 'a.php', 'sub/index.php', 'sub/b c.php']) writeFileSync(join(root, path), REPORT);
  writeFileSync(join(root, 'pages/index.html'), 'a page');
  writeFileSync(join(root, 'pages/index.php'), REPORT);
  writeFileSync(join(root, 'image.gif'), REPORT);
  for (const name of odd) {
    mkdirSync(join(root, 'odd', name), { recursive: true });
    for (const file of ['index.php', `${name}.php`]) writeFileSync(join(root, 'odd', name, file), REPORT);
  }
  return root;
}

async function startFpm(folder) {
  const socket = join(folder, 'fpm.sock');
  const user = process.getuid?.() === 0 ? 'user = www-data\ngroup = www-data\n' : '';
  const pool = `[www]\n${user}listen = ${socket}\nlisten.mode = 0666\npm = static\npm.max_children = 4\n`;
  const file = join(folder, 'fpm.conf');
  writeFileSync(file, `[global]\nerror_log = ${join(folder, 'fpm.log')}\n${pool}`);
  chmodSync(folder, 0o755);
  const child = spawn(FPM, ['-R', '-F', '-y', file], { stdio: 'ignore' });
  while (!existsSync(socket) && child.exitCode === null) await delay(10);
  const stop = async () => {
    const gone = once(child, 'exit');
    child.kill();
    await gone;
  };
  return { socket, stop };
}

const PATHS = [
  '/',
  '/index.php',
  '/a.php',
  '/a.php',
  '/sub/',
  '/sub/index.php',
  '/sub/b%20c.php',
  '/pages/',
  '/image.gif',
  '/nothing.php',
  '/nothing',
  '/%61.php',
  '/sub/../a.php',
  '/./a.php',
  '//a.php',
  '/sub//index.php',
  '//sub//',
];
const BEHIND = [
  '',
  '',
  '',
  '',
  '/',
  '/x',
  '/x/y',
  '/x%20y',
  '/caf%C3%A9',
  '/x.php',
  '/a+b',
  '/%25',
  '/x;y=1',
  "/it's",
  '/x/../y',
  '/x/.',
];
const QUERIES = [
  '',
  '',
  '?',
  '?a=b',
  '?a[]=1&a[]=2',
  '?x=caf%C3%A9',
  '?no-equals',
  '?status=404',
  '?status=503',
  '?status=201',
  '?to=/elsewhere',
  '?to=http://example.org/',
  '?a=b?c',
];

/** A script or folder among the odd ones, spelt in one of many ways. */
function oddPath(random, odd) {
  const name = random.pick(odd);
  return `/odd/${spelt(random, name)}/${random.pick(['', 'index.php', `${spelt(random, name)}.php`, `${spelt(random, random.pick(odd))}.php`])}`;
}

function spelt(random, name) {
  const encoded = encodeURIComponent(name);
  return random.pick([
    encoded,
    encoded,
    encoded.replaceAll(/%[0-9A-F]{2}/g, (one) => one.toLowerCase()),
    encodeURI(name).replaceAll(/[?#]/g, encodeURIComponent),
  ]);
}

/** What is behind a script: segments of any kind. */
function randomBehind(random) {
  const segments = Array.from({ length: random.int(0, 4) }, () =>
    random.pick([
      'x',
      'y.php',
      'index.php',
      '..',
      '.',
      '...',
      '',
      '%2e%2e',
      '%20',
      '+',
      '%41',
      'é',
      '%C3%A9',
      '%ff',
      ';a=b',
      ':',
      '@',
      "'",
      '"',
      '<',
      '*',
      '%25',
      '%2525',
      '~',
      '%7E',
      '&',
      '=',
      '%5c',
      '|',
      '^',
      '`',
      '{}',
    ]),
  );
  return segments.map((segment) => `/${segment.replaceAll(/[^\x21-\x7e]/g, encodeURIComponent)}`).join('');
}

function randomRequest(random, odd) {
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']);
  const hasContent = method.startsWith('P') && random.chance(0.9);
  const content = hasContent ? random.bytes(random.length(100_000)) : Buffer.alloc(0);
  const path = random.chance(0.3) ? oddPath(random, odd) : random.pick(PATHS);
  // What is behind a folder or a page is another path.
  const behind = path.endsWith('.php') ? (random.chance(0.5) ? randomBehind(random) : random.pick(BEHIND)) : '';
  const fields = random.some(
    [
      ['X-Custom', 'value'],
      ['Cookie', 'a=1; b=2'],
    ],
    0.3,
  );
  if (hasContent) fields.push(['Content-Type', 'application/octet-stream'], ['Content-Length', String(content.length)]);
  return { method, target: `${path}${behind}${random.pick(QUERIES)}`, fields, content };
}

/** What has to agree. Errors that are the servers' own differ in their pages; a file takes no method but GET. */
function essenceOf({ method }, answer) {
  const { status } = answer;
  const text = answer.content.toString();
  const isReport = text.startsWith('{"content"');
  if (!isReport && status >= 400) return { status: status === 405 ? 404 : status };
  const location = field(answer, 'location')?.replace(/^http:\/\/localhost(?::\d+)?/, '');
  return {
    status: !isReport && method !== 'HEAD' && status === 405 ? 404 : status,
    location,
    type: field(answer, 'content-type')?.replace(/; ?charset=.*/i, ''),
    ...(isReport ? withoutEmptySegments(JSON.parse(text)) : { text }),
  };
}

/** Apache merges slashes in PATH_INFO; ours leaves them (decision 045). */
function withoutEmptySegments({ PATH_INFO: info, PHP_SELF: self, ...others }) {
  const merged = (path) => path?.replaceAll(/\/{2,}/g, '/');
  return { ...others, PATH_INFO: merged(info), PHP_SELF: merged(self) };
}
