// Sources of scripts: a random folder of scripts, of what editors and people leave beside them, of links to them from inside and
// outside, served by each way that runs them; then requests of every kind that may get at a source: other names, ranges, tar
// archives, copies over WebDAV. No answer may hold one. Apache and nginx are not asked: with the configuration of their manuals
// they send what editors leave beside scripts, and what a link by another name leads to.

import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { createServer } from '../packages/server/dist/index.js';
import { exchange } from './client.mjs';
import { isInstalled, scratchFolder } from './peers.mjs';
import { randomSource } from './random.mjs';

/** What every source holds and no answer may; scripts say something else when they run. */
const MARK = 'SECRET-5ca1ab1e';
const PHP = `<?php /* ${MARK} */ echo "ran";`;
const SOURCES = {
  '.php': PHP,
  '.cgi': `#!/bin/sh\n# ${MARK}\nprintf 'Content-Type: text/plain\\n\\nran'\n`,
  '.py': `#!/usr/bin/python3\n# ${MARK}\nprint('Content-Type: text/plain\\n\\nran')\n`,
};
/** Behind the name of a script, by editors, tools and people. */
const LEFT_OVERS = [
  '~',
  '.bak',
  '.BAK',
  '.orig',
  '.save',
  '.swp',
  '.old',
  '.tmp',
  '.1',
  '_bak',
  '-copy',
  '.dist',
  '.rej',
  '.',
  ' ',
  '.gz',
  '.br',
  '.zst',
  '.bak.gz',
];
const NAMES = ['index', 'a', 'b', 'config', 'x y', 'é', 'a.b'];
const FOLDERS = ['', 'sub/', 'sub/deep/', 'up.php/', 'cgi/'];

/** @param {{ seed: number, count?: number, log?: (line: string) => void }} run */
export async function compare({ seed, count = 2000, log = () => undefined }) {
  const random = randomSource(seed);
  const differences = [];
  let checked = 0;
  let ran = 0;
  const rounds = Math.max(1, Math.round(count / 200));
  for (let round = 0; round < rounds; round++) {
    const folder = scratchFolder('sources');
    const site = makeSite(random, folder.path);
    const setting = randomSetting(random, site);
    const server = createServer({ ...setting.options, reportErrors: false });
    try {
      await server.ready();
      const [{ port }] = await server.listen({ port: 0, host: '127.0.0.1' });
      for (let number = 0; number < count / rounds; number++) {
        const requests = randomRequests(random, site);
        for (const request of requests) {
          const answer = await exchange(port, request);
          checked++;
          if (answer.content.includes('ran')) ran++;
          if (!holdsSource(answer)) continue;
          const { method, target, fields } = request;
          differences.push({
            round,
            setting: setting.name,
            requests: requests.map((one) => `${one.method} ${one.target}`),
            method,
            target,
            fields,
            status: answer.status,
          });
        }
      }
    } finally {
      await server.close({ graceMs: 0 });
      folder.remove();
    }
  }
  log(`${ran} scripts ran`);
  return { checked: ran === 0 ? 0 : checked, differences };
}

/** Plain, or packed as a file beside it or an archive would be. */
function holdsSource({ content }) {
  if (content.includes(MARK)) return true;
  try {
    return gunzipSync(content).includes(MARK);
  } catch {
    // It is not packed.
    return false;
  }
}

function makeSite(random, folder) {
  const [root, outside] = ['site', 'outside'].map((name) => join(folder, name));
  const paths = [];
  for (const place of [...FOLDERS, 'up/']) mkdirSync(join(root, place), { recursive: true });
  mkdirSync(join(outside, 'lib'), { recursive: true });
  const put = (path, content, mode = 0o755) => {
    writeFileSync(path, content);
    chmodSync(path, mode);
  };
  for (const place of FOLDERS) {
    for (const extension of Object.keys(SOURCES)) {
      for (const name of random.some(NAMES, 0.4)) {
        const path = `${place}${name}${extension}`;
        put(join(root, path), SOURCES[extension], random.chance(0.8) ? 0o755 : 0o644);
        paths.push(path);
        for (const rest of random.some(LEFT_OVERS, 0.2)) {
          const isPacked = rest.endsWith('.gz');
          put(join(root, path + rest), isPacked ? gzipSync(SOURCES[extension]) : SOURCES[extension], 0o644);
          paths.push(path + rest);
        }
      }
      const upper = `${place}UP${extension.toUpperCase()}`;
      put(join(root, upper), SOURCES[extension]);
      paths.push(upper);
    }
  }
  for (const extension of Object.keys(SOURCES)) put(join(outside, `lib/out${extension}`), SOURCES[extension]);
  writeFileSync(join(root, 'page.html'), 'page');
  writeFileSync(join(root, 'upload.jpg'), 'image');
  paths.push('page.html', 'upload.jpg');
  const link = (target, path) => {
    symlinkSync(target, join(root, path));
    paths.push(path);
  };
  const scripts = paths.filter((path) => /\.(?:php|cgi|py)$/.test(path));
  // A link whose own extension is run runs what it leads to, as everywhere; of another kind that would be a script of no sense.
  const nameFor = (path) => random.pick(['.txt', '.html', '', '.gif', extname(path), extname(path).toUpperCase()]);
  for (let number = 0; number < 6; number++) {
    const [script, other] = [random.pick(scripts), `lib/out${random.pick(Object.keys(SOURCES))}`];
    link(join(root, script), `link${number}${nameFor(script)}`);
    link(join(outside, other), `leads${number}${nameFor(other)}`);
    linkSync(join(root, script), join(root, `up/hard${number}${extname(script)}`));
  }
  link(join(outside, 'lib'), 'linked');
  link('.', 'self');
  paths.push('linked/out.php', 'linked/out.cgi', 'linked/out.py', `self/${random.pick(scripts)}`);
  return { folder, root, outside, paths };
}

function randomSetting(random, { root, folder }) {
  const runs = [
    { name: 'php', php: true, cgi: [{ root, extensions: { '.cgi': null, '.py': null } }] },
    {
      name: 'cgi',
      cgi: [
        {
          root,
          extensions: { '.php': 'php-cgi', '.cgi': null, '.py': 'python3' },
          front: random.pick([undefined, 'index.php']),
        },
      ],
    },
    // Nobody listens there: what is a source does not depend on who runs it.
    {
      name: 'fastcgi',
      fastcgi: {
        address: join(folder, 'none.sock'),
        root,
        front: random.pick([undefined, 'index.php']),
        limits: { connectTimeoutMs: 1 },
      },
      cgi: [{ root, extensions: { '.cgi': null, '.py': null } }],
    },
  ].filter(({ name }) => name === 'fastcgi' || isInstalled('php-cgi'));
  const { name, ...how } = random.pick(runs);
  const symlinks = random.pick(['inside', 'all', 'deny']);
  const isWritable = random.chance(0.3);
  return {
    name: `${name} symlinks=${symlinks}`,
    options: {
      root,
      ...how,
      ...(random.chance(0.5) ? { webdav: { path: '/dav', root } } : {}),
      static: {
        symlinks,
        listing: { archives: true },
        dotfiles: random.pick(['deny', 'allow']),
        precompressed: true,
        fallback: random.pick([undefined, '/page.html']),
        ...(isWritable ? { writable: true } : {}),
      },
    },
  };
}

const ENDS = [
  '',
  '',
  '',
  '',
  '/',
  '//',
  '/.',
  '/..',
  '/x',
  '/x.php',
  '.',
  '..',
  '%20',
  '%00',
  '%00.txt',
  '%0a',
  ';',
  ';x',
  '::$DATA',
  '%2e',
  '/%2e',
  '%2f',
  '?',
  '#',
  '\\',
  '%5c',
  '.txt',
  '~',
  '.bak',
  '/upload.jpg',
  ':',
  '%c0%ae',
  '%2Egz',
  '.gz',
  '?format=tar',
  '?format=raw',
  '?source',
  '?-s',
  '?-sx',
];
const RANGES = [
  [],
  [],
  [],
  [
    ['Range', 'bytes=0-'],
    ['If-Range', '"x"'],
  ],
  [['Range', 'bytes=3-60,1-9']],
  [['Accept-Encoding', 'gzip, br, zstd']],
  [['Accept', 'text/plain']],
  [['Want-Repr-Digest', 'sha-256=1']],
  [['If-Modified-Since', 'Sat, 01 Jan 2000 00:00:00 GMT']],
  [['Translate', 'f']],
];

function spelt(random, path) {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const change = random.pick([
    (text) => text,
    (text) => text,
    (text) => text,
    (text) => text.toUpperCase(),
    (text) => text.replace(/\.(?=\w+$)/, '%2e'),
    (text) => text.replace(/p/g, '%70'),
    (text) => text.replace(/\//g, '%2f'),
    (text) => text.replace(/\//g, '//'),
    (text) => `x/../${text}`,
    (text) => `./${text}`,
    (text) => `self/${text}`,
    (text) => `upload.jpg/../${text}`,
    (text) => text.replace(/(?=\.\w+$)/, '%20'),
    (text) => text.replace(/\.php/, '.pHp'),
    (text) => text.replace(/\.php/, '.php%e2%80%8b'),
  ]);
  return change(encoded);
}

/** Mostly one; a copy or a move is followed by a look at what it made. */
function randomRequests(random, { paths }) {
  const path = random.pick(paths);
  const target = `/${spelt(random, path)}${random.pick(ENDS)}`;
  const fields = random.pick(RANGES);
  if (random.chance(0.08)) {
    const place = random.pick(['/dav/', '/']);
    const to = `${place}copied${random.int(0, 9)}${random.pick(['.txt', '.php', ''])}`;
    const from = `${place}${path.split('/').map(encodeURIComponent).join('/')}`;
    const method = random.pick(['COPY', 'COPY', 'MOVE']);
    return [
      {
        method,
        target: from,
        fields: [
          ['Destination', to],
          ['Overwrite', 'T'],
        ],
      },
      ...[to, to.replace('/dav', '')].map((one) => ({ method: 'GET', target: one, fields: [] })),
    ];
  }
  const method = random.pick([
    'GET',
    'GET',
    'GET',
    'GET',
    'HEAD',
    'POST',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'QUERY',
    'get',
  ]);
  const isArchive = random.chance(0.05);
  const place = isArchive ? `/${random.pick(FOLDERS)}?format=tar` : random.chance(0.15) ? `/dav${target}` : target;
  return [{ method, target: place.replace(/[ \x80-\uffff]/g, encodeURIComponent), fields }];
}
