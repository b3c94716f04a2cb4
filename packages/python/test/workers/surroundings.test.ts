// Applications that change what all of a process shares, and places in which Python finds other things than usual.

import { expect, onTestFinished, test } from 'vitest';
import { app, type AppOptions } from '../../src/index.ts';
import { python, read, request } from '../harness.ts';
import { makeSite, saying, type Site } from '../site.ts';

const ASGI = `
async def application(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"right"})
`;

const INTERFACES = [
  ['wsgi', 1, saying('right')],
  ['wsgi', 2, saying('right')],
  ['asgi', 1, ASGI],
] as const;

function run(site: Site, threads = 2, env: Record<string, string> = {}, settings: AppOptions['settings'] = {}) {
  const log: string[] = [];
  const responder = app({
    application: 'web',
    cwd: site.folder,
    python,
    processes: 1,
    threads,
    env: { PYTHONDONTWRITEBYTECODE: '1', ...env },
    settings,
    log: ({ line }) => log.push(line),
  });
  onTestFinished(() => responder.close(0));
  return { responder, log, get: async (target = '/') => (await read(responder(request(target)))).text };
}

test.each(INTERFACES)('%s with %i threads runs where Python leaves the folder of a script out', async (_, threads, text) => {
  const site = makeSite();
  site.write('web.py', text);
  expect(await run(site, threads, { PYTHONSAFEPATH: '1' }).get()).toBe('right');
}); // prettier-ignore

test.each(INTERFACES)('%s with %i threads runs beside files named like modules of Python', async (_, threads, text) => {
  const site = makeSite();
  for (const name of ['asyncio', 'queue', 'random', 'select', 'ssl', 'tempfile', 'types', 'concurrent', 'contextvars']) {
    site.write(`${name}.py`, 'raise ImportError("not this one")');
  }
  site.write('web.py', text);
  expect(await run(site, threads).get()).toBe('right');
}); // prettier-ignore

test.each(INTERFACES)('%s with %i threads lets a thread of the application import meanwhile', async (_, threads, text) => {
  const site = makeSite();
  site.write('late.py', '');
  site.write(
    'web.py',
    `import sys, threading
sys.dont_write_bytecode = False
failures = []
def work():
    try:
        sys.modules.pop("late", None)
        __import__("late")
        sys.path.append("/appended")
    except ImportError as error:
        failures.append(error)
class Path(list):
    def __setitem__(self, place, folders):
        super().__setitem__(place, folders)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
sys.path = Path(sys.path)
${text.replace('b"right"', 'repr((failures, "/appended" in sys.path, sys.dont_write_bytecode)).encode()')}`,
  );
  expect(await run(site, threads).get()).toBe('([], True, False)');
}); // prettier-ignore

test.each([1, 2])('a time limit for sockets in general is none for the server, with %i threads', async (threads) => {
  const site = makeSite();
  site.write(
    'web.py',
    `import os, socket
socket.setdefaulttimeout(0.001)
def application(environ, start_response):
    start_response("200 OK", [])
    return (b"%d" % os.getpid() if part == 0 else bytes(100000) for part in range(100))
`,
  );
  const { responder, get } = run(site, threads);
  const first = await get();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await get()) === first).toBe(true);
  expect(first.length).toBeGreaterThan(9_900_000);
  expect(responder.state().restarts).toBe(0);
});

/** Threads as those of gevent and eventlet: one runs when another lets it. */
const GREEN = `
import _thread, atexit, threading, time
waiting, sleep, start = [], time.sleep, _thread.start_new_thread
class Thread(threading.Thread):
    def start(self):
        waiting.append(super().start)
def let_others(seconds):
    while waiting:
        waiting.pop(0)()
    sleep(seconds)
_thread.start_new_thread = lambda *words: start(*words)
threading.Thread, time.sleep = Thread, let_others
atexit.register(lambda: open("ended", "w").close())
`;

test.each(INTERFACES)('%s with %i threads runs and ends where threads are those of gevent', async (_, threads, text) => {
  const site = makeSite();
  site.write('web.py', GREEN + text);
  const { responder, get } = run(site, threads);
  expect(await get()).toBe('right');
  await responder.close();
  expect(site.has('ended')).toBe(true);
}); // prettier-ignore

test('an event loop that the application got while it was loaded is the one that runs', async () => {
  const site = makeSite();
  site.write(
    'web.py',
    `import asyncio
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
begun = loop.create_future()
async def begin():
    begun.set_result(None)
task = loop.create_task(begin())
async def application(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    await begun
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % (loop is asyncio.get_running_loop())})
`,
  );
  expect(await run(site).get()).toBe('1');
});

test('what an ASGI application has left running is cancelled at the end, and finishes', async () => {
  const site = makeSite();
  site.write(
    'web.py',
    `import asyncio
tasks = []
async def keep():
    try:
        await asyncio.sleep(1000)
    finally:
        await asyncio.sleep(0)
        open("finished", "w").close()
async def application(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    tasks.append(asyncio.ensure_future(keep()))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"right"})
`,
  );
  const { responder, log, get } = run(site);
  expect(await get()).toBe('right');
  await responder.close();
  expect(site.has('finished')).toBe(true);
  expect(log).toEqual([]);
});

test('settings are an extension of an ASGI application, one for each request', async () => {
  const site = makeSite();
  site.write('web.py', ASGI.replace('b"right"', 'repr(scope["extensions"].pop("onezero").pop("name")).encode()'));
  const { get } = run(site, 2, {}, { name: 'shop', limit: 3 });
  for (let count = 0; count < 3; count++) expect(await get()).toBe("'shop'");
});

test('an exception of megabytes is told as why an application does not load', async () => {
  const site = makeSite();
  site.write('web.py', 'raise ValueError("a" * 3_000_000 + "the end")');
  const { responder } = run(site);
  await expect(responder.ready()).rejects.toMatchObject({
    code: 'start-failed',
    message: expect.stringMatching(/aaaa.*the end$/) as string,
  });
});
