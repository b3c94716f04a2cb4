import { closeSync, fstatSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test } from 'vitest';
import { plain, Scripts } from '../mount.ts';

const scripts = new Scripts({ hello: plain('cat; echo hello') });
afterAll(() => scripts.remove());

/** Runs code with the package in a worker thread while this thread opens files, and says which of those are open at its end. */
async function filesAfter(code: string): Promise<{ message: unknown; lost: number }> {
  const program = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { cgi, startProcess } = await import(workerData.entry);
    parentPort.once('message', async () => {
      const result = await (async () => { ${code} })();
      parentPort.postMessage(result);
    });
    parentPort.postMessage('ready');`;
  const entry = new URL('../../dist/index.js', import.meta.url).href;
  const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
  const worker = new Worker(url, { workerData: { entry, directory: scripts.path } });
  await once(worker, 'message');
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage('go');
  const [message] = (await once(worker, 'message')) as [unknown];
  // These get the numbers that the worker had and has closed.
  const files = Array.from({ length: 40 }, () => openSync('/dev/null', 'r'));
  await worker.terminate();
  const isOpen = (file: number): boolean => {
    try {
      return fstatSync(file).isCharacterDevice();
    } catch {
      return false;
    }
  };
  const open = files.filter(isOpen);
  for (const file of open) closeSync(file);
  return { message, lost: files.length - open.length };
}

describe('in a worker thread', () => {
  test('a process leaves the descriptors of other threads alone', async () => {
    const code = `
      const child = await startProcess('cat');
      await child.stdin.write(Buffer.from('hi'));
      await child.stdin.end();
      let text = '';
      for await (const bytes of child.stdout) text += bytes;
      await child.finished;
      return text;`;
    expect(await filesAfter(code)).toEqual({ message: 'hi', lost: 0 });
  });

  test.each(['shell', 'direct'])('scripts do, started by %s', async (spawner) => {
    const code = `
      const respond = cgi({ directory: workerData.directory, spawner: '${spawner}', log() {} });
      const request = { method: 'GET', target: '/hello', version: '1.1', scheme: 'http', authority: 'a', scriptName: '',
        pathInfo: '/hello', fields: [], contentLength: 0, content: (async function* () {})(),
        remote: { address: '192.0.2.1', port: 1 }, local: { address: '192.0.2.1', port: 1 } };
      const { status } = await respond(request);
      await respond.close();
      return status;`;
    expect(await filesAfter(code)).toEqual({ message: 200, lost: 0 });
  });

  test('a umask is refused in words', async () => {
    const code = `return startProcess('true', [], { umask: 0o22 }).then(() => 'started', ({ code }) => code);`;
    expect(await filesAfter(code)).toEqual({ message: 'bad-argument', lost: 0 });
  });
});
