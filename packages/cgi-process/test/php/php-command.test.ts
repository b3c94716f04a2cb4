import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { phpCommand } from '../../src/php/php-command.ts';
import type { PhpProgram } from '../../src/php/php-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-php-command-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fpm: PhpProgram = {
  program: '/usr/sbin/php-fpm',
  dialect: 'fpm',
  children: 7,
  ini: { memory_limit: '1G', 'date.timezone': 'Europe/Berlin', empty: '' },
  extensions: ['.php', '.phtml'],
  runsAs: { uid: 1000, gid: 1000 },
};
const settings = ['-d', 'memory_limit=1G', '-d', 'date.timezone=Europe/Berlin', '-d', 'empty='];

/** The configuration of a pool, by section and name. */
function configuration(): Record<string, string> {
  let section = '';
  const found: Record<string, string> = {};
  for (const line of readFileSync(join(folder, 'php-fpm.conf'), 'utf8').split('\n')) {
    const [, name, value] = /^([\w.]+) = (.*)$/.exec(line) ?? [];
    if (name !== undefined) found[`${section}.${name}`] = value ?? '';
    else section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section;
  }
  return found;
}

describe('phpCommand', () => {
  test('tells php-cgi by its environment how many it is', () => {
    expect(phpCommand({ ...fpm, program: '/usr/bin/php-cgi', dialect: 'cgi' }, folder, '/run/x.sock', false)).toEqual({
      words: ['/usr/bin/php-cgi', ...settings, '-b', '/run/x.sock'],
      env: { PHP_FCGI_CHILDREN: '7', PHP_FCGI_MAX_REQUESTS: '1000' },
    });
  });

  test('gives php-fpm a pool of its own in the foreground', () => {
    const { words, env } = phpCommand(fpm, folder, join(folder, 'php.sock'), false);
    const file = join(folder, 'php-fpm.conf');
    expect(words).toEqual(['/usr/sbin/php-fpm', '--nodaemonize', '--fpm-config', file, ...settings]);
    expect(env).toEqual({});
    expect(configuration()).toEqual({
      // In quotes, as a folder for temporary files may have parentheses and the like in its name.
      'global.error_log': `"${join(folder, 'log')}"`,
      'global.log_level': 'warning',
      'onezero.listen': `"${join(folder, 'php.sock')}"`,
      'onezero.listen.mode': '0600',
      'onezero.pm': 'ondemand',
      'onezero.pm.max_children': '7',
      'onezero.pm.process_idle_timeout': '60s',
      'onezero.clear_env': 'no',
      'onezero.security.limit_extensions': '.php .phtml',
    });
    expect(statSync(file).mode & 0o777).toBe(0o644);
  });

  test.each(['fpm', 'cgi'] as const)(
    'has uploads of php-%s wait in the private folder, unless told otherwise',
    (dialect) => {
      const own = `upload_tmp_dir=${join(folder, 'uploads')}`;
      const words = (ini: Record<string, string>): readonly string[] =>
        phpCommand({ ...fpm, dialect, ini }, folder, '/x', true).words.filter((word) => word.startsWith('upload_'));
      expect(words({})).toEqual([own]);
      expect(words({ upload_tmp_dir: '/large' })).toEqual(['upload_tmp_dir=/large']);
    },
  );

  test('says who its children are where the master is root', () => {
    const { words } = phpCommand({ ...fpm, runsAs: { uid: 0, gid: 5 } }, folder, '/x', false);
    expect(words).toContain('--allow-to-run-as-root');
    expect(configuration()).toMatchObject({ 'onezero.user': '0', 'onezero.group': '5' });
  });
});
