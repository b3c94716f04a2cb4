// From what the user writes to an application: modules, files, folders, factories, and what is said when there is none.

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { app, asgi, wsgi } from '../../src/index.ts';
import { python, read, request } from '../harness.ts';
import { makeSite, saying } from '../site.ts';

const asgiSaying = (text: string): string => `
async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"${text}"})
`;

/** Files by name, and a responder for what `application` names among them. */
function load(files: Record<string, string>, application: string, create: typeof app = app) {
  const site = makeSite();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(site.path(name)), { recursive: true });
    site.write(name, text);
  }
  const log: string[] = [];
  const options = {
    application,
    cwd: site.folder,
    python,
    processes: 1,
    log: (entry: { line: string }) => log.push(entry.line),
  };
  const responder = create(options);
  onTestFinished(() => responder.close(0));
  return { responder, log, get: async (target = '/') => (await read(responder(request(target)))).text };
}

const factory = `${saying('made')}
def create_app(name, debug=False):
    def made(environ, start_response):
        start_response("200 OK", [])
        return [("%s %s" % (name, debug)).encode()]
    return made
`;

describe('is found:', () => {
  test.each<[string, Record<string, string>, string, string]>([
    ['a file whose name has a dot, beside a package of that name', { 'app/shop.wsgi': saying('right'), 'shop/__init__.py': '', 'shop/wsgi.py': saying('wrong') }, 'app/shop.wsgi', 'right'],
    ['the same in the working directory', { 'shop.wsgi': saying('right'), 'shop/__init__.py': '', 'shop/wsgi.py': saying('wrong') }, 'shop.wsgi', 'wrong'],
    ['the same as a path', { 'shop.wsgi': saying('right'), 'shop/__init__.py': '', 'shop/wsgi.py': saying('wrong') }, './shop.wsgi', 'right'],
    ['a file with a version in its name', { 'app.v2.py': saying('right') }, 'app.v2.py', 'right'],
    ['a file with a dash in its name', { 'my-app.py': saying('right') }, 'my-app.py', 'right'],
    ['a file named like a module of the library', { 'folder/site.py': saying('right') }, 'folder/site.py', 'right'],
    ['a file whose path has colons', { 'a:b/web.py': saying('right') }, 'a:b/web.py:application', 'right'],
    ['another one', { 'code.py': saying('right') }, 'code.py:application', 'right'],
    ['a file named like another in the path of modules', { 'a/web.py': saying('right'), 'web.py': saying('wrong') }, 'a/web.py', 'right'],
    ['a file with a dot in a package', { 'shop/__init__.py': '', 'shop/inner.py': 'NAME = b"right"', 'shop/web.v2.py': 'from .inner import NAME\ndef application(e, s):\n    s("200 OK", [])\n    return [NAME]' }, 'shop/web.v2.py', 'right'],
    ['app, where there is no application', { 'web.py': saying('right').replace('application', 'app') }, 'web', 'right'],
    ['application before app', { 'web.py': saying('right') + saying('wrong').replace('application', 'app') }, 'web', 'right'],
    ['a factory with arguments', { 'web.py': factory }, 'web:create_app("a:b", debug=True)', 'a:b True'],
    ['a factory of a class', { 'web.py': `class Kit:\n    @staticmethod\n    def make(text):\n        return lambda e, s: (s("200 OK", []), [text])[1]\n` }, 'web:Kit.make(b"right")', 'right'],
    ['wsgi.py of a folder', { 'site/wsgi.py': saying('right'), 'site/app.py': saying('wrong') }, './site', 'right'],
    ['app.py of the working directory', { 'app.py': saying('right') }, '.', 'right'],
    ["Django's layout", { 'manage.py': '', 'shop/__init__.py': '', 'shop/wsgi.py': saying('right'), 'shop/asgi.py': asgiSaying('wrong') }, '.', 'right'],
  ])('%s', async (_, files, application, text) => {
    const { get, responder } = load(files, application);
    expect(await get()).toBe(text);
    expect(responder.state()).toMatchObject({ interface: 'wsgi', ready: 1 });
  }); // prettier-ignore

  test.each<[string, Record<string, string>, string]>([
    ['an async function', { 'web.py': asgiSaying('right') }, 'web'],
    ['an object with async __call__', { 'web.py': `${asgiSaying('right')}\nclass App:\n    async def __call__(self, scope, receive, send):\n        await application(scope, receive, send)\napp = App()` }, 'web:app'],
    ['a function that returns an awaitable', { 'web.py': `${asgiSaying('right')}\ndef app(scope, receive, send):\n    return application(scope, receive, send)` }, 'web:app'],
    ['asgi.py of a folder', { 'asgi.py': asgiSaying('right') }, '.'],
  ])('ASGI as %s', async (_, files, application) => {
    const { get, responder } = load(files, application);
    expect(await get()).toBe('right');
    expect(responder.state()).toMatchObject({ interface: 'asgi' });
  }); // prettier-ignore
});

test('a module that is not there is told with the folder that it should be in, and nothing else', async () => {
  const { responder, log } = load({}, 'web:app');
  await expect(responder.ready()).rejects.toMatchObject({
    message: expect.stringMatching(/ModuleNotFoundError: No module named 'web'; the folder of the application is \/.* \(--cwd\)$/),
    detail: "ModuleNotFoundError: No module named 'web'\n",
  }); // prettier-ignore
  expect(log).toEqual(["ModuleNotFoundError: No module named 'web'"]);
});

test('a traceback begins with the code of the application', async () => {
  const { responder, log } = load({ 'web.py': 'import inner\n', 'inner.py': '1 / 0\n' }, 'web:app');
  await expect(responder.ready()).rejects.toMatchObject({ code: 'start-failed' });
  expect(log[1]).toMatch(/^ {2}File ".*web.py", line 1, in <module>$/);
  expect(log.at(-1)).toBe('ZeroDivisionError: division by zero');
});

test('asgi() looks for asgi.py first', async () => {
  const files = { 'wsgi.py': saying('wrong'), 'asgi.py': asgiSaying('right') };
  expect(await load(files, '.', asgi).get()).toBe('right');
});

describe('is refused with a hint:', () => {
  test.each<[string, Record<string, string>, string, typeof app, string]>([
    ['a factory without parentheses', { 'web.py': 'def create_app(name=None): pass' }, 'web:create_app', wsgi, 'web:create_app does not take (environ, start_response): is it a factory? Then write web:create_app()'],
    ['a factory without arguments', { 'web.py': 'def make(): pass' }, 'web:make', asgi, 'does not take (scope, receive, send): is it a factory? Then write web:make()'],
    ['a module with a factory', { 'web.py': 'def create_app(): pass' }, 'web', wsgi, "module 'web' has neither 'application' nor 'app'; it has a factory: write web:create_app()"],
    ['a module with neither', { 'web.py': '' }, 'web', app, "module 'web' has neither 'application' nor 'app'; name what it has, as in web:NAME"],
    ['ASGI as WSGI', { 'web.py': asgiSaying('x') }, 'web', wsgi, 'web is an ASGI application (async; scope, receive, send): serve it as asgi'],
    ['WSGI as ASGI', { 'web.py': saying('x') }, 'web', asgi, 'web is a WSGI application (environ, start_response): serve it as wsgi'],
    ['ASGI 2', { 'web.py': 'class application:\n    def __init__(self, scope): pass' }, 'web', asgi, "web is an ASGI 2 application: wrap it with asgiref's guarantee_single_callable()"],
    ['a call that is none', { 'web.py': factory }, 'web:create_app(os.getcwd())', wsgi, "is neither a name nor a call with literal arguments"],
    ['a file that is not there', {}, 'nowhere/web.py', wsgi, 'there is no file '],
    ['an empty folder', {}, '.', app, 'looked for wsgi.py, asgi.py, app.py, application.py, main.py'],
  ])('%s', async (_, files, application, create, message) => {
    const { responder } = load(files, application, create);
    await expect(responder.ready()).rejects.toMatchObject({ code: 'start-failed', message: expect.stringContaining(message) });
  }); // prettier-ignore
});

test('a factory that could be an application is suspected when it returns one', async () => {
  const { responder, log } = load({ 'web.py': factory }, 'web:create_app', wsgi);
  expect((await read(responder(request('/')))).status).toBe(500);
  expect(log.join('\n')).toContain('not an iterable: is it a factory? Then name it with ()');
});

test('with one thread, requests run in the main thread, and what belongs to it works', async () => {
  const source = `
import asyncio, atexit, sqlite3, threading, os
database = sqlite3.connect(":memory:")
atexit.register(lambda: open("ended", "w").close())
def application(environ, start_response):
    start_response("200 OK", [])
    loop = asyncio.get_event_loop()
    value = loop.run_until_complete(asyncio.sleep(0, result=database.execute("select 42").fetchone()[0]))
    return [("%s %s" % (threading.current_thread() is threading.main_thread(), value)).encode()]
`;
  const site = makeSite();
  site.write('web.py', source);
  const responder = wsgi({ application: 'web', cwd: site.folder, python, processes: 1, threads: 1, log: () => {} });
  onTestFinished(() => responder.close(0));
  expect((await read(responder(request('/')))).text).toBe('True 42');
  await responder.close();
  expect(site.has('ended')).toBe(true);
});

test('a traceback is logged once, however many workers and attempts meet it', async () => {
  const site = makeSite();
  site.write('web.py', 'open("attempts", "a").write("x")\nraise RuntimeError("not today")');
  const lines: string[] = [];
  const responder = wsgi({
    application: 'web',
    cwd: site.folder,
    python,
    processes: 2,
    log: ({ line }) => lines.push(line),
  });
  onTestFinished(() => responder.close(0));
  await expect(responder.ready()).rejects.toMatchObject({ code: 'start-failed' });
  await expect.poll(() => lines.filter((line) => line.startsWith('not started, for the same reason')).length).toBeGreaterThan(2); // prettier-ignore
  expect(lines.filter((line) => line.startsWith('Traceback'))).toHaveLength(1);
});

test('control characters in what an application logs reach no terminal', async () => {
  const source = `
import logging, sys
logging.basicConfig(stream=sys.stderr, format="%(message)s")
def application(environ, start_response):
    logging.error(environ["PATH_INFO"])
    print(environ["PATH_INFO"])
    environ["wsgi.errors"].write(environ["PATH_INFO"] + "\\n")
    start_response("200 OK", [])
    return [b"done"]
`;
  const { get, log } = load({ 'web.py': source }, 'web');
  expect(await get('/a%1b%5b31m%c2%9b%7f%0dFORGED')).toBe('done');
  await expect.poll(() => log.length).toBe(3);
  for (const line of log) expect(line).toMatch(/^[\x20-\x7e]*\\u001b\[31m.*\\u007f\\u000dFORGED$/);
});
