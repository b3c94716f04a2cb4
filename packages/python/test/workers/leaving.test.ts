// Workers that are sent SIGTERM, by a person or by whoever stops a group of processes: nothing that they do is lost.

import { expect, onTestFinished, test } from 'vitest';
import { app } from '../../src/index.ts';
import { isRunning, python, read, request, until } from '../harness.ts';
import { makeSite } from '../site.ts';

const APPLICATIONS = `
import asyncio, os, signal, time

def held():
    open("started", "w").close()
    while not os.path.exists("until"):
        yield

def ended_child():
    child = os.fork()
    if child == 0:
        time.sleep(1000)
    os.kill(child, signal.SIGTERM)
    return os.WTERMSIG(os.waitpid(child, 0)[1])

def left_child():
    child = os.fork()
    if child == 0:
        time.sleep(1000)
    return child

def wsgi(environ, start_response):
    text = os.getpid()
    if environ["PATH_INFO"] == "/held":
        for _ in held():
            time.sleep(0.005)
    elif environ["PATH_INFO"] == "/child":
        text = ended_child()
    elif environ["PATH_INFO"] == "/left":
        text = left_child()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % text]

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    text = os.getpid()
    if scope["path"] == "/held":
        for _ in held():
            await asyncio.sleep(0.005)
    elif scope["path"] == "/child":
        text = ended_child()
    elif scope["path"] == "/left":
        text = left_child()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % text})
`;

const KINDS = [
  ['wsgi', 1],
  ['wsgi', 3],
  ['asgi', 1],
] as const;

interface Started {
  readonly site: ReturnType<typeof makeSite>;
  readonly responder: ReturnType<typeof app>;
  readonly log: readonly string[];
}

/** One worker of one of the applications, until the test is over. */
function start(called: string, threads: number): Started {
  const site = makeSite();
  site.write('site_of_both.py', APPLICATIONS);
  const log: string[] = [];
  const responder = app({
    application: `site_of_both:${called}`,
    cwd: site.folder,
    python,
    processes: 1,
    threads,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    log: ({ line }) => log.push(line),
  });
  onTestFinished(() => responder.close(0));
  return { site, responder, log };
}

test.each(KINDS)(
  '%s with %i threads takes forked children along if it is killed, and else not',
  async (called, threads) => {
    const { responder } = start(called, threads);
    const get = async (target: string): Promise<number> => Number((await read(responder(request(target)))).text);
    const worker = await get('/');
    const child = await get('/left');
    expect(isRunning(child)).toBe(true);
    process.kill(worker, 'SIGKILL');
    await until(() => !isRunning(child));
    const left = await get('/left');
    await responder.close();
    expect(isRunning(left)).toBe(true);
    process.kill(left, 'SIGKILL');
  },
);

test.each(KINDS)('%s with %i threads goes on until another has taken its place', async (called, threads) => {
  const { site, responder, log } = start(called, threads);
  const get = (target: string): ReturnType<typeof read> => read(responder(request(target)));
  const pid = Number((await get('/')).text);
  // What the application forks ends as ever, and takes nobody with it.
  expect((await get('/child')).text).toBe('15');
  expect((await get('/')).text).toBe(String(pid));
  const held = get('/held');
  await until(() => site.has('started'));
  process.kill(pid, 'SIGTERM');
  await until(() => log.includes('was sent SIGTERM: it is replaced'));
  await responder.ready();
  await until(() => responder.state().free > 0);
  site.write('until', '');
  expect(await held).toMatchObject({ status: 200, text: String(pid) });
  await until(() => !isRunning(pid));
  expect((await get('/')).text).not.toBe(String(pid));
  expect(responder.state()).toMatchObject({ ready: 1, restarts: 0 });
});
