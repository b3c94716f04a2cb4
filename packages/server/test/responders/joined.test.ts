// Two sockets as one: random pieces both ways, in any order, with any pauses, and either end first.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JoinedClient } from '../../src/responders/joined.ts';
import { DuplexSocket, type Taken } from '../../src/transport/duplex-socket.ts';

const NOBODY = { remote: { address: '', port: 0 }, local: { address: '', port: 0 }, scheme: 'http' } as const;

/** The client's socket: what it gets is noted, and taken at once or when the test says. */
class Client {
  readonly got: string[] = [];
  readonly waiting: Taken[] = [];
  isSlow = false;
  isFinished = false;
  readonly socket: DuplexSocket = new DuplexSocket(
    {
      read: () => {},
      write: (pieces, taken) => {
        this.got.push(Buffer.concat(pieces).toString());
        if (this.isSlow) this.waiting.push(taken);
        else taken();
      },
      finish: (taken) => {
        this.isFinished = true;
        taken();
      },
      destroyed: () => {},
    },
    NOBODY,
  );
}

interface Pair {
  readonly client: Client;
  readonly application: DuplexSocket;
  readonly joined: JoinedClient;
}

function join(): Pair {
  const client = new Client();
  let joined: JoinedClient | undefined;
  const application = new DuplexSocket(
    {
      read: () => joined?.read(),
      write: (pieces, taken) => joined?.write(pieces, taken),
      finish: (taken) => joined?.finish(taken),
      destroyed: () => joined?.close(),
    },
    NOBODY,
  );
  joined = new JoinedClient(client.socket, application);
  return { client, application, joined };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('joined sockets', () => {
  test('carry everything both ways, in order', async () => {
    const moves = fc.array(
      fc.tuple(
        fc.constantFrom('client', 'application', 'pause', 'resume', 'turn'),
        fc.string({ minLength: 1, maxLength: 5 }),
      ),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(moves, async (given) => {
        const { client, application } = join();
        const read: string[] = [];
        application.on('data', (bytes: Buffer) => read.push(String(bytes)));
        for (const [who, text] of given) {
          if (who === 'client') client.socket.push(Buffer.from(text));
          else if (who === 'application') application.write(text);
          else if (who === 'pause') application.pause();
          else if (who === 'resume') application.resume();
          else await turn();
        }
        application.resume();
        const sent = (from: string): string =>
          given
            .filter(([who]) => who === from)
            .map(([, text]) => text)
            .join('');
        await expect.poll(() => read.join(''), { interval: 1 }).toBe(sent('client'));
        await expect.poll(() => client.got.join(''), { interval: 1 }).toBe(sent('application'));
        application.destroy();
      }),
      { numRuns: 50 },
    );
  });

  test('slow the client down to the pace of the application', async () => {
    const { client, application } = join();
    application.pause();
    for (let count = 0; count < 20; count++) {
      if (client.socket.isPaused()) break;
      client.socket.push(Buffer.alloc(10_000));
      await turn();
    }
    expect(client.socket.isPaused()).toBe(true);
    application.resume();
    await expect.poll(() => client.socket.isPaused()).toBe(false);
  });

  test('slow the application down to the pace of the client', async () => {
    const { client, application } = join();
    client.isSlow = true;
    let written = 0;
    application.write('a', () => (written += 1));
    application.write('b', () => (written += 1));
    await turn();
    expect([client.got, written]).toEqual([['a'], 0]);
    client.waiting.shift()?.();
    await expect.poll(() => client.got).toEqual(['a', 'b']);
    await expect.poll(() => written).toBe(1);
  });

  test('end each other: half by half, and at once when one is destroyed', async () => {
    const half = join();
    let hasEnded = false;
    half.application.resume().on('end', () => (hasEnded = true));
    half.client.socket.push(null);
    await expect.poll(() => hasEnded).toBe(true);
    expect(half.application.destroyed).toBe(false);
    half.application.end('last');
    await expect.poll(() => half.client.isFinished).toBe(true);
    expect(half.client.got.join('')).toBe('last');
    for (const first of ['client', 'application'] as const) {
      const both = join();
      (first === 'client' ? both.client.socket : both.application).destroy();
      await expect.poll(() => [both.client.socket.destroyed, both.application.destroyed]).toEqual([true, true]);
    }
  });

  test('take nothing for something: no pieces are taken at once', () => {
    const { client, joined } = join();
    let taken = 0;
    joined.write([], () => (taken += 1));
    expect([taken, client.got]).toEqual([1, []]);
  });
});
