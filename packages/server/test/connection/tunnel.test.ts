// A connection after 101, with a transport that this test plays; and one that is over the limit, which is turned away.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Clock } from '../../src/connection/clock.ts';
import { Holds } from '../../src/connection/holds.ts';
import { Tunnel } from '../../src/connection/tunnel.ts';
import { TurnedAway } from '../../src/connection/turned-away.ts';
import { Ends } from '../../src/transport/ends.ts';
import { SetClock, settle } from './engine.ts';
import { FakeTransport } from './fake-transport.ts';

class Noted extends FakeTransport {
  isPaused = false;
  readonly told: string[] = [];
  override pause(): void {
    this.isPaused = true;
  }
  override resume(): void {
    this.isPaused = false;
  }
  override end(): void {
    this.told.push('end');
  }
  override destroy(): void {
    this.told.push('destroy');
  }
}

function open(): { tunnel: Tunnel; transport: Noted; stream: Socket } {
  const transport = new Noted();
  const tunnel = new Tunnel(transport, new Ends(transport, undefined), new Holds(transport));
  return { tunnel, transport, stream: tunnel.stream };
}

/** A responder's function as plain JavaScript gives it. */
const anyHook = (given: unknown): (() => void) => given as () => void;

describe('a tunnel', () => {
  test('carries bytes both ways, whose buffers are not its own', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 9 })), { maxLength: 20 }),
        async (moves) => {
          const { tunnel, transport, stream } = open();
          const read: Buffer[] = [];
          stream.on('data', (bytes: Buffer) => read.push(bytes));
          const shared = Buffer.alloc(16);
          for (const [isIn, bytes] of moves) {
            if (!isIn) {
              stream.write(bytes);
              continue;
            }
            shared.set(bytes);
            tunnel.received(shared.subarray(0, bytes.length));
            shared.fill(0x23);
          }
          await settle(2);
          const sent = (wanted: boolean): Buffer =>
            Buffer.concat(moves.filter(([isIn]) => isIn === wanted).map(([, bytes]) => bytes));
          expect(Buffer.concat(read)).toEqual(sent(true));
          expect(Buffer.concat(transport.writes)).toEqual(sent(false));
          expect(tunnel.sentBytes).toBe(sent(false).length);
          stream.destroy();
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is not read while its responder does not read, and is when it does', async () => {
    const { tunnel, transport, stream } = open();
    for (let count = 0; count < 10 && !transport.isPaused; count++) tunnel.received(Buffer.alloc(20_000));
    expect(transport.isPaused).toBe(true);
    stream.resume();
    await expect.poll(() => transport.isPaused).toBe(false);
  });

  test('holds its responder back while the client does not read', async () => {
    const { transport, stream } = open();
    transport.isReady = false;
    const written: string[] = [];
    stream.write('a', () => written.push('a'));
    stream.write('b', () => written.push('b'));
    await settle();
    expect([transport.text, written]).toEqual(['a', []]);
    transport.isReady = true;
    transport.settle(true);
    await settle();
    expect([transport.text, written]).toEqual(['ab', ['a', 'b']]);
  });

  test('tells a responder whose client has gone, without ending the process', async () => {
    const { transport, stream } = open();
    transport.isReady = false;
    const error = once(stream, 'error');
    stream.write('a');
    await settle();
    transport.settle(false);
    expect(await error).toMatchObject([{ message: 'the client has gone' }]);
    expect(transport.told).toContain('destroy');
  });

  test('ends half by half, and is closed with its connection', async () => {
    const { tunnel, transport, stream } = open();
    const ended = once(stream.resume(), 'end');
    tunnel.finished();
    await ended;
    expect(stream.destroyed).toBe(false);
    stream.end('bye');
    await expect.poll(() => transport.told).toContain('end');
    expect(transport.text).toBe('bye');
    const other = open();
    other.tunnel.closed();
    other.tunnel.received(Buffer.from('late'));
    other.tunnel.finished();
    expect(other.stream.destroyed).toBe(true);
  });

  test('tells of a responder that rejects, and not of one that does not', async () => {
    const failed = vi.fn();
    open().tunnel.handTo(() => {}, failed);
    open().tunnel.handTo(
      anyHook(async () => {}),
      failed,
    );
    await settle(2);
    expect(failed).not.toHaveBeenCalled();
    const rejected = async (): Promise<never> => {
      throw new Error('gone');
    };
    open().tunnel.handTo(anyHook(rejected), failed);
    await settle(2);
    expect(failed.mock.calls).toMatchObject([[{ message: 'gone' }]]);
    const thrower = (): never => {
      throw new Error('at once');
    };
    expect(() => open().tunnel.handTo(thrower, failed)).toThrow('at once');
  });

  test('has the addresses of the connection', () => {
    const { remoteAddress, remotePort, localAddress, localPort, remoteFamily } = open().stream;
    expect([remoteAddress, remotePort, localAddress, localPort, remoteFamily]).toEqual([
      '192.0.2.1',
      1,
      '192.0.2.2',
      80,
      'IPv4',
    ]);
  });
});

describe('a connection over the limit', () => {
  test('is told so at once, whatever it sends, and closed a second later', () => {
    const transport = new Noted();
    const clock = new SetClock();
    const closed = vi.fn();
    const away = new TurnedAway(transport, clock as unknown as Clock, closed);
    expect(transport.text).toMatch(
      /^HTTP\/1\.1 503 Service Unavailable\r\ndate: .*\r\nretry-after: 2\r\ncontent-length: 0\r\nconnection: close\r\n\r\n$/,
    );
    expect(transport.told).toEqual(['end']);
    away.received();
    away.finished();
    clock.pass(1000, 250);
    expect(transport.told).toEqual(['end']);
    clock.pass(250, 250);
    expect(transport.told).toEqual(['end', 'destroy']);
    away.closed();
    expect(closed).toHaveBeenCalledTimes(1);
    expect(clock.watched.size).toBe(0);
  });
});
