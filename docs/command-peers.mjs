// Commands that people type to serve a folder, each with nothing but a folder and a port; those of npm are installed for it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND, isInstalled, startServer } from '../differential/peers.mjs';

/** Each command: its words for a folder and a port. */
const COMMANDS = {
  onezero: (root, port) => [process.execPath, COMMAND, root, '--port', String(port)],
  serve: (root, port) => ['serve', root, '--listen', String(port)],
  'http-server': (root, port) => ['http-server', root, '--port', String(port)],
  'sirv-cli': (root, port) => ['sirv', root, '--port', String(port)],
  'python http.server': (root, port) => ['python3', '-m', 'http.server', '--directory', root, String(port)],
  'php -S': (root, port) => ['php', '-t', root, '-S', `localhost:${port}`],
};

const NPM = ['serve', 'http-server', 'sirv-cli'];

/** Longer than any of them needs to complain and end. */
const PATIENCE_MS = 8000;

/** Installs the commands of npm into a folder; says which commands there are, each `{ name, version, start, tryToStart }`. */
export function commandPeers(folder) {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...NPM], {
    cwd: folder,
    stdio: 'inherit',
  });
  const env = { PATH: `${join(folder, 'node_modules', '.bin')}:${process.env['PATH']}`, NO_UPDATE_CHECK: '1' };
  return Object.entries(COMMANDS).flatMap(([name, words]) => {
    const version = versionOf(name, folder);
    if (version === undefined) return [];
    return [
      {
        name,
        version,
        start: (root) => startServer(name, (port) => words(root, port), { env }),
        tryToStart: (root, port, ...more) => outcomeOf([...words(root, port), ...more], { ...process.env, ...env }),
      },
    ];
  });
}

/** What a command does that may end by itself: its exit code, null while it runs, and what it printed. */
async function outcomeOf([program, ...words], env) {
  const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text));
  const ended = new Promise((resolve) => child.once('close', resolve));
  const code = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null))]);
  child.kill('SIGKILL');
  await ended;
  return { code, printed };
}

/** Undefined for a command that is not there. */
function versionOf(name, folder) {
  if (name === 'onezero') return '';
  if (NPM.includes(name)) {
    const manifest = join(folder, 'node_modules', name, 'package.json');
    return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
  }
  const [program] = COMMANDS[name]('', 0);
  if (!isInstalled(program)) return undefined;
  return /\d+\.\d+[.\d]*/.exec(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout)?.[0] ?? '';
}
