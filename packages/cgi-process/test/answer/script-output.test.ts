import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CgiError } from '../../src/index.ts';
import { ScriptContent } from '../../src/answer/script-output.ts';
import type { ContentSource } from '../../src/answer/script-output.ts';

/** A run that gives these chunks, and writes down what is asked of it. */
class Source implements ContentSource {
  readonly calls: string[] = [];
  readonly #chunks: (Uint8Array | Error)[];

  constructor(...chunks: (string | Uint8Array | Error)[]) {
    this.#chunks = chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
  }

  async more(isComplete: boolean): Promise<Uint8Array | undefined> {
    this.calls.push(isComplete ? 'more, complete' : 'more');
    const chunk = this.#chunks.shift();
    if (chunk instanceof Error) throw chunk;
    return chunk;
  }

  end(): void {
    this.calls.push('end');
  }

  leave(): void {
    this.calls.push('leave');
  }

  cut(got: number, announced: number): CgiError {
    return new CgiError('content-cut', `${got} of ${announced}`);
  }
}

async function read(content: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const bytes of content) text += Buffer.from(bytes).toString('latin1');
  return text;
}

const nothing = new Uint8Array(0);

describe('ScriptContent', () => {
  test('gives what came with the header, then the rest, to its end', async () => {
    const source = new Source('two', 'three');
    expect(await read(new ScriptContent(source, Buffer.from('one'), undefined))).toBe('onetwothree');
    expect(source.calls).toEqual(['more', 'more', 'more']);
  });

  test('asks once more where all that was announced has come, for how the script ends', async () => {
    const source = new Source('ab', 'cd');
    expect(await read(new ScriptContent(source, nothing, 4))).toBe('abcd');
    expect(source.calls).toEqual(['more', 'more', 'more, complete']);
  });

  test('throws where the script ends short of what it announced, after what came', async () => {
    const content = new ScriptContent(new Source('ab'), Buffer.from('x'), 4);
    expect((await content.next()).value).toEqual(Buffer.from('x'));
    expect((await content.next()).value).toEqual(Buffer.from('ab'));
    await expect(content.next()).rejects.toMatchObject({ code: 'content-cut', message: '3 of 4' });
    expect(await content.next()).toEqual({ done: true, value: undefined });
  });

  test.each([
    ['in the header’s chunk', 'abcdef', [], ['end']],
    ['in a later chunk', 'ab', ['cdef'], ['more', 'end']],
    ['in a chunk of its own', 'abcd', ['ef'], ['more, complete', 'end']],
  ])('cuts what goes beyond the announced length %s, and ends its writer', async (_, first, later, calls) => {
    const source = new Source(...later);
    expect(await read(new ScriptContent(source, Buffer.from(first), 4))).toBe('abcd');
    expect(source.calls).toEqual(calls);
  });

  test('gives nothing of content that was announced as empty', async () => {
    const source = new Source('surplus');
    expect(await read(new ScriptContent(source, nothing, 0))).toBe('');
    expect(source.calls).toEqual(['more, complete', 'end']);
  });

  test('gives the error of its source once, and ends', async () => {
    const content = new ScriptContent(new Source(new CgiError('killed', 'it was ended')), nothing, undefined);
    await expect(content.next()).rejects.toMatchObject({ code: 'killed' });
    expect(await content.next()).toEqual({ done: true, value: undefined });
  });

  test('tells its source once that the reader has left', async () => {
    const source = new Source('one', 'two');
    const content = new ScriptContent(source, nothing, undefined);
    await content.next();
    await content.return();
    await content.return();
    expect(await content.next()).toEqual({ done: true, value: undefined });
    expect(source.calls).toEqual(['more', 'leave']);
  });

  test('is left also where it was never read', async () => {
    const source = new Source('one');
    await new ScriptContent(source, Buffer.from('first'), undefined).return();
    expect(source.calls).toEqual(['leave']);
  });

  test('has nothing to leave after its end', async () => {
    const source = new Source();
    const content = new ScriptContent(source, nothing, undefined);
    expect(await content.next()).toEqual({ done: true, value: undefined });
    await content.return();
    expect(source.calls).toEqual(['more']);
  });

  test('goes on after a chunk without bytes', async () => {
    expect(await read(new ScriptContent(new Source('a', nothing, 'b'), nothing, 2))).toBe('ab');
    expect(await read(new ScriptContent(new Source(nothing, 'b'), nothing, undefined))).toBe('b');
  });

  test('gives exactly the announced bytes of any output, or throws', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 8 }),
        fc.uint8Array({ maxLength: 6 }),
        fc.option(fc.nat(30), { nil: undefined }),
        async (chunks, first, announced) => {
          const all = Buffer.concat([first, ...chunks]);
          const reading = read(new ScriptContent(new Source(...chunks), first, announced));
          if (announced !== undefined && all.length < announced) {
            await expect(reading).rejects.toMatchObject({ code: 'content-cut' });
          } else expect(await reading).toBe(all.subarray(0, announced ?? all.length).toString('latin1'));
        },
      ),
    );
  });
});
