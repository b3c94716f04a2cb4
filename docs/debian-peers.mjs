// Servers as an installation leaves them: the configuration that the Debian package installs, copied; only what one machine
// cannot share is changed (port, root, and where logs and process numbers are written). The Node libraries run as their
// README's first example does.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled, startOnezero, startServer } from '../differential/peers.mjs';

const nodePeers = join(import.meta.dirname, '../bench/peers');

/** Replaces parts of a file; throws where a part is missing, since then the file is no longer the one that was meant. */
function edit(file, replacements) {
  let text = readFileSync(file, 'utf8');
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`${file} has no “${from}”`);
    text = text.replaceAll(from, to);
  }
  writeFileSync(file, text);
}

function nginx(root) {
  return startServer('nginx', (port, folder) => {
    const copy = join(folder, 'nginx');
    cpSync('/etc/nginx', copy, { recursive: true, verbatimSymlinks: true });
    rmSync(join(copy, 'sites-enabled/default'), { force: true });
    cpSync('/etc/nginx/sites-available/default', join(copy, 'sites-enabled/default'));
    edit(join(copy, 'nginx.conf'), [
      ['/etc/nginx/', `${copy}/`],
      ['/run/nginx.pid', `${folder}/pid`],
      ['/var/log/nginx', folder],
    ]);
    edit(join(copy, 'sites-enabled/default'), [
      ['listen 80 default_server', `listen 127.0.0.1:${port} default_server`],
      ['listen [::]:80 default_server;', ''],
      ['root /var/www/html', `root ${root}`],
    ]);
    return ['nginx', '-c', join(copy, 'nginx.conf'), '-g', 'daemon off;'];
  });
}

function apache(root) {
  return startServer('apache2', (port, folder) => {
    const copy = join(folder, 'apache2');
    cpSync('/etc/apache2', copy, { recursive: true, verbatimSymlinks: true });
    // Other packages enable modules too; these are the ones that apache2 itself enables.
    for (const name of readdirSync(join(copy, 'mods-enabled'))) {
      if (name.startsWith('wsgi.')) rmSync(join(copy, 'mods-enabled', name));
    }
    edit(join(copy, 'apache2.conf'), [['<Directory /var/www/>', `<Directory ${root}/>`]]);
    edit(join(copy, 'ports.conf'), [['Listen 80', `Listen 127.0.0.1:${port}`]]);
    edit(join(copy, 'sites-available/000-default.conf'), [
      ['*:80', `*:${port}`],
      ['/var/www/html', root],
    ]);
    const variables = {
      APACHE_CONFDIR: copy,
      APACHE_RUN_USER: 'www-data',
      APACHE_RUN_GROUP: 'www-data',
      APACHE_PID_FILE: `${folder}/pid`,
      APACHE_RUN_DIR: folder,
      APACHE_LOCK_DIR: folder,
      APACHE_LOG_DIR: folder,
    };
    const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    return ['env', ...words, 'apache2', '-d', copy, '-f', join(copy, 'apache2.conf'), '-DFOREGROUND'];
  });
}

function lighttpd(root) {
  return startServer('lighttpd', (port, folder) => {
    const file = join(folder, 'lighttpd.conf');
    cpSync('/etc/lighttpd/lighttpd.conf', file);
    writeFileSync(join(folder, 'error.log'), '');
    chmodSync(join(folder, 'error.log'), 0o666);
    mkdirSync(join(folder, 'uploads'));
    edit(file, [
      ['"/var/www/html"', `"${root}"`],
      ['"/var/cache/lighttpd/uploads"', `"${folder}/uploads"`],
      ['"/var/log/lighttpd/error.log"', `"${folder}/error.log"`],
      ['"/run/lighttpd.pid"', `"${folder}/pid"`],
      [/^server\.port.*$/m.exec(readFileSync(file, 'utf8'))[0], `server.port = ${port}\nserver.bind = "127.0.0.1"`],
      [/^include_shell.*use-ipv6.*$/m.exec(readFileSync(file, 'utf8'))[0], ''],
    ]);
    return ['lighttpd', '-D', '-f', file];
  });
}

function caddy(root) {
  return startServer('caddy', (port, folder) => {
    const file = join(folder, 'Caddyfile');
    cpSync('/etc/caddy/Caddyfile', file);
    edit(file, [
      [':80 {', `http://127.0.0.1:${port}, http://localhost:${port} {`],
      ['/usr/share/caddy', root],
    ]);
    // The port of its administration is one for the whole machine.
    writeFileSync(file, `{\n\tadmin off\n}\n${readFileSync(file, 'utf8')}`);
    return ['env', `HOME=${folder}`, 'caddy', 'run', '--config', file, '--adapter', 'caddyfile'];
  });
}

const library = (name) => (root) =>
  startServer(name, (port) => [process.execPath, join(nodePeers, `node-${name}.mjs`), root, String(port)]);

/** `{ name, version, start(root) }` of each server that is installed, onezero first. */
export const debianPeers = [
  { name: 'onezero', version: [], start: (root) => startOnezero([root]) },
  { name: 'nginx', version: ['nginx', '-v'], start: nginx },
  { name: 'apache2', version: ['apache2', '-v'], start: apache },
  { name: 'lighttpd', version: ['lighttpd', '-v'], start: lighttpd },
  { name: 'caddy', version: ['caddy', 'version'], start: caddy },
  { name: 'sirv', version: 'sirv', start: library('sirv') },
  { name: 'serve-static', version: 'serve-static', start: library('serve-static') },
].filter(({ version }) => !Array.isArray(version) || version.length === 0 || isInstalled(version[0]));

/** The version that a peer's program or manifest names. */
export function versionOf(peer, run) {
  if (peer.version.length === 0) return '';
  if (Array.isArray(peer.version)) return /\d+\.\d+[.\d]*/.exec(run(peer.version))?.[0] ?? '';
  const manifest = join(import.meta.dirname, '../bench/node_modules', peer.version, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : '';
}
