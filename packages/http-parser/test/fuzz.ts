// The fuzz loop: what must hold for any input whatsoever.

import { type HttpParseError, type ParserEvent, RequestParser } from '../src/index.ts';
import { PARSE_ERROR_STATUS } from '../src/parse-error.ts';
import { hostileChunks, hostileRequests, hostileResponses, Random } from './hostile.ts';
import { replay, replayResponses } from './replay.ts';

/** Whether the input holds a simple request, the one thing whose reading depends on what arrives together. */
function hasSimpleRequest(log: readonly string[]): boolean {
  return log.some((line) => line.endsWith(' 0.9 none close') || line.startsWith('bad-simple-request'));
}

/** Throws when the events break the order that is promised. */
function checkOrder(bytes: Uint8Array): void {
  const parser = new RequestParser();
  let expected: readonly ParserEvent['type'][] = ['head', 'error'];
  const take = (events: readonly ParserEvent[]): void => {
    for (const event of events) {
      if (!expected.includes(event.type)) throw new Error(`${event.type} where ${expected.join()} was due`);
      if (event.type === 'error') checkError(event.error, bytes.length);
      expected = FOLLOWERS[event.type];
    }
  };
  take(parser.push(bytes));
  while (parser.state === 'paused') take(parser.next());
  take(parser.end());
  if (parser.push(bytes).length > 0) throw new Error('Events after the end');
}

const FOLLOWERS: Readonly<Record<ParserEvent['type'], readonly ParserEvent['type'][]>> = {
  head: ['content', 'end', 'error'],
  content: ['content', 'end', 'error'],
  end: ['head', 'error'],
  error: [],
};

function checkError(error: HttpParseError, length: number): void {
  const isPlaced = Number.isInteger(error.offset) && error.offset >= 0 && error.offset <= length;
  if (!isPlaced || PARSE_ERROR_STATUS[error.code] !== error.status)
    throw new Error(`A strange error: ${error.message}`);
}

/** Tries one input; throws with what is needed to repeat it. */
function tryInput(seed: number): void {
  const random = new Random(seed);
  const bytes = hostileRequests(random);
  const chunks = hostileChunks(bytes, random);
  const whole = replay([bytes]);
  const inParts = replay(chunks);
  if (!hasSimpleRequest(whole) && !hasSimpleRequest(inParts) && whole.join('\n') !== inParts.join('\n')) {
    throw new Error(`Chunking changed the events\n${whole.join('\n')}\n--\n${inParts.join('\n')}`);
  }
  checkOrder(bytes);
  const responses = hostileResponses(random);
  const parts = hostileChunks(responses, random);
  const methods = [random.pick(['GET', 'HEAD', 'CONNECT']), 'GET', 'GET', 'GET'];
  if (replayResponses([responses], ...methods).join('\n') !== replayResponses(parts, ...methods).join('\n')) {
    throw new Error('Chunking changed the events of a response');
  }
}

/** Runs `count` inputs that follow from `seed`. */
export async function fuzz(seed: number, count: number, onProgress: (done: number) => void): Promise<void> {
  // Millions of expected errors: their stacks are what costs most.
  Error.stackTraceLimit = 0;
  for (let index = 0; index < count; index++) {
    const inputSeed = (seed + index) | 0;
    try {
      tryInput(inputSeed);
    } catch (error) {
      throw new Error(`SEED=${inputSeed} COUNT=1 repeats this`, { cause: error });
    }
    if (index % 100_000 !== 99_999) continue;
    onProgress(index + 1);
    // Lets the runner print it.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
