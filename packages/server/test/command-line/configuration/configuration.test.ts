import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../../src/command-line/configuration/arguments.ts';
import { resolveConfiguration, type Resolved } from '../../../src/command-line/configuration/configuration.ts';
import { parseJsonWithComments } from '../../../src/command-line/configuration/json-with-comments.ts';
import { describeSource, environmentName, flagName, isNegatable } from '../../../src/command-line/options/option.ts';
import { optionEntries } from '../../../src/command-line/options/table.ts';

function resolve(words: string[], environment: Record<string, string> = {}, text?: string): Resolved {
  const { written, problems } = readCommandLine(words);
  expect(problems).toEqual([]);
  const path = '/etc/site/onezero.config.json';
  const file =
    text === undefined ? undefined : { ...parseJsonWithComments(text), path, shownPath: 'onezero.config.json' };
  return resolveConfiguration({ written, environment, file, workingDirectory: '/desk' });
}

describe('resolveConfiguration', () => {
  test('takes a flag before the environment before the file before the default', () => {
    const text = '{ "port": 1, "host": "a", "maxAge": "1h", "maxHead": "1k" }';
    const environment = { ONEZERO_PORT: '2', ONEZERO_HOST: 'b', ONEZERO_MAX_AGE: '2h', PORT: '7', HOST: 'z' };
    const { configuration, sources, problems } = resolve(['-p', '3', '--host=c'], environment, text);
    expect(problems).toEqual([]);
    expect(configuration).toMatchObject({ port: 3, host: 'c', maxAge: 7200, maxHead: 1024, idleTimeout: 65 });
    expect(
      ['port', 'maxAge', 'maxHead', 'idleTimeout'].map((key) => describeSource(sources.get(key as 'port')!)),
    ).toEqual(['flag -p', 'environment ONEZERO_MAX_AGE', 'onezero.config.json:1:43', 'default']);
  });

  test('finds a socket where the file says, and leaves that of a flag as it is', () => {
    const text = '{ "listen": ["unix:run/site.sock", "unix:/run/b", ":80"] }';
    const listen = ['unix:/etc/site/run/site.sock', 'unix:/run/b', ':80'];
    expect(resolve([], {}, text).configuration.listen).toEqual(listen);
    expect(resolve(['-l', 'unix:a'], {}, text).configuration.listen).toEqual(['unix:a']);
  });

  test('knows PORT and HOST, after its own names', () => {
    expect(resolve([], { PORT: '7', HOST: 'z' }).configuration).toMatchObject({ port: 7, host: 'z' });
  });

  test('is not disturbed by the variables that Kubernetes makes of a service called onezero', () => {
    const environment = {
      ONEZERO_PORT: 'tcp://10.0.0.1:80',
      ONEZERO_PORT_80_TCP: 'tcp://10.0.0.1:80',
      ONEZERO_PORT_80_TCP_ADDR: '10.0.0.1',
      ONEZERO_SERVICE_HOST: '10.0.0.1',
      ONEZERO_SERVICE_PORT_HTTP: '80',
    };
    expect(resolve([], environment)).toMatchObject({ configuration: { port: 8080 }, problems: [], warnings: [] });
  });

  test('makes paths absolute: flags from the working directory, the file from its own', () => {
    const { configuration } = resolve(
      ['--log-file', 'a.log'],
      {},
      '{ "root": "www", "sites": [{ "path": "/x", "root": "../x" }] }',
    );
    expect(configuration).toMatchObject({ logFile: '/desk/a.log', root: '/etc/site/www', sites: [{ root: '/etc/x' }] });
  });

  test('adds up flags that are lists or maps, and lets others be the last', () => {
    const { configuration } = resolve([
      '--hide=*.{a,b}',
      '--hide',
      '*.c',
      '--header',
      'A: 1',
      '--header',
      'B: 2',
      '--error-page',
      '404=x',
      '--error-page=5xx=y',
      '-p1',
      '-p2',
    ]);
    expect(configuration).toMatchObject({
      hide: ['*.{a,b}', '*.c'],
      headers: [{ fields: { A: '1' } }, { fields: { B: '2' } }],
      errorPages: { '404': '/desk/x', '5xx': '/desk/y' },
      port: 2,
    });
  });

  test('takes globs and values with commas from flags, and words with blanks between them', () => {
    const { configuration } = resolve(
      [
        '--immutable=*.{js,css},/a/*',
        '--dotfiles=.env,.{a,b}',
        '--index',
        'a.html, b.html',
        '--cgi-env',
        'DSN=host=a,port=5',
        '--cgi-env',
        'LANGUAGES=de,en',
      ],
      { ONEZERO_ERROR_PAGE: '404=a,500=b' },
    );
    expect(configuration).toMatchObject({
      immutable: ['*.{js,css}', '/a/*'],
      dotfiles: ['.env', '.{a,b}'],
      index: ['a.html', 'b.html'],
      cgiEnv: { DSN: 'host=a,port=5', LANGUAGES: 'de,en' },
      errorPages: { 404: '/desk/a', 500: '/desk/b' },
    });
    const { problems } = resolve(['--dotfiles=alow', '--host=localhost:3000']);
    expect(problems).toEqual([expect.stringContaining('not "alow"'), expect.stringContaining('(a port is --port)')]);
    expect(resolve(['--host=[::1]:80']).problems).toHaveLength(1);
    expect(resolve(['--host=fe80::1%eth0']).problems).toEqual([]);
  });

  test('takes no address for this machine alone, however it is said', () => {
    expect(resolve(['--host=0']).configuration.host).toBe('localhost');
    expect(resolve([], { HOST: 'false' }).configuration.host).toBe('localhost');
    expect(resolve([], {}, '{ "host": false }').configuration.host).toBe('localhost');
  });

  test('has a mount once, also where it stands among the sites as print-config prints it', () => {
    const text = '{ "mount": { "/a": "b" }, "sites": [{ "path": "/c", "root": "d" }, { "path": "/a", "root": "b" }] }';
    expect(resolve([], {}, text).configuration.sites).toHaveLength(2);
  });

  test('switches off and unsets with --no-', () => {
    const text = '{ "maxAge": 5, "logFile": "x", "hide": ["a"] }';
    const { configuration, problems } = resolve(
      ['--no-listing', '--no-cache', '--no-log-file', '--no-hide', '--no-etag'],
      {},
      text,
    );
    expect(problems).toEqual([]);
    expect(configuration).toMatchObject({ listing: false, maxAge: 0, etag: false });
    expect([configuration.logFile, configuration.hide]).toEqual([undefined, []]);
  });

  test.each([
    // Names that these keys had once.
    ['{ "single": 1 }', '"single" is not an option of the file (did you mean "fallback"?) (onezero.config.json:1:3)'],
    [
      '{ "mimeTypes": 1 }',
      '"mimeTypes" is not an option of the file (did you mean "typesFile"?) (onezero.config.json:1:3)',
    ],
    ['{ "chdir": 1 }', '"chdir" is not an option of the file (did you mean "cwd"?) (onezero.config.json:1:3)'],
    [
      '{ "cgi": [{ "idleTimeout": 1 }] }',
      'cgi.0.idleTimeout is not an option here (did you mean "silenceTimeout"?) (onezero.config.json:1:13)',
    ],
    [
      '{ "asgi": [{ "concurrency": 1 }] }',
      'asgi.0.concurrency is not an option here (did you mean "maxConcurrent"?) (onezero.config.json:1:14)',
    ],
    ['{ "prot": 1 }', '"prot" is not an option of the file (did you mean "port"?) (onezero.config.json:1:3)'],
    ['{ "json": true }', '"json" is only a flag, not an option of the file (onezero.config.json:1:3)'],
    ['{\n "port": "80a" }', 'port expects a whole number from 0 to 65535, not "80a" (onezero.config.json:2:2)'],
    [
      '{ "sites": [{ "host": "a", "rot": "b" }] }',
      'sites.0.rot is not an option here (did you mean "root"?) (onezero.config.json:1:28)',
    ],
    ['{ "redirects": [{ "from": "/a" }] }', 'redirects.0 lacks "to" (onezero.config.json:1:17)'],
    ['[]', 'the configuration expects an object (onezero.config.json:1:1)'],
  ])('refuses %s and says where', (text, problem) => {
    expect(resolve([], {}, text).problems).toEqual([problem]);
  });

  test.each([
    [['--port', 'abc'], 'port expects a whole number from 0 to 65535, not "abc" (flag --port)'],
    [['--port', '99999'], 'port expects a whole number from 0 to 65535, not 99999 (flag --port)'],
    [['--symlinks=outside'], 'symlinks expects "deny", "inside" or "all", not "outside" (flag --symlinks)'],
    [['--auth', 'secret'], '--auth expects user:password (flag --auth)'],
    [
      ['--error-page', '200=x'],
      '--error-page expects a status such as 404, a class such as 5xx, or default, not "200" (flag --error-page)',
    ],
  ])('refuses %j', (words, problem) => {
    expect(resolve(words).problems).toEqual([problem]);
  });

  test('names the variable that has a bad value, and warns of unknown ones', () => {
    const { problems, warnings } = resolve([], { ONEZERO_MAX_AGE: 'long', ONEZERO_MAXAGE: '1' });
    expect(problems).toEqual([
      'maxAge expects a duration such as 500ms, 30s, 5m, 1h or 7d (a bare number is seconds), not "long" (environment ONEZERO_MAX_AGE)',
    ]);
    expect(warnings).toEqual(['ONEZERO_MAXAGE in the environment is not an option (did you mean "ONEZERO_MAX_AGE"?)']);
    const other = resolve([], { ONEZERO_SINGLE: '1' });
    expect(other.warnings).toEqual([
      'ONEZERO_SINGLE in the environment is not an option (did you mean "ONEZERO_FALLBACK"?)',
    ]);
  });
});

describe('readCommandLine', () => {
  test.each([
    [['--prot', '1'], '--prot is not a flag (did you mean "--port"?)'],
    [['-Z'], '-Z is not a flag'],
    [['--port'], '--port needs a value: --port <number>'],
    [['--port', '--quiet'], '--port needs a value: --port <number>'],
    [['--port', '-1'], '--port needs a value: --port <number>'],
    [['--port='], '--port needs a value: --port <number>'],
    [['--no-listing=x'], '--no-listing takes no value'],
    [['--header', 'nonsense'], '--header expects "Name: value", not "nonsense"'],
    [['--cgi', 'php'], '--cgi expects .ext, .ext=program or /path=script, not "php"'],
  ])('refuses %j', (words, problem) => {
    expect(readCommandLine(words).problems).toEqual([problem]);
  });

  test('tells commands from directories', () => {
    expect(readCommandLine(['check', 'dir'])).toMatchObject({ command: 'check', words: ['dir'] });
    expect(readCommandLine(['./check'])).toMatchObject({ command: 'serve', words: ['./check'] });
    expect(readCommandLine(['--', '--dir'])).toMatchObject({ command: 'serve', words: ['--dir'] });
    for (const word of ['-v', '-V', '--version']) expect(readCommandLine([word])).toMatchObject({ command: 'version' });
  });

  test('lets -H take an address and leaves it a directory', () => {
    expect(readCommandLine(['-H', '0.0.0.0', 'dir']).words).toEqual(['dir']);
    expect(readCommandLine(['-H', './dir'])).toMatchObject({
      words: ['./dir'],
      written: [{ key: 'host', value: true }],
    });
    expect(readCommandLine(['-s', 'dir']).words).toEqual(['dir']);
    expect(readCommandLine(['-sqp', '3000', 'dir'])).toMatchObject({
      words: ['dir'],
      written: [{ key: 'fallback' }, { key: 'quiet' }, { key: 'port', value: 3000 }],
    });
  });
});

describe('the table of options', () => {
  test('names every flag, letter and variable once', () => {
    const flags = optionEntries.filter(([, option]) => option.only !== 'file');
    const spellings = flags.flatMap(([key, option]) => {
      const names = [flagName(key, option), ...(option.aliases ?? [])];
      return [...names, ...(isNegatable(option) ? names.map((name) => `no-${name}`) : []), ...(option.negations ?? [])];
    });
    const letters = [...flags.flatMap(([, option]) => option.short ?? []), 'h', 'v', 'V'];
    const variables = flags.flatMap(([key, option]) => [environmentName(key, option), ...(option.environment ?? [])]);
    for (const names of [spellings, letters, variables]) expect(names).toEqual([...new Set(names)]);
  });

  test('has defaults that its own shapes take', () => {
    const text = JSON.stringify(
      Object.fromEntries(
        optionEntries.flatMap(([key, { default: value, only }]) =>
          value === undefined || only === 'command' ? [] : [[key, value]],
        ),
      ),
    );
    expect(resolve([], {}, text).problems).toEqual([]);
  });
});
