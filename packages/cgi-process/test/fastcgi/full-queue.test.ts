// An application that is there and takes no connection: its queue is full.

import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { fastcgi, scgi } from '../../src/fastcgi.ts';
import { request } from '../mount.ts';

const LISTENS = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
  console.log(this.address().port);
});`;

test.skipIf(process.platform !== 'linux').each([
  ['fastcgi', fastcgi],
  ['scgi', scgi],
])('%s says 504 when nobody takes its connection in time', async (_, made) => {
  const child = spawn(process.execPath, ['-e', LISTENS], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve) => child.stdout.once('data', (text) => resolve(Number(text))));
  child.kill('SIGSTOP');
  const waiting: Socket[] = [];
  const ask = made({ address: `127.0.0.1:${port}`, limits: { connectTimeoutMs: 100 } });
  try {
    // Linux takes one more than the backlog says.
    for (let count = 0; count < 2; count++) {
      const socket = connect(port, '127.0.0.1');
      waiting.push(socket);
      await new Promise((resolve) => socket.once('connect', resolve));
    }
    expect(await ask(request('/'))).toMatchObject({ status: 504, cause: { code: 'timed-out' } });
  } finally {
    await ask.close();
    for (const socket of waiting) socket.destroy();
    child.kill('SIGKILL');
  }
});
