// The restrictions of the unit that the cookbook has, applied by a program where no systemd runs: what a site does must be possible
// under them, and what they forbid must not be.

import { spawn, spawnSync } from 'node:child_process';
import { chownSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { site } from '../command.ts';

const repository = fileURLToPath(new URL('../../../../../', import.meta.url));
const recipe = join(repository, 'cookbook/systemd-unit/onezero.service');
const program = fileURLToPath(new URL('../../fixtures/as-unit.py', import.meta.url));

const runs = (command: string, ...words: readonly string[]): boolean => spawnSync(command, words).status === 0;
const canLimit = runs('/usr/bin/python3', '-c', 'import seccomp') && runs('systemd-analyze', '--version');
const isWhole = process.getuid?.() === 0 && runs('unshare', '--mount', '--uts', 'true');
const hasPhp = runs('/usr/sbin/php-fpm8.2', '-v');

/** What a script that was taken over would try, and whether the unit refuses it for everybody, or only with a view of its own. */
const ATTEMPTS: readonly (readonly [string, 'refused' | 'refused to root' | 'done'])[] = [
  ['unshare --user true', 'refused'],
  ['chroot / true', 'refused'],
  ['chrt --rr 1 true', 'refused'],
  ['renice 5 $$', 'refused'],
  ['mount -t tmpfs x /mnt', 'refused'],
  ["/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_PACKET)'", 'refused'],
  ["/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_NETLINK)'", 'refused'],
  ["/usr/bin/python3 -c 'import os; os.setuid(0)'", 'refused'],
  ['/usr/bin/python3 -c \'import os; os.chown("/proc/self/cwd", 0, 0)\'', 'refused'],
  ['touch /usr/x', 'refused to root'],
  ['touch /srv/cgi-bin/x', 'refused to root'],
  ['ls /root', 'refused to root'],
  ['ls /proc/1', 'refused to root'],
  ['test -e /dev/sda -o -e /dev/kmsg -o -e /dev/fuse', 'refused to root'],
  ['/usr/bin/python3 -c "import socket; socket.create_server((\'127.0.0.1\', 0))"', 'done'],
  ['touch "$TMPDIR/x"', 'done'],
];

const script = [
  '#!/bin/sh',
  'echo Content-Type: text/plain; echo',
  'TMPDIR=${TMPDIR-/tmp}/attempts-$$; mkdir "$TMPDIR"',
  "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t' ' '",
  ...ATTEMPTS.map(([attempt]) => `if ${attempt} >/dev/null 2>&1; then echo done; else echo refused; fi`),
  'rm -r "$TMPDIR"',
].join('\n');

/** The unit with what its page says about writing. */
const withWrites = (text: string, folder: string): string =>
  text.replace('ProtectSystem=strict', `ProtectSystem=strict\nReadWritePaths=${folder}`);

test.skipIf(!canLimit && process.env['CI'] === undefined)(
  'a site is served under the restrictions of the unit',
  async () => {
    const place = site({
      'www/a.txt': 'a',
      'www/page.php': '<?php echo "php ", 6 * 7;',
      'cgi-bin/attempts.sh': script,
      'app/app.py':
        'def application(environ, start):\n    start("200 OK", [])\n    return [b"python ", environ["wsgi.input"].read()]\n',
    });
    const base = isWhole ? '/srv' : place.path;
    const unit = join(place.path, 'onezero.service');
    writeFileSync(unit, withWrites(readFileSync(recipe, 'utf8'), `${base}/www`));
    if (isWhole) chownSync(join(place.path, 'www'), 61_234, 61_234);
    symlinkSync(repository, join(place.path, 'code'));
    symlinkSync(process.execPath, join(place.path, 'node'));
    const fixed =
      `${base}/node ${base}/code/packages/server/bin/onezero.js ${base}/www --cgi-bin ${base}/cgi-bin --writable --port 0 --json ` +
      `--wsgi /app=app:application --cwd ${base}/app --python /usr/bin/python3 --processes 1`;
    const words = [
      ...fixed.split(' '),
      ...(hasPhp ? ['--php=/usr/sbin/php-fpm8.2'] : []),
      ...(isWhole ? ['--log-file', '/var/log/onezero/access.log'] : ['--no-access-log']),
    ];
    const child = spawn('/usr/bin/python3', [program, unit, isWhole ? 'all' : 'calls', '--', ...words], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', SRV: place.path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise((resolve) => child.once('close', (...how) => resolve(how)));
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
      place.remove();
    });
    const lines: string[] = [];
    let complaints = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line.startsWith('{')) break;
    }
    if (isWhole) expect(lines.slice(0, -1), complaints).toEqual(['--']);
    expect(lines.at(-1), complaints).toContain('"ready"');
    const { url } = JSON.parse(lines.at(-1) ?? '') as { url: string };
    const ask = async (path: string, init?: RequestInit): Promise<string> => (await fetch(url + path, init)).text();
    expect(await ask('/a.txt')).toBe('a');
    expect(await ask('/app', { method: 'POST', body: 'answers' })).toBe('python answers');
    if (hasPhp) expect(await ask('/page.php')).toBe('php 42');
    expect((await fetch(`${url}/new.txt`, { method: 'PUT', body: 'new' })).status).toBe(201);
    expect(await ask('/new.txt')).toBe('new');
    const isRefused = (when: string): boolean => when === 'refused' || (isWhole && when === 'refused to root');
    const expected = ATTEMPTS.filter(([, when]) => isWhole || when !== 'refused to root');
    const outcomes = (await ask('/cgi-bin/attempts.sh')).split('\n');
    expect(outcomes.slice(0, 2)).toEqual(['NoNewPrivs: 1', 'Seccomp: 2']);
    const said = ATTEMPTS.map(([attempt, when], at) => [attempt, when, outcomes[at + 2]] as const);
    for (const [attempt, when, outcome] of said.filter(([attempt]) => expected.some(([one]) => one === attempt))) {
      expect([attempt, outcome]).toEqual([attempt, isRefused(when) ? 'refused' : 'done']);
    }
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  },
  60_000,
);
