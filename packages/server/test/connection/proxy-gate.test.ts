// A connection before its PROXY header is read, driven step by step.

import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/connection/clock.ts';
import { ProxyGate } from '../../src/connection/proxy-gate.ts';
import type { AnnouncedEnds } from '../../src/transport/ends.ts';
import type { Receiver } from '../../src/transport/transport.ts';
import { SetClock } from './engine.ts';
import { FakeTransport } from './fake-transport.ts';

const LINE = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 55555 443\r\n');
const V2 = Buffer.concat([
  Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
  Buffer.from([0x21, 0x11, 0, 12, 192, 0, 2, 7, 198, 51, 100, 1, 0xd9, 0x03, 0x01, 0xbb]),
]);
const LOCAL = Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), Buffer.from([0x20, 0, 0, 0])]);
const REQUEST = 'GET / HTTP/1.1\r\n\r\n';

interface Gated {
  readonly gate: ProxyGate;
  readonly clock: SetClock;
  readonly told: readonly string[];
  readonly admitted: readonly (AnnouncedEnds | undefined)[];
}

function gated({ isFull = false, timeoutMs = 1000 } = {}): Gated {
  const told: string[] = [];
  const admitted: (AnnouncedEnds | undefined)[] = [];
  const clock = new SetClock();
  const transport = new FakeTransport();
  transport.destroy = () => void told.push('destroyed');
  const receiver: Receiver = {
    received: (bytes) => void told.push(`received ${Buffer.from(bytes).toString('latin1')}`),
    finished: () => void told.push('finished'),
    closed: () => void told.push('closed'),
  };
  const gate = new ProxyGate({
    transport,
    clock: clock as unknown as Clock,
    timeoutMs,
    admit: (ends) => {
      admitted.push(ends);
      return isFull ? undefined : receiver;
    },
    closed: () => void told.push('gate closed'),
  });
  return { gate, clock, told, admitted };
}

describe('a gate', () => {
  test.each([
    ['version 1', LINE],
    ['version 2', V2],
  ])('hands over what stands behind a header of %s, wherever the two are split', (_, header) => {
    const all = Buffer.concat([header, Buffer.from(REQUEST)]);
    for (let at = 0; at <= all.length; at++) {
      const { gate, clock, told, admitted } = gated();
      // The transport reuses its buffer.
      const shared = Buffer.alloc(all.length);
      for (const part of [all.subarray(0, at), all.subarray(at)].filter(({ length }) => length > 0)) {
        part.copy(shared);
        gate.received(shared.subarray(0, part.length));
        shared.fill('#');
      }
      const ends = { remote: { address: '192.0.2.7', port: 55_555 }, local: { address: '198.51.100.1', port: 443 } };
      expect(admitted, `split at ${at}`).toEqual([ends]);
      expect(told.join('').replaceAll('received ', '')).toBe(REQUEST);
      expect(clock.watched.size).toBe(0);
    }
  });

  test('opens byte by byte, and passes on everything from then on', () => {
    const { gate, told, admitted } = gated();
    for (const byte of Buffer.concat([V2, Buffer.from('hi')])) gate.received(Buffer.from([byte]));
    gate.finished();
    gate.closed();
    expect(admitted).toHaveLength(1);
    expect(told).toEqual(['received h', 'received i', 'finished', 'closed']);
  });

  test('opens without announced ends where the proxy speaks for itself', () => {
    const { gate, told, admitted } = gated();
    gate.received(LOCAL);
    expect([admitted, told]).toEqual([[undefined], []]);
  });

  test.each([
    'GET / HTTP/1.1\r\n\r\n',
    'PROXY TCP5 a b 1 2\r\n',
    '\r\n\r\nX',
    'proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n',
    '\0',
  ])('closes for %j without an answer', (text) => {
    const { gate, told, admitted } = gated();
    gate.received(Buffer.from(text, 'latin1'));
    expect([told, admitted]).toEqual([['destroyed'], []]);
  });

  test('closes where there is no room, once', () => {
    const { gate, told } = gated({ isFull: true });
    gate.received(Buffer.concat([LINE, Buffer.from(REQUEST)]));
    expect(told).toEqual(['destroyed']);
  });

  test('closes for a proxy that finishes or leaves in the middle of its header', () => {
    for (let at = 0; at < LINE.length; at += 5) {
      const { gate, clock, told } = gated();
      if (at > 0) gate.received(LINE.subarray(0, at));
      gate.finished();
      gate.closed();
      expect(told).toEqual(['destroyed', 'gate closed']);
      expect(clock.watched.size).toBe(0);
    }
  });

  test('waits as long as it is told, whatever trickles in', () => {
    const { gate, clock, told } = gated({ timeoutMs: 1000 });
    for (const byte of LINE.subarray(0, 10)) {
      clock.pass(100, 50);
      gate.received(Buffer.from([byte]));
    }
    expect(told).toEqual([]);
    clock.pass(100, 50);
    expect(told[0]).toBe('destroyed');
    const patient = gated({ timeoutMs: 0 });
    patient.clock.pass(1_000_000, 100_000);
    expect(patient.told).toEqual([]);
  });

  test('leaves at a stop when nothing has come since the last look', () => {
    const { gate, told } = gated();
    gate.leaveIfSilent();
    gate.received(LINE.subarray(0, 3));
    gate.leaveIfSilent();
    expect(told).toEqual([]);
    gate.leaveIfSilent();
    expect(told).toEqual(['destroyed']);
  });
});
