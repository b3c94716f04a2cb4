// What an application does wrong when its response is out: nobody can be answered otherwise, and it must not be silent.

import { expect, onTestFinished, test, vi } from 'vitest';
import { nodeResponder, type NodeApplication } from '@onezero/server';
import { parse, readUntil, start } from '../exchange.ts';

function warnings(): string[] {
  const texts: string[] = [];
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation((text) => void texts.push(String(text)));
  onTestFinished(() => spy.mockRestore());
  return texts;
}

test.each<[string, NodeApplication]>([
  [
    'throws',
    (_, response) => {
      response.end('done');
      throw new Error('behind its end: throws');
    },
  ],
  [
    'rejects',
    async (_, response) => {
      response.end('done');
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('behind its end: rejects');
    },
  ],
])('an application of node:http that %s behind its response is a warning of the process', async (how, application) => {
  const texts = warnings();
  const running = await start({ routes: [{ responder: nodeResponder(application) }] });
  onTestFinished(() => running.close());
  expect(parse(await running.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).content).toBe('done');
  await expect.poll(() => texts.join()).toContain(`behind its end: ${how}`);
});

test('one whose client has left is none', async () => {
  const texts = warnings();
  let isOver = false;
  const responder = nodeResponder(async (_, response) => {
    response.writeHead(200, { 'content-length': 4 }).write('done');
    await new Promise((resolve) => response.once('close', resolve));
    isOver = true;
    throw new Error('the client has left');
  });
  const running = await start({ routes: [{ responder }] });
  onTestFinished(() => running.close());
  const client = await running.connect();
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await readUntil(client, /done/);
  client.resetAndDestroy();
  await expect.poll(() => isOver).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(texts).toEqual([]);
});
