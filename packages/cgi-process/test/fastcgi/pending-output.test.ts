import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { PendingOutput } from '../../src/fastcgi/pending-output.ts';

const TIME_MS = 60_000;
const PIECE_BYTES = 65_536;

/** An output of which each piece is all of a read. */
class Told extends PendingOutput {
  override add(bytes: Uint8Array): void {
    super.add(bytes);
    this.tell();
  }

  override finish(error?: Error): void {
    super.finish(error);
    this.tell();
  }
}

function made(): { pending: PendingOutput; rooms: () => number } {
  let rooms = 0;
  return { pending: new Told({ resume: () => rooms++ }), rooms: () => rooms };
}

async function some(pending: PendingOutput, withinMs: number): Promise<void> {
  return new Promise((done) => pending.some(withinMs, done));
}

async function read(pending: PendingOutput, gatherMs?: number): Promise<string> {
  const bytes = await pending.read(TIME_MS, gatherMs);
  return typeof bytes === 'string' ? `(${bytes})` : Buffer.from(bytes).toString('latin1');
}

describe('PendingOutput', () => {
  test('gives all that is here, once, in copies', async () => {
    const { pending } = made();
    const shared = Buffer.from('one');
    pending.add(shared);
    shared.fill('x');
    pending.add(Buffer.from('two'));
    expect(await read(pending)).toBe('onetwo');
    pending.add(Buffer.from('three'));
    pending.finish();
    expect([await read(pending), await read(pending), await read(pending)]).toEqual(['three', '(end)', '(end)']);
  });

  test('waits for output, for the end, and no longer than it may', async () => {
    const { pending } = made();
    const reading = read(pending);
    pending.add(Buffer.alloc(0));
    await turn();
    pending.add(Buffer.from('late'));
    expect(await reading).toBe('late');
    expect(await pending.read(1)).toBe('timed-out');
    const ending = read(pending);
    pending.finish();
    expect(await ending).toBe('(end)');
  });

  test('tells once all of a read is here, and nobody twice', async () => {
    const pending = new PendingOutput({ resume: () => {} });
    const told: string[] = [];
    pending.some(TIME_MS, () => told.push(Buffer.from(pending.peek()).toString()));
    pending.add(Buffer.from('one'));
    pending.add(Buffer.from('two'));
    pending.finish();
    expect(told).toEqual([]);
    pending.tell();
    pending.tell();
    expect(told).toEqual(['onetwo']);
    pending.some(TIME_MS, () => told.push('now'));
    expect(told).toEqual(['onetwo', 'now']);
  });

  test('tells an error behind what came before it', async () => {
    const { pending } = made();
    pending.add(Buffer.from('one'));
    pending.finish(new Error('first'));
    pending.finish(new Error('second'));
    expect(await read(pending)).toBe('one');
    await expect(pending.read(TIME_MS)).rejects.toThrow('first');
    expect(pending.readNow()).toEqual({ bytes: undefined, end: new Error('first') });
  });

  test.each([1, 100, 4096, 4097, 8192, 16_384, 16_385, 65_535, 65_536])(
    'keeps pieces of %i bytes in order',
    async (size) => {
      const { pending } = made();
      const sent = Array.from({ length: Math.min(50, Math.ceil(200_000 / size)) }, (_, index) =>
        Buffer.alloc(size, index),
      );
      const got: Uint8Array[] = [];
      for (const [index, piece] of sent.entries()) {
        pending.add(piece);
        if (index % 3 === 2) got.push((await pending.read(TIME_MS)) as Uint8Array);
      }
      pending.finish();
      for (let last = await pending.read(TIME_MS); last instanceof Uint8Array; last = await pending.read(TIME_MS))
        got.push(last);
      expect(Buffer.concat(got).equals(Buffer.concat(sent))).toBe(true);
    },
  );

  test('is full at two pieces, and says when there is room again', async () => {
    const { pending, rooms } = made();
    pending.add(Buffer.alloc(2 * PIECE_BYTES - 1));
    expect(pending.isFull).toBe(false);
    pending.add(Buffer.alloc(1));
    expect([pending.isFull, rooms()]).toEqual([true, 0]);
    await pending.read(TIME_MS);
    expect([pending.isFull, rooms()]).toEqual([false, 1]);
    pending.add(Buffer.alloc(10));
    await pending.read(TIME_MS);
    expect(rooms()).toBe(1);
  });

  test('gathers up to a piece, the end, an error, or the end of the moment', async () => {
    const { pending } = made();
    const gathering = pending.read(TIME_MS, TIME_MS);
    for (let count = 0; count < 3; count++) {
      await turn();
      pending.add(Buffer.alloc(30_000));
    }
    expect(await gathering).toHaveLength(90_000);
    pending.add(Buffer.from('a'));
    expect(await read(pending, 1)).toBe('a');
    const last = read(pending, TIME_MS);
    pending.add(Buffer.from('b'));
    await turn();
    pending.finish(new Error('gone'));
    expect(await last).toBe('b');
    await expect(pending.read(TIME_MS, TIME_MS)).rejects.toThrow('gone');
  });

  test('knows what is here now, and whether that is all', async () => {
    const { pending } = made();
    expect(pending.readNow()).toEqual({ bytes: undefined, end: undefined });
    pending.add(Buffer.from('a'));
    expect(pending.readNow()).toEqual({ bytes: Buffer.from('a'), end: undefined });
    pending.add(Buffer.from('b'));
    const gathered = new Promise<void>((done) => pending.gathered(TIME_MS, done));
    pending.finish();
    await gathered;
    expect(pending.readNow()).toEqual({ bytes: Buffer.from('b'), end: 'end' });
  });

  test('shows what is here without taking it, and drops what was seen', async () => {
    const { pending } = made();
    pending.add(Buffer.from('head'));
    expect(Buffer.from(pending.peek()).toString()).toBe('head');
    pending.add(Buffer.from('rest'));
    pending.skip(4);
    expect(await read(pending)).toBe('rest');
    pending.add(Buffer.from('all'));
    pending.skip(3);
    await some(pending, 1);
    expect(pending.peek()).toBe('nothing');
    pending.finish();
    await some(pending, TIME_MS);
    expect(pending.peek()).toBe('end');
  });

  test('has room again when what was too much was dropped', () => {
    const { pending, rooms } = made();
    pending.add(Buffer.alloc(2 * PIECE_BYTES));
    pending.skip(1);
    expect([pending.isFull, rooms()]).toEqual([false, 1]);
  });

  test('rests after pieces of what took long, not of what is large, fast or over', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { pending, rooms } = made();
    pending.add(Buffer.from('fast'));
    expect(pending.mayGoOn()).toBe(true);
    vi.advanceTimersByTime(80);
    expect([pending.mayGoOn(), rooms()]).toEqual([false, 0]);
    vi.advanceTimersByTime(9);
    expect(rooms()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(rooms()).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(pending.mayGoOn()).toBe(false);
    vi.advanceTimersByTime(20);
    expect(rooms()).toBe(2);
    expect(pending.mayGoOn()).toBe(false);
    pending.finish();
    vi.advanceTimersByTime(20);
    expect([pending.mayGoOn(), rooms()]).toEqual([true, 2]);
    const large = made();
    vi.advanceTimersByTime(1000);
    expect(large.pending.mayGoOn()).toBe(true);
    large.pending.add(Buffer.alloc(PIECE_BYTES));
    expect(large.pending.mayGoOn()).toBe(true);
  });

  test('rests for no longer than pieces have been coming: a page that is written at its end is there at once', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { pending, rooms } = made();
    vi.advanceTimersByTime(400);
    for (const [came, restMs] of [1, 1, 2, 4, 8, 16, 20, 20].entries()) {
      pending.add(Buffer.from('piece'));
      expect(pending.mayGoOn()).toBe(false);
      vi.advanceTimersByTime(restMs - 1);
      expect(rooms()).toBe(came);
      vi.advanceTimersByTime(1);
      expect(rooms()).toBe(came + 1);
    }
  });

  test('shows what it has borrowed where it lies, and keeps a copy of what nobody took', async () => {
    const { pending } = made();
    const shared = Buffer.from('(head rest)');
    pending.borrow(shared, 1, 10);
    expect([pending.begins(Buffer.from('head ')), pending.begins(Buffer.from('heap'))]).toEqual([true, false]);
    expect(pending.begins(Buffer.from('head rest)'))).toBe(false);
    pending.skip(5);
    pending.finish();
    pending.settle();
    shared.fill('x');
    expect([await read(pending), await read(pending)]).toEqual(['rest', '(end)']);
  });

  test('lends what it has borrowed, and only where that is for now', () => {
    const shared = Buffer.alloc(6, '(page)');
    const taken = [true, false].map((isForNow) => {
      const { pending } = made();
      pending.borrow(shared, 1, 5);
      pending.finish();
      const { bytes, end } = pending.readNow(isForNow);
      expect([pending.isEmpty, end]).toEqual([true, 'end']);
      pending.settle();
      return bytes as Buffer;
    });
    expect(taken.map(({ buffer }) => buffer === shared.buffer)).toEqual([true, false]);
    shared.fill('x');
    expect(taken.map(String)).toEqual(['xxxx', 'page']);
  });

  test('leases what is for now, and lends it again when the loop has turned', async () => {
    const whole = (mark: string): Uint8Array => {
      const { pending } = made();
      for (let count = 0; count < 5; count++) pending.add(Buffer.alloc(8000, mark));
      pending.finish();
      return pending.readNow(true).bytes as Uint8Array;
    };
    const first = whole('a');
    expect(whole('b').buffer).not.toBe(first.buffer);
    expect(first.every((byte) => byte === 97)).toBe(true);
    await turn();
    const [one, two] = [whole('c'), whole('d')];
    expect([one.buffer, two.buffer]).toContain(first.buffer);
    expect(one.buffer).not.toBe(two.buffer);
  });

  test('lends nothing that is to last', async () => {
    const kept: Uint8Array[] = [];
    for (let count = 0; count < 60; count++) {
      const { pending } = made();
      for (let part = 0; part <= count % 10; part++) pending.add(Buffer.alloc(8000, count));
      if (count % 3 === 0) pending.finish();
      kept.push(pending.readNow(count % 3 === 1).bytes as Uint8Array);
      if (count % 7 === 0) await turn();
    }
    for (const [count, bytes] of kept.entries()) expect(bytes.every((byte) => byte === count)).toBe(true);
  });
});
