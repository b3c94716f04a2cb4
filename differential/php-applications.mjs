// DokuWiki, MediaWiki and WordPress as Debian has them, installed and used through their own web pages: with a PHP that
// onezero starts, with a php-fpm that listens, and with a php-cgi for each request. Each logs in, makes a page, uploads a file and
// reads both by short addresses.
//
//   [APPLICATION=WordPress] node differential/run.mjs php-applications --verbose
//
// Needs Debian's dokuwiki, mediawiki, wordpress, wordpress-theme-twentytwentythree, mariadb-server, php8.2-{fpm,sqlite3,mysql,mbstring,xml,intl,gd}. What is not
// installed is left out. It takes a minute or two, so it is no part of `npm test`.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { scratchFolder, startOnezero } from './peers.mjs';
import { Visitor } from './visitor.mjs';

const FPM = '/usr/sbin/php-fpm8.2';
const PASSWORD = 'Correct-horse-9';
/** One red point. */
const IMAGE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
);

const APPLICATIONS = [
  { name: 'DokuWiki', from: '/usr/share/dokuwiki', prepare: prepareDokuwiki, use: useDokuwiki },
  { name: 'MediaWiki', from: '/usr/share/mediawiki', prepare: prepareMediawiki, use: useMediawiki },
  { name: 'WordPress', from: '/usr/share/wordpress', prepare: prepareWordpress, use: useWordpress },
];

/** How PHP is asked: each is one flag. */
const WAYS = {
  'a PHP of its own': () => `--php=${FPM}`,
  'a php-fpm that listens': async (folder, ends) => `--php=${await startFpm(folder, ends)}`,
  'a php-cgi for each request': () => '--cgi=.php=php-cgi',
};

/** @param {{ seed?: number, log?: (line: string) => void }} run */
export async function compare({ log = () => undefined }) {
  const wanted = process.env['APPLICATION'];
  const differences = [];
  let checked = 0;
  if (process.env['CI'] !== undefined) {
    for (const { name, from } of APPLICATIONS) if (!existsSync(from)) differences.push(`${name} is not installed`);
  }
  for (const application of APPLICATIONS.filter(
    ({ from, name }) => existsSync(from) && existsSync(FPM) && (wanted ?? name) === name,
  )) {
    for (const way of Object.keys(WAYS)) {
      const label = `${application.name} with ${way}`;
      const checks = (what, isRight) => {
        checked++;
        log(`${isRight ? 'ok    ' : 'FAILED'} ${label}: ${what}`);
        if (!isRight) differences.push(`${label}: ${what}`);
      };
      try {
        await inPlace(application, way, checks);
      } catch (error) {
        differences.push(`${label}: ${error.stack}`);
      }
    }
  }
  return { checked, differences };
}

/** Copies an application, serves the copy, and uses it. */
async function inPlace({ from, prepare, use }, way, checks) {
  const folder = scratchFolder('php-applications');
  chmodSync(folder.path, 0o755);
  const root = join(folder.path, 'site');
  cpSync(from, root, {
    recursive: true,
    dereference: true,
    filter: (path) => !/\/(?:wp-config|LocalSettings)\.php$/.test(path),
  });
  const ends = [];
  try {
    const prepared = await prepare(root, folder.path, ends);
    const server = await startOnezero([root, await WAYS[way](folder.path, ends), '--max-content', '32m']);
    ends.push(() => server.stop());
    await use(new Visitor(`http://127.0.0.1:${server.port}`), checks, { root, ...prepared });
  } finally {
    for (const end of ends.toReversed()) await end();
    folder.remove();
  }
}

async function startFpm(folder, ends) {
  const socket = join(folder, 'fpm.sock');
  const user = process.getuid?.() === 0 ? 'user = root\ngroup = root\n' : '';
  const file = join(folder, 'fpm.conf');
  writeFileSync(
    file,
    `[global]\nerror_log = ${join(folder, 'fpm.log')}\n[www]\n${user}listen = ${socket}\npm = static\npm.max_children = 4\n`,
  );
  const child = spawn(FPM, ['-R', '-F', '-y', file], { stdio: 'ignore' });
  ends.push(() => ended(child));
  while (!existsSync(socket) && child.exitCode === null) await delay(10);
  return socket;
}

async function ended(child, signal = 'SIGTERM') {
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

function prepareDokuwiki(root) {
  // Debian's puts configuration and data elsewhere.
  rmSync(join(root, 'inc/preload.php'), { force: true });
  cpSync('/etc/dokuwiki', join(root, 'conf'), { recursive: true, dereference: true });
  for (const name of ['local.php', 'users.auth.php', 'acl.auth.php']) rmSync(join(root, 'conf', name), { force: true });
  const data = [
    'pages',
    'media',
    'media_attic',
    'media_meta',
    'meta',
    'attic',
    'cache',
    'index',
    'locks',
    'tmp',
    'log',
  ];
  for (const name of data) mkdirSync(join(root, 'data', name), { recursive: true });
}

async function useDokuwiki(visitor, checks, { root }) {
  const set = {
    'd[title]': 'Wiki',
    'd[acl]': 'on',
    'd[superuser]': 'ann',
    'd[fullname]': 'Ann',
    'd[email]': 'ann@example.org',
    'd[password]': PASSWORD,
    'd[confirm]': PASSWORD,
    'd[policy]': '0',
    'd[license]': '0',
    submit: 'Save',
  };
  const installed = await visitor.submit('/install.php', (one) => 'd[title]' in one, set);
  checks('installs', existsSync(join(root, 'conf/local.php')) && installed.status === 200);
  rmSync(join(root, 'install.php'));
  writeFileSync(join(root, 'conf/local.protected.php'), "<?php $conf['userewrite'] = 2; $conf['useslash'] = 1;");
  const inside = await visitor.submit('/doku.php?id=start&do=login', (one) => 'u' in one, { u: 'ann', p: PASSWORD });
  checks('logs in', /do=logout/.test(inside.text));
  const page = 'A page of Ünïcode.';
  const saved = await visitor.submit(
    '/doku.php/place/first?do=edit',
    (one) => 'wikitext' in one,
    { wikitext: page, 'do[save]': '1' },
    ['do[preview]', 'do[cancel]', 'do[draftdel]'],
  );
  checks('saves a page', saved.text.includes(page));
  checks('reads it by its path', (await visitor.get('/doku.php/place/first')).text.includes(page));
  const token = /name="sectok" value="(\w+)"/.exec((await visitor.get('/doku.php/start?do=media&ns=place')).text)?.[1];
  const upload = await visitor.post(
    `/lib/exe/ajax.php?call=mediaupload&ns=place&sectok=${token}&qqfile=dot.png`,
    IMAGE,
    'application/octet-stream',
  );
  const image = await visitor.get('/lib/exe/fetch.php/place/dot.png');
  checks('uploads an image', upload.status === 200 && image.bytes.equals(IMAGE) && image.type === 'image/png');
  for (const path of [
    '/conf/local.php',
    '/conf/users.auth.php',
    '/inc/init.php',
    '/conf/USERS.AUTH.PHP',
    '/doku.php%2f..%2fconf/users.auth.php',
  ]) {
    const { text } = await visitor.get(path);
    checks(`keeps ${path} secret`, !text.includes('<?php') && !text.includes('$2y$') && !text.includes('$conf['));
  }
}

function prepareMediawiki(root, folder) {
  for (const name of ['images', 'cache']) mkdirSync(join(root, name), { recursive: true });
  mkdirSync(join(folder, 'data'), { mode: 0o777 });
  return { data: join(folder, 'data') };
}

async function useMediawiki(visitor, checks, { root, data }) {
  let page = await visitor.get('/mw-config/index.php');
  const set = {
    DBType: 'sqlite',
    wgSQLiteDataDir: data,
    config__DBType: 'sqlite',
    config_wgDBtype: 'sqlite',
    config_wgSQLiteDataDir: data,
    sqlite_wgSQLiteDataDir: data,
    config_wgSitename: 'Wiki',
    config__AdminName: 'Ann',
    config__AdminPassword: PASSWORD,
    config__AdminPasswordConfirm: PASSWORD,
    config__NamespaceType: 'site-name',
    config__SkipOptional: 'skip',
    config_wgEnableUploads: '1',
    config__LicenseCode: 'none',
    config_Subscribe: undefined,
  };
  for (let step = 0; step < 14 && !page.text.includes('LocalSettings.php'); step++) {
    page = await visitor.submitPage(
      page,
      (one) => 'submit-continue' in one || 'uselang' in one || 'LanguageCode' in one,
      { ...set, 'submit-continue': 'Continue →' },
      ['submit-back', 'submit-restart', 'submit-retry'],
    );
  }
  const settings = await visitor.get('/mw-config/index.php?localsettings=1');
  checks('installs', settings.text.startsWith('<?php'));
  writeFileSync(
    join(root, 'LocalSettings.php'),
    `${settings.text}\n$wgEnableUploads = true; $wgArticlePath = '/wiki/$1'; $wgJobRunRate = 0; $wgVerifyMimeType = false;\n`,
  );
  const inside = await visitor.submit('/index.php?title=Special:UserLogin', (one) => 'wpName' in one, {
    wpName: 'Ann',
    wpPassword: PASSWORD,
  });
  checks('logs in', /Special:UserLogout|pt-logout/.test(inside.text));
  const text = 'A page of Ünïcode.';
  await visitor.submit(
    '/index.php?title=Place/First_page&action=edit',
    (one) => 'wpTextbox1' in one,
    { wpTextbox1: text, wpSave: 'Save' },
    ['wpPreview', 'wpDiff'],
  );
  checks('reads a page by its short address', (await visitor.get('/wiki/Place/First_page')).text.includes(text));
  checks('reads it by PATH_INFO', (await visitor.get('/index.php/Place/First_page')).text.includes(text));
  const tokens = JSON.parse((await visitor.get('/api.php?action=query&meta=tokens&format=json')).text);
  const form = new FormData();
  for (const [name, value] of Object.entries({
    action: 'upload',
    filename: 'Dot.png',
    ignorewarnings: '1',
    format: 'json',
    token: tokens.query.tokens.csrftoken,
  }))
    form.set(name, value);
  form.set('file', new Blob([IMAGE], { type: 'image/png' }), 'dot.png');
  const uploaded = JSON.parse((await visitor.post('/api.php', form)).text);
  const url = uploaded.upload?.imageinfo?.url ?? '/none';
  const image = await visitor.get(new URL(url, visitor.origin).pathname);
  checks(
    `uploads an image ${uploaded.upload === undefined ? JSON.stringify(uploaded) : ''}`,
    image.bytes.equals(IMAGE) && image.type === 'image/png',
  );
  checks('keeps its settings secret', !(await visitor.get('/LocalSettings.php')).text.includes('wgSecretKey'));
  checks('loads styles', (await visitor.get('/load.php?lang=en&modules=site.styles&only=styles')).type === 'text/css');
  const rest = await visitor.get('/rest.php/v1/page/Place%2FFirst_page');
  checks('answers its REST interface', rest.status === 200 && rest.text.includes('First'));
}

async function prepareWordpress(root, folder, ends) {
  mkdirSync(join(root, 'wp-content/uploads'), { recursive: true });
  const data = join(folder, 'mariadb');
  const socket = join(folder, 'db.sock');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  execFileSync(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', ...user],
    { stdio: 'ignore' },
  );
  const database = spawn(
    'mariadbd',
    ['--no-defaults', `--datadir=${data}`, `--socket=${socket}`, '--skip-networking', ...user],
    { stdio: 'ignore' },
  );
  ends.push(() => ended(database));
  while (!existsSync(socket) && database.exitCode === null) await delay(50);
  execFileSync('mariadb', [
    '--no-defaults',
    `--socket=${socket}`,
    '-uroot',
    '-e',
    "CREATE DATABASE wp; CREATE USER wp@localhost IDENTIFIED BY 'wp'; GRANT ALL ON wp.* TO wp@localhost",
  ]);
  return { socket };
}

async function useWordpress(visitor, checks, { root, socket }) {
  const database = { dbname: 'wp', uname: 'wp', pwd: 'wp', dbhost: `localhost:${socket}`, prefix: 'wp_' };
  await visitor.submit('/wp-admin/setup-config.php?step=1&language=en_US', (one) => 'dbname' in one, database);
  const file = join(root, 'wp-config.php');
  checks('writes its configuration', existsSync(file));
  // No test asks for updates.
  const quiet = "<?php define('WP_HTTP_BLOCK_EXTERNAL', true); define('DISABLE_WP_CRON', true);";
  if (existsSync(file)) writeFileSync(file, readFileSync(file, 'utf8').replace('<?php', quiet));
  const site = {
    weblog_title: 'Site',
    user_name: 'ann',
    admin_password: PASSWORD,
    admin_password2: PASSWORD,
    pw_weak: 'on',
    admin_email: 'ann@example.org',
  };
  const installed = await visitor.submit('/wp-admin/install.php?language=en_US', (one) => 'weblog_title' in one, site);
  checks('installs', /Success|wp-login\.php/.test(installed.text));
  const inside = await visitor.submit('/wp-login.php', (one) => 'log' in one, { log: 'ann', pwd: PASSWORD });
  checks('logs in', /wp-admin-bar|Dashboard/.test(inside.text));
  checks('redirects /wp-admin to its folder', (await visitor.get('/wp-admin')).text.includes('Dashboard'));
  await visitor.submit('/wp-admin/options-permalink.php', (one) => 'permalink_structure' in one, {
    selection: 'custom',
    permalink_structure: '/%year%/%monthnum%/%postname%/',
  });
  const nonce = (await visitor.get('/wp-admin/admin-ajax.php?action=rest-nonce')).text;
  const made = await visitor.post(
    '/wp-json/wp/v2/posts',
    JSON.stringify({ title: 'First post', content: 'A post of Ünïcode.', status: 'publish' }),
    'application/json',
    { 'X-WP-Nonce': nonce },
  );
  const post = JSON.parse(made.text);
  checks(`makes a post (${made.status})`, made.status === 201);
  const path = new URL(post.link ?? '/none', visitor.origin).pathname;
  const read = await visitor.get(path);
  checks(
    `reads it by its pretty address ${path}`,
    /^\/\d{4}\/\d\d\/first-post\/$/.test(path) && read.status === 200 && read.text.includes('A post of Ünïcode.'),
  );
  checks('adds the slash that is missing', (await visitor.get(path.slice(0, -1))).text.includes('A post of Ünïcode.'));
  const media = await visitor.post('/wp-json/wp/v2/media', IMAGE, 'image/png', {
    'X-WP-Nonce': nonce,
    'Content-Disposition': 'attachment; filename="dot.png"',
  });
  const image = await visitor.get(new URL(JSON.parse(media.text).source_url ?? '/none', visitor.origin).pathname);
  checks('uploads an image', media.status === 201 && image.bytes.equals(IMAGE) && image.type === 'image/png');
  const missing = await visitor.get('/2026/01/no-such-post/');
  checks('shows its own page for what is missing', missing.status === 404 && missing.text.includes('<html'));
  checks('sends its feed', (await visitor.get('/feed/')).text.includes('First post'));
  checks('sends styles as files', (await visitor.get('/wp-includes/css/dashicons.min.css')).type === 'text/css');
  for (const secret of ['/wp-config.php', '/WP-CONFIG.PHP', '/wp-config.php~', '/wp-config.php.']) {
    checks(`keeps ${secret} secret`, !(await visitor.get(secret)).text.includes('DB_PASSWORD'));
  }
}
