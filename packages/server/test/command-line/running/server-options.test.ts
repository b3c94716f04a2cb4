import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../../src/command-line/configuration/arguments.ts';
import { resolveConfiguration } from '../../../src/command-line/configuration/configuration.ts';
import { parseJsonWithComments } from '../../../src/command-line/configuration/json-with-comments.ts';
import { keyOf } from '../../../src/command-line/options/from-table.ts';
import { configuredSecrets, servedOptions, serverOptions } from '../../../src/command-line/running/server-options.ts';
import { DEFAULT_LIMITS } from '../../../src/limits.ts';
import type { Limits, ServerOptions } from '../../../src/options.ts';

function configuration(
  words: readonly string[],
  file: string,
): ReturnType<typeof resolveConfiguration>['configuration'] {
  const { written } = readCommandLine(words);
  const placed = { ...parseJsonWithComments(file), path: '/srv/onezero.config.json', shownPath: 'onezero.config.json' };
  const resolved = resolveConfiguration({ written, environment: {}, file: placed, workingDirectory: '/srv' });
  expect(resolved.problems).toEqual([]);
  return resolved.configuration;
}

const optionsOf = (words: readonly string[], file = '{}'): ServerOptions => serverOptions(configuration(words, file));

describe('serverOptions', () => {
  test('gives every limit its default, and each what its own flag says', () => {
    expect(optionsOf([]).limits).toEqual(DEFAULT_LIMITS);
    for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
      const flag = `--${keyOf(name).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      const expected = name.endsWith('Ms') ? 7000 : 7;
      expect(optionsOf([flag, '7']).limits, flag).toEqual({ ...DEFAULT_LIMITS, [name]: expected });
    }
  });

  test('hides its own files and the sources of scripts', () => {
    const words = [
      'www',
      '--cgi-bin',
      'www/bin[1]',
      '--auth-file',
      'www/users',
      '--cgi',
      '.php=php-cgi',
      '--tls-cert',
      'cert.pem',
      '--tls-key',
      'key.pem',
    ];
    const settled = configuration(words.slice(1), '{ "root": "www" }');
    expect(serverOptions(settled).static?.hide).toEqual(['/onezero.config.json', '/onezero.config.jsonc']);
    const { deny, isSource } = configuredSecrets({ ...settled, logFile: '/srv/log', readyFile: '/srv/ready' });
    expect(deny).toEqual(['/srv/key.pem', '/srv/log', '/srv/ready', '/srv/www/users', '/srv/www/bin[1]']);
    expect(['/srv/www/a.php', '/srv/www/a.PHP', '/srv/www/a.html', '/srv/a.php'].map((path) => isSource(path))).toEqual(
      [true, true, false, false],
    );
  });

  test('keeps fields of one name apart', () => {
    expect(optionsOf(['--header', 'Link: </a>', '--header', 'Link: </b>']).fields).toEqual([
      ['link', '</a>'],
      ['link', '</b>'],
    ]);
  });

  test('turns units into the names of members', () => {
    const file = `{
      "root": "www",
      "cgi": [{ "path": "/x", "directory": "x", "headerTimeout": "2s", "maxStderr": "1k", "maxConcurrent": 3, "uid": 33 }],
      "wsgi": [{ "application": "a:b", "silenceTimeout": "1m", "maxMemory": "1g", "threads": 2 }],
      "cors": { "origins": ["https://a"], "maxAge": "1h" },
      "compression": { "codings": ["gzip"], "minSize": "2k" },
      "writable": { "maxFile": "1m" },
    }`;
    const { cgi, wsgi, static: files } = optionsOf(['--cgi-env', 'A=1'], file);
    expect(cgi).toMatchObject([
      {
        path: '/x',
        directory: '/srv/x',
        uid: 33,
        env: { A: '1' },
        limits: { headerTimeoutMs: 2000, maxStderrBytes: 1024 },
        concurrency: { max: 3 },
      },
    ]);
    expect(wsgi).toMatchObject([
      { application: 'a:b', threads: 2, limits: { silenceTimeoutMs: 60_000, maxMemoryBytes: 1024 ** 3 } },
    ]);
    expect(files).toMatchObject({
      cors: { origins: ['https://a'], maxAgeSeconds: 3600 },
      compression: { codings: ['gzip'], minBytes: 2048 },
      writable: { maxFileBytes: 1_048_576 },
    });
  });

  test('gives a site how files are served from around it, and nothing of what is', () => {
    const around = configuration(
      ['--dotfiles', '--writable', '-s'],
      '{ "root": "www", "maxAge": 9, "sites": [{ "host": "a", "root": "b", "maxAge": 1 }] }',
    );
    const [site] = around.sites ?? [];
    expect(servedOptions(site ?? {}, around)).toMatchObject({
      root: '/srv/b',
      cgi: undefined,
      static: { dotfiles: 'allow', maxAgeSeconds: 1, writable: false, fallback: undefined },
    });
  });

  test('asks for passwords that are among those given, and no others', async () => {
    const [rule] = optionsOf(['--auth', 'ann:a:b', '--auth', 'bob:c']).auth ?? [];
    const isUser = rule?.users as (user: string, password: string) => boolean;
    expect([isUser('ann', 'a:b'), isUser('bob', 'c')]).toEqual([true, true]);
    expect([isUser('ann', 'c'), isUser('ann', ''), isUser('bob', 'C'), isUser('', '')]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
