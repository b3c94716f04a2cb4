import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { COMMANDS } from '../../src/command-line/configuration/arguments.ts';
import { run, site, start } from './command.ts';

function isInstalled(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined || process.env['CI'] !== undefined;
}

async function completionsFor(shell: string): Promise<string> {
  const { stdout } = await run(['completions', shell]);
  const folder = mkdtempSync(join(tmpdir(), 'onezero-shell-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, '_onezero');
  writeFileSync(file, stdout);
  return file;
}

describe('completions', () => {
  test('of bash offer commands, flags, words of a flag and files', async () => {
    const file = await completionsFor('bash');
    const complete = (...words: readonly string[]): string[] => {
      const line = ['onezero', ...words].map((word) => `'${word}'`).join(' ');
      const program = `source '${file}'; COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _onezero; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-uc', program], { encoding: 'utf8' }).split('\n').filter(Boolean);
    };
    expect(complete('ch')).toContain('check');
    expect(complete('--tls-c')).toEqual(['--tls-cert']);
    expect(complete('--log-format', 'c')).toEqual(['common', 'combined']);
    expect(complete('--tls-cert', file.slice(0, -1))).toEqual([file]);
    expect(complete('--port', '')).toEqual([]);
    const spaced = join(dirname(file), 'a cert *.pem');
    writeFileSync(spaced, '');
    for (const words of [['--tls-cert', spaced.slice(0, -6)], [spaced.slice(0, -6)], ['check', spaced.slice(0, -6)]])
      expect(complete(...words)).toEqual([spaced]);
  });

  test.skipIf(!isInstalled('zsh'))('of zsh are a script that zsh reads', async () => {
    const file = await completionsFor('zsh');
    const program = `autoload -U compinit; compinit -D; source '${file}'; print $_comps[onezero]`;
    expect(execFileSync('zsh', ['-fc', program], { encoding: 'utf8' }).trim()).toBe('_onezero');
    execFileSync('zsh', ['-fn', file]);
  });

  test.skipIf(!isInstalled('fish'))('of fish offer commands, flags and words of a flag', async () => {
    const file = await completionsFor('fish');
    const complete = (line: string): string[] =>
      execFileSync('fish', ['--no-config', '-c', `source '${file}'; complete -C '${line}'`], { encoding: 'utf8' })
        .split('\n')
        .map((one) => one.split('\t')[0] ?? '');
    expect(complete('onezero ch')).toContain('check');
    expect(complete('onezero --tls-c')).toContain('--tls-cert');
    expect(complete('onezero --log-format c')).toEqual(expect.arrayContaining(['common', 'combined']));
  });

  test('of another shell are refused', async () => {
    const { code, stderr } = await run(['completions', 'tcsh']);
    expect([code, stderr]).toEqual([2, 'Error: onezero completions needs a shell: bash, zsh, fish\n']);
  });
});

test('the manual page says what each command is for, and what holds without a flag', async () => {
  const { stdout } = await run(['man']);
  for (const name of COMMANDS)
    expect(stdout).toMatch(new RegExp(`^\\.B ${name.replace('-', String.raw`\\-`)}(?: .*)?\\n\\w`, 'm'));
  expect(stdout).toMatch(/^\.B .*port <number>\n.*\(default: 8080\)/m);
});

test.skipIf(!isInstalled('groff'))('the manual page is one that groff has nothing to say about', async () => {
  const { stdout } = await run(['man']);
  const { stdout: page, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww'], { input: stdout, encoding: 'utf8' });
  expect(stderr).toBe('');
  // Bold letters are printed twice.
  const plain = page.replaceAll(/.\u0008/g, '');
  expect(plain).toContain('--max-age');
  expect(plain).toContain('EXIT STATUS');
});

test('--mount serves another directory at a path', async () => {
  const folder = site({ 'www/index.html': 'page', 'assets/a.css': 'css', 'assets/.env': 'secret' });
  const server = await start(['www', '--mount', '/static=assets', '--mount', '/more/=./assets'], { cwd: folder.path });
  onTestFinished(async () => {
    await server.stop();
    folder.remove();
  });
  const texts = ['/', '/static/a.css', '/more/a.css'].map(async (path) => (await server.fetch(path)).text());
  expect(await Promise.all(texts)).toEqual(['page', 'css', 'css']);
  expect((await server.fetch('/static/.env')).status).toBe(404);
  expect((await server.fetch('/static/../static/none')).status).toBe(404);
});

test('--base puts everything below a path', async () => {
  const folder = site({ 'index.html': 'page' });
  const server = await start([folder.path, '--base', '/app']);
  onTestFinished(async () => {
    await server.stop();
    folder.remove();
  });
  expect(await (await server.fetch('/app/')).text()).toBe('page');
  expect((await server.fetch('/')).status).toBe(404);
});

test('--internal has files sent that only scripts may name', async () => {
  const script = "#!/bin/sh\nprintf 'X-Accel-Redirect: /files/a.txt\\r\\n\\r\\n'\n";
  const folder = site({ 'www/index.html': 'page', 'cgi/send.sh': script, 'kept/a.txt': 'for members' });
  const server = await start(['www', '--cgi-bin', 'cgi', '--internal', '/files=kept'], { cwd: folder.path });
  onTestFinished(async () => {
    await server.stop();
    folder.remove();
  });
  expect(await (await server.fetch('/cgi-bin/send.sh')).text()).toBe('for members');
  expect((await server.fetch('/files/a.txt')).status).toBe(404);
});

test.each([
  ['serve.json', 'onezero.config.json'],
  ['_headers', 'headers with a glob'],
  ['.htaccess', 'redirects, headers, auth'],
])('%s in the root is said to be unread', async (name, instead) => {
  const folder = site({ 'index.html': 'page', [name]: '{}' });
  onTestFinished(() => folder.remove());
  const { code, stderr } = await run(['check', folder.path]);
  expect(code).toBe(0);
  expect(stderr).toContain(`${join(folder.path, name)} is not read`);
  expect(stderr).toContain(instead);
});

test('habits of other servers get a sentence, and far names no hint', async () => {
  const problem = async (...words: readonly string[]): Promise<string> =>
    (await run(['check', ...words])).stderr.split('\n')[0] ?? '';
  expect(await problem('-c-1')).toContain('--max-age');
  expect(await problem('--ext', 'html')).toContain('--clean-urls');
  expect(await problem('--wsgi-python', 'python3')).toContain('the interpreter is --python');
  expect(await problem('--page-fallback', 'app.html')).toContain('there is --fallback');
  expect(await problem('--route-prefix', '/app')).toContain('--base /path');
  expect(await problem('-S=nowhere')).toMatch(/symlinks expects .*, not "nowhere" \(flag --symlinks\)$/);
  expect((await run(['print-config', '-S=all', '-p=8081', '-d=.'])).stdout).toMatch(/"port": 8081/);
  expect((await run(['check', '-zxy=5', '--', '-p=1'])).stderr).toMatch(/^Error: -z is not a flag: .*archives\n/);
  expect(await problem('--zip')).toContain('--listing=archives');
  expect(await problem('--proxy-options.secure', 'false')).toContain('--proxy has one upstream');
  expect(await problem('-browse')).toBe(
    'Error: -browse is not a flag: directories are listed already; --no-listing switches it off',
  );
  expect((await run(['check', '-port', '8080', '-root=.'])).stderr).toBe(
    'Error: -port is not a flag (did you mean "--port"?)\nError: -root is not a flag (did you mean "--root"?)\nSee onezero --help\n',
  );
  expect(await problem('--cgi')).toMatch(/; a directory of scripts is --cgi-bin directory$/);
  expect(await problem('8000')).toBe('Error: there is no 8000: a port is --port 8000');
  for (const application of ['main:app', 'shop.wsgi:application', 'app/main.py:create_app("x")'])
    expect(await problem(application)).toBe(
      `Error: there is no ${application}: a Python application is --app ${application}`,
    );
  expect(await problem('--factory', 'main:create_app')).toMatch(/: a factory is a call: --app module:create_app\(\)$/);
  expect(await problem('-k', 'uvicorn.workers.UvicornWorker')).toContain('whether it is WSGI or ASGI is found out');
  expect(await problem('-w', '4')).toContain('processes are --workers');
  expect(await problem('--worker-connections', '9')).toContain('the limit is --max-connections');
  expect(await problem('--http', 'h11')).toBe('Error: --http is not a flag (did you mean "--https"?)');
  expect(await problem('-S', 'localhost:8000', 'router.php')).toMatch(
    /^Error: unexpected argument "router\.php": .*; an address is --listen localhost:8000$/,
  );
  expect(await problem('http://localhost:3000')).toContain('passed on with --proxy');
  expect(await problem('preview', '--port', '4173')).toContain('nothing is built');
  expect(await problem('.', '-i', 'false')).toContain('flags that switch take no value');
  expect((await run(['explain', 'POST', '/form', '.'])).stderr).toMatch(
    /^Error: .* are one word: onezero explain "POST \/form"\n/,
  );
  expect(await problem('--prot', '80')).toContain('did you mean "--port"');
  expect(await problem('--banana')).toBe('Error: --banana is not a flag');
});
