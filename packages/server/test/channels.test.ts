// Django with Channels, unmodified: HTTP and WebSockets of one application, in its own words.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { start, type Running } from './exchange.ts';
import { Client, frame } from './websocket.ts';

const python = process.env['PYTHON'] ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
const fixtures = join(import.meta.dirname, '../../python/test/fixtures');

function hasChannels(): boolean {
  if (process.env['CI']) return true;
  try {
    execFileSync(python, ['-c', 'import channels'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if ((error as { status?: number }).status === 1) return false;
    throw error;
  }
}

describe.skipIf(!hasChannels())('Channels', () => {
  let running: Running;
  beforeAll(async () => {
    const env = { PYTHONDONTWRITEBYTECODE: '1' };
    running = await start({
      app: { application: 'asgi_channels:application', cwd: fixtures, python, processes: 1, env, log: () => {} },
    });
    await running.server.ready();
  });
  afterAll(() => running.close());

  const open = async (target: string): Promise<Client> => {
    const client = await Client.open(running.port, target);
    onTestFinished(() => void client.socket.destroy());
    return client;
  };

  test('a chat reaches everybody in its room, and tells who left how', async () => {
    const [ann, ben, other] = await Promise.all([open('/chat/a'), open('/chat/a'), open('/chat/b')]);
    ann.send(frame(0x81, 'hello'));
    expect([await ann.text(), await ben.text()]).toEqual(['hello', 'hello']);
    ben.send(frame(0x88, Buffer.from([0x0f, 0xa1])));
    expect(await ben.closed()).toBe(4001);
    expect(await ann.text()).toBe('somebody left with 4001');
    ann.socket.destroy();
    other.send(frame(0x81, 'alone'));
    expect(await other.text()).toBe('alone');
  });

  test('a consumer in a thread answers', async () => {
    const client = await open('/sum');
    client.send(frame(0x81, '[1, 2, 3]'));
    expect(await client.text()).toBe('{"sum": 6}');
  });

  test('one that closes before it accepts is 403', async () => {
    expect((await open('/closed')).status).toBe(403);
  });

  test('an address of no consumer is 500, and views answer beside them', async () => {
    expect((await open('/nowhere')).status).toBe(500);
    const response = await fetch(`http://127.0.0.1:${running.port}/hello`);
    expect([response.status, await response.text()]).toEqual([200, 'hello from Django']);
  });
});
