// Python applications behind the command: when it starts, reloads and says that it is ready.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { onTestFinished, test, describe, expect, vi } from 'vitest';
import { run, site, start, startPlain, type Started } from './command.ts';

const says = (text: string): string =>
  `def application(environ, start_response):\n    start_response("200 OK", [])\n    return [b"${text}"]\n`;
const broken = 'import module_that_is_nowhere\n';

/** A folder with the application `app`, and with a module that is loaded once the file `go` is there. */
function folder(source: string): { path: string; write(source: string): void } {
  const place = site({ 'app.py': source });
  onTestFinished(() => place.remove());
  const path = join(place.path, 'app.py');
  const write = (text: string): void => {
    // At once: a worker that starts meanwhile must not load half of it.
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  return { path: place.path, write };
}

const env = { PYTHONDONTWRITEBYTECODE: '1' };

async function serve(cwd: string, words: readonly string[]): Promise<Started> {
  const server = await start(['--wsgi', 'app', ...words], { cwd, env });
  onTestFinished(async () => {
    server.child.kill('SIGKILL');
    await server.finished;
  });
  return server;
}

const count = (text: string, part: string): number => text.split(part).length - 1;

describe('an application that does not load', () => {
  test.each([[[]], [['--workers', '2']]])('keeps the server from starting, with one traceback: %j', async (flags) => {
    const { path } = folder(broken);
    const ready = join(path, 'ready');
    const words = ['--wsgi', 'app', '--port', '0', '--ready-file', ready, ...flags];
    const { code, stdout, stderr } = await run(words, { cwd: path, env });
    expect([code, stdout]).toEqual([1, '']);
    expect(count(stderr, 'Traceback')).toBe(1);
    expect(stderr).toMatch(/^Error: app does not load in \/.*python3: .*module_that_is_nowhere/m);
    expect(existsSync(ready)).toBe(false);
  });

  test('is found by check', async () => {
    const { path, write } = folder(broken);
    const bad = await run(['check', '--wsgi', 'app'], { cwd: path, env });
    expect([bad.code, bad.stdout]).toEqual([2, '']);
    expect(bad.stderr).toMatch(/^Error: app does not load in /m);
    write(says('good'));
    expect(await run(['check', '--wsgi', 'app'], { cwd: path, env })).toMatchObject({ code: 0, stderr: '' });
  });

  test('is waited for where that is wanted, and readiness waits too', async () => {
    const { path, write } = folder(broken);
    const ready = join(path, 'ready');
    const socket = join(path, 'socket');
    const words = ['-l', `unix:${socket}`, '-l', '127.0.0.1:0', '--health', '/healthz', '--keep-trying'];
    const server = startPlain(['--wsgi', 'app', ...words, '--ready-file', ready], { cwd: path, env });
    onTestFinished(() => void server.child.kill('SIGKILL'));
    await vi.waitFor(() => expect(server.output.stderr).toContain('not ready, trying again'), 120_000);
    const health = async (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const asked = request({ socketPath: socket, path: '/healthz' }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        });
        asked.on('error', reject).end();
      });
    expect(await health()).toBe(503);
    expect(existsSync(ready)).toBe(false);
    write(says('mended'));
    await vi.waitFor(() => expect(existsSync(ready)).toBe(true), 120_000);
    expect(await health()).toBe(200);
    expect(count(server.output.stderr, 'Traceback'), server.output.stderr).toBe(1);
    expect(await server.stop()).toMatchObject({ code: 0 });
  });
});

describe('flags for all applications', () => {
  const asgi = `import os, sys
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError
    text = "%s %s %s" % (os.path.basename(os.getcwd()), os.getpid(), sys.prefix)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})
`;

  test('check says what was found', async () => {
    const { path } = folder(says('good'));
    writeFileSync(join(path, 'api.py'), asgi);
    const { code, stdout } = await run(['check', '--app', '/api=api', '--app', 'app', '--processes', '1'], {
      cwd: path,
      env,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^api at \/api is ASGI, in Python 3\.\d+\.\d+$/m);
    expect(stdout).toMatch(/^app at \/ is WSGI, in Python 3\.\d+\.\d+$/m);
    expect(stdout).toContain(`\n  app, a function, in ${realpathSync(path)}/api.py\n`);
    expect(stdout).toMatch(
      /^ {2}application, a function, in .*\/app\.py\n {2}\/.*python3.*, without a virtual environment$/m,
    );
  });

  test('explain says what was found, of the application that would answer', async () => {
    const { path } = folder(broken);
    writeFileSync(
      join(path, 'api.py'),
      `${asgi}\nclass Kit:\n    async def __call__(self, scope, receive, send):\n        pass\n\ndef make(kind):\n    return Kit()\n`,
    );
    const environment = join(path, '.venv');
    execFileSync('python3', ['-m', 'venv', '--without-pip', environment]);
    const flags = ['--app', '/api=api:make("a")', '--app', 'app'];
    const { code, stdout, stderr } = await run(['explain', '/api/x', ...flags], { cwd: path, env });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^is +ASGI, in Python 3\.\d+\.\d+$/m);
    expect(stdout).toContain(`object    make("a"), an object of api.Kit, in ${realpathSync(path)}/api.py\n`);
    const python = join(environment, 'bin', 'python');
    expect(stdout).toContain(`python    ${python}, in the virtual environment ${environment}\n`);
    const bad = await run(['explain', '/y', ...flags], { cwd: path, env });
    expect(bad.code).toBe(0);
    expect(bad.stdout).toMatch(/^ +app does not load in \/.*python: .*module_that_is_nowhere/m);
  });

  test('--cwd, --processes and a virtual environment that is found', async () => {
    const { path } = folder(asgi);
    const environment = join(path, '.venv');
    execFileSync('python3', ['-m', 'venv', '--without-pip', environment]);
    const flags = ['--app', 'app', '--cwd', path, '--processes', '2', '--port', '0', '--quiet'];
    const ready = join(path, 'ready');
    const server = startPlain([...flags, '--ready-file', ready], { cwd: tmpdir(), env });
    onTestFinished(() => void server.child.kill('SIGKILL'));
    await vi.waitFor(() => expect(existsSync(ready)).toBe(true), 120_000);
    const url = /http:[^"]+/.exec(readFileSync(ready, 'utf8'))?.[0] ?? '';
    const [cwd, , prefix] = (await (await fetch(url)).text()).split(' ');
    expect([cwd, prefix]).toEqual([basename(path), environment]);
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  test.each([
    [['--processes', '0'], 'processes expects'],
    [['--threads', 'many'], 'threads expects'],
    [['--python', './nowhere'], 'nowhere'],
    [['--virtualenv', 'nowhere'], 'nowhere'],
  ])('%j is refused', async (flags, problem) => {
    const { path } = folder(says('good'));
    const { code, stderr } = await run(['--wsgi', 'app', '--port', '0', ...flags], { cwd: path, env });
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(problem);
  });
});

test('what an application logs cannot drive a terminal or forge lines', async () => {
  const { path } = folder(`import logging, sys
def application(environ, start_response):
    logging.warning("asked for %s", environ["PATH_INFO"])
    print("printed " + environ["PATH_INFO"], file=sys.stderr, flush=True)
    environ["wsgi.errors"].write("errors " + environ["PATH_INFO"] + "\\n")
    start_response("200 OK", [])
    return [b"logged"]
`);
  const server = await serve(path, []);
  expect(await (await server.fetch('/%1b%5b31mX')).text()).toBe('logged');
  await vi.waitFor(() => {
    for (const word of ['asked for', 'printed', 'errors'])
      expect(server.output.stderr).toContain(`${word} /\\u001b[31mX\n`);
  }, 120_000);
  expect(server.output.stderr).not.toMatch(/[\0-\b\v-\u001f]/);
});

test('an application at / answers where files have no page, unless listings are asked for', async () => {
  const { path } = folder(says('from the application'));
  const place = site({ 'img/a.txt': 'a', 'docs/index.html': 'docs' });
  onTestFinished(() => place.remove());
  const server = await start([place.path, '--wsgi', 'app'], { cwd: path, env });
  onTestFinished(() => void server.child.kill('SIGKILL'));
  const text = async (target: string): Promise<string> => (await server.fetch(target)).text();
  expect(await text('/')).toBe('from the application');
  expect(await text('/img/')).toBe('from the application');
  expect(await text('/img/a.txt')).toBe('a');
  expect(await text('/docs/')).toBe('docs');
  await server.stop();
  const listing = await start([place.path, '--wsgi', 'app', '--listing'], { cwd: path, env });
  expect(await (await listing.fetch('/')).text()).toContain('docs/');
  await listing.stop();
});

test('Python processes share the processors with the workers, and the banner says how many there are', async () => {
  const { path } = folder(says('hello'));
  for (const flags of [[], ['--workers', '2']]) {
    const server = startPlain(['--wsgi', 'app', '--port', '0', ...flags], { cwd: path, env });
    onTestFinished(() => void server.child.kill('SIGKILL'));
    await vi.waitFor(() => expect(server.output.stdout).toContain('serves'), 120_000);
    const count = Number(/app \((\d+) Python process(?:es)?\)/.exec(server.output.stdout)?.[1]);
    const most = Math.max(availableParallelism(), flags.length);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(most);
    await server.stop();
  }
});

describe('a reload', () => {
  test.each([[[]], [['--workers', '2']]])('keeps what works when the new does not: %j', async (flags) => {
    const { path, write } = folder(says('one'));
    const server = await serve(path, flags);
    write(broken);
    server.child.kill('SIGHUP');
    const answers: string[] = [];
    await vi.waitFor(async () => {
      answers.push(await (await server.fetch('/')).text());
      expect(server.output.stderr).toContain('not reloaded');
    }, 120_000);
    for (let times = 0; times < 10; times++) answers.push(await (await server.fetch('/')).text());
    expect(new Set(answers)).toEqual(new Set(['one']));
    expect(count(server.output.stderr, 'Traceback'), server.output.stderr).toBe(1);
    write(says('two'));
    server.child.kill('SIGHUP');
    await vi.waitFor(() => expect(server.output.stderr).toContain('Reloaded'), 120_000);
    expect(await (await server.fetch('/')).text()).toBe('two');
  });

  test('answers with the old until the new is there', async () => {
    const { path, write } = folder(says('old'));
    const server = await serve(path, []);
    const waiting = 'import os, time\nopen("waits", "w")\nwhile not os.path.exists("go"): time.sleep(0.01)\n';
    write(`${waiting}${says('new')}`);
    server.child.kill('SIGHUP');
    await vi.waitFor(() => expect(existsSync(join(path, 'waits'))).toBe(true), 120_000);
    for (let times = 0; times < 20; times++) expect(await (await server.fetch('/')).text()).toBe('old');
    writeFileSync(join(path, 'go'), '');
    await vi.waitFor(() => expect(server.output.stderr).toContain('Reloaded'), 120_000);
    expect(await (await server.fetch('/')).text()).toBe('new');
  });

  test('that is still waiting does not outlive a stop', async () => {
    const { path, write } = folder(says('old'));
    const server = await serve(path, []);
    write(`import os, time\nopen("pid", "w").write(str(os.getpid()))\ntime.sleep(600)\n`);
    server.child.kill('SIGHUP');
    const pid = join(path, 'pid');
    await vi.waitFor(() => expect(readFileSync(pid, 'utf8')).toMatch(/^\d+$/), 120_000);
    expect(await server.stop()).toMatchObject({ code: 0 });
    // Who reaps it may take a moment.
    await vi.waitFor(() => expect(existsSync(`/proc/${readFileSync(pid, 'utf8')}`)).toBe(false), 120_000);
  });
});

test('--app finds out whether an application is WSGI or ASGI', async () => {
  const asgi = `async def application(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi " + scope["path"].encode()})
`;
  for (const [source, answer] of [
    [asgi, 'asgi /x'],
    [says('wsgi'), 'wsgi'],
  ] as const) {
    const { path } = folder(source);
    const server = await start(['--app', 'app'], { cwd: path, env });
    expect(await (await server.fetch('/x')).text()).toBe(answer);
    expect(await server.stop()).toMatchObject({ code: 0 });
    expect(await run(['check', '--app', 'app'], { cwd: path, env })).toMatchObject({ code: 0 });
  }
});

test('--asgi and --wsgi take their own kind, side by side, and refuse the other', async () => {
  const { path } = folder(`async def fast(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["root_path"].encode()})

${says('wsgi')}`);
  const words = ['--asgi', '/api=app:fast', '--wsgi', 'app', '--processes', '1', '--threads', '2'];
  const server = await start(words, { cwd: path, env });
  expect(await (await server.fetch('/api/x')).text()).toBe('/api');
  expect(await (await server.fetch('/x')).text()).toBe('wsgi');
  expect(await server.stop()).toMatchObject({ code: 0 });
  const checked = await run(['check', ...words], { cwd: path, env });
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  const wrong = await run(['check', '--asgi', 'app', '--processes', '1'], { cwd: path, env });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('app is a WSGI application (environ, start_response): serve it as wsgi');
});
