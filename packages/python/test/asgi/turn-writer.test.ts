import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { TurnWriter } from '../../src/asgi/turn-writer.ts';
import { MAX_RECORD_CONTENT } from '../../src/exchange/fastcgi.ts';
import { FakeSocket } from '../socket.ts';

/** The records that have reached the socket, by type, number and length. */
function textsOf(fake: FakeSocket): readonly string[] {
  return fake.heard().map(({ type, id, content }) => `${type} ${id} ${content.length}`);
}

function writer(): { fake: FakeSocket; writer: TurnWriter } {
  const fake = new FakeSocket();
  return { fake, writer: new TurnWriter(fake.socket) };
}

/** An empty record of a type that nothing else uses, as a mark. */
const mark = (id: number): string => String.fromCharCode(1, 2, id >> 8, id & 255, 0, 0, 0, 0);

describe('TurnWriter', () => {
  test('sends all of one turn in one write, at its end', async () => {
    const { fake, writer: turnWriter } = writer();
    for (let id = 1; id <= 50; id++) {
      turnWriter.write(mark(id));
      turnWriter.writeContent(id, Buffer.alloc(id));
    }
    expect(fake.writes).toBe(0);
    await turn();
    expect(fake.writes).toBe(1);
    expect(textsOf(fake)).toEqual(
      Array.from({ length: 50 }, (_, at) => [`2 ${at + 1} 0`, `5 ${at + 1} ${at + 1}`]).flat(),
    );
    await turn();
    expect(fake.writes).toBe(1);
  });

  test('sends the head of a request, what is its own and what is not, as text or bytes, of any length', async () => {
    for (const length of [0, 1, 0xfff0, 0xffff - 3, 0xffff - 2, 0x20000]) {
      const { fake, writer: turnWriter } = writer();
      const common = '\u00ff'.repeat(length);
      turnWriter.writeRequest(0x102, 'own', common, false);
      turnWriter.writeRequest(0x103, 'own', Buffer.from(common, 'latin1'), true);
      await turn();
      const said = fake.heard();
      const params = [0x102, 0x103].map((wanted) =>
        said
          .flatMap(({ type, id, content }) => (id === wanted && [4, 21, 22].includes(type) ? [content] : []))
          .join(''),
      );
      expect(params.map((text) => text === `own${common}`)).toEqual([true, true]);
    }
  });

  test('writes no record for content without bytes', async () => {
    const { fake, writer: turnWriter } = writer();
    expect(turnWriter.writeContent(1, Buffer.alloc(0))).toBe(true);
    await turn();
    expect(fake.writes).toBe(0);
  });

  test('takes a copy of what it gathers', async () => {
    const { fake, writer: turnWriter } = writer();
    const bytes = Buffer.from('before');
    turnWriter.writeContent(1, bytes);
    bytes.fill('x');
    await turn();
    expect(fake.heard()).toEqual([{ type: 5, id: 1, content: 'before' }]);
  });

  test.each([0x6000, 0x6001, 0xfff7, 0xfff8, 0xfff9, 0x10000, 0x10001, MAX_RECORD_CONTENT, MAX_RECORD_CONTENT + 1])(
    'keeps the order around content of %i bytes',
    async (length) => {
      const { fake, writer: turnWriter } = writer();
      turnWriter.write(mark(1));
      turnWriter.writeContent(7, Buffer.alloc(length));
      turnWriter.write(mark(2));
      await turn();
      const rest = length > MAX_RECORD_CONTENT ? [`5 7 ${length - MAX_RECORD_CONTENT}`] : [];
      expect(textsOf(fake)).toEqual(['2 1 0', `5 7 ${Math.min(length, MAX_RECORD_CONTENT)}`, ...rest, '2 2 0']);
    },
  );

  test('sends text that is longer than a turn gathers', async () => {
    const { fake, writer: turnWriter } = writer();
    turnWriter.write(mark(1));
    turnWriter.write(mark(9).repeat(9000));
    turnWriter.write(mark(2));
    await turn();
    const heard = fake.heard();
    expect([heard[0]?.id, heard.length, heard.at(-1)?.id]).toEqual([1, 9002, 2]);
  });

  test('says that the socket has no room until it has drained', async () => {
    const { fake, writer: turnWriter } = writer();
    fake.isStuck = true;
    expect(turnWriter.writeContent(1, Buffer.alloc(100))).toBe(true);
    expect(turnWriter.writeContent(1, Buffer.alloc(0x7000))).toBe(false);
    expect(turnWriter.writeContent(1, Buffer.alloc(1))).toBe(false);
    fake.goOn();
    await expect.poll(() => fake.writableNeedDrain).toBe(false);
    expect(turnWriter.writeContent(1, Buffer.alloc(1))).toBe(true);
    await turn();
    expect(textsOf(fake)).toEqual(['5 1 100', '5 1 28672', '5 1 1', '5 1 1']);
  });

  test('keeps every byte in its order, whatever is written and whenever the turn ends', async () => {
    const step = fc.oneof(
      fc.record({ length: fc.oneof(fc.nat(50), fc.constantFrom(0x5fff, 0x6000, 0x6001, 0xffff, 0x10000, 0x12345)) }),
      fc.constant('mark' as const),
      fc.constant('turn' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { fake, writer: turnWriter } = writer();
        const expected: string[] = [];
        for (const [index, action] of steps.entries()) {
          if (action === 'turn') await turn();
          else if (action === 'mark') {
            turnWriter.write(mark(index));
            expected.push(`2 ${index} `);
          } else {
            const bytes = Buffer.alloc(action.length, index);
            turnWriter.writeContent(index, bytes);
            if (action.length > 0) expected.push(`5 ${index} ${bytes.toString('latin1')}`);
            bytes.fill(0xff);
          }
        }
        await turn();
        expect(fake.heard().map(({ type, id, content }) => `${type} ${id} ${content}`)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});
