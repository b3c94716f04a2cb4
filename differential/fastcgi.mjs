// FastCGI: onezero and Apache's mod_proxy_fcgi ask one php-fpm for the same random paths, methods, queries and content. What
// PHP sees of SCRIPT_NAME, PATH_INFO and their like is compared, and what it answers.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { exchange, field } from './client.mjs';
import { isInstalled, scratchFolder, startApache, startServer } from './peers.mjs';
import { randomSource } from './random.mjs';

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
  const root = makeSite(folder.path);
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
      const request = randomRequest(random);
      const [our, their] = await Promise.all(servers.map(({ port }) => exchange(port, request)));
      const essences = [our, their].map((answer) => essenceOf(request, answer));
      const [one, other] = essences.map((essence) => JSON.stringify(essence));
      // Apache sends a file for POST as for GET.
      const isFile = request.method === 'POST' && our.status === 405 && their.status === 200;
      if (one === other || isFile) continue;
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

function makeSite(folder) {
  const root = join(folder, 'site');
  for (const path of ['', 'sub', 'pages', 'empty']) mkdirSync(join(root, path));
  for (const path of ['index.php', 'a.php', 'sub/index.php', 'sub/b c.php']) writeFileSync(join(root, path), REPORT);
  writeFileSync(join(root, 'pages/index.html'), 'a page');
  writeFileSync(join(root, 'pages/index.php'), REPORT);
  writeFileSync(join(root, 'image.gif'), REPORT);
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

function randomRequest(random) {
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']);
  const hasContent = method.startsWith('P') && random.chance(0.9);
  const content = hasContent ? random.bytes(random.length(100_000)) : Buffer.alloc(0);
  const path = random.pick(PATHS);
  // What is behind a folder or a page is another path.
  const behind = path.endsWith('.php') ? random.pick(BEHIND) : '';
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
    ...(isReport ? JSON.parse(text) : { text }),
  };
}
