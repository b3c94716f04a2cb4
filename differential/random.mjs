// A seeded source of random values: one seed gives the same values on every machine, so a failure can be run again.

/** The seed of a test run: `DIFFERENTIAL_SEED`, or the fixed one that keeps a usual run repeatable. */
export function testSeed(fallback = 1) {
  return Number(process.env.DIFFERENTIAL_SEED ?? fallback);
}

/** Names that servers read differently: spaces, percent signs, dots, quotes, other alphabets, lengths at limits. */
export const ODD_NAMES = [
  'a b',
  '100%',
  '%41',
  '%2e',
  'a+b',
  'a&b=c',
  'a;b',
  'a#b',
  'a?b',
  "it's",
  'say "hi"',
  'a\\b',
  'a:b',
  '~user',
  '...',
  'a..b',
  'dot.',
  '-dash',
  '_',
  '@',
  '(1)',
  '[x]',
  '{y}',
  '<z>',
  '|',
  '^',
  '`',
  '$HOME',
  '*',
  'é',
  'e\u0301',
  'ß',
  'Ω',
  '日本語',
  '😀',
  'tab\there',
  'new\nline',
  '\u00a0',
  '\u200b',
  'CON',
  'UPPER.TXT',
  'x'.repeat(200),
];

/** A source of random values. @param {number} seed any number; its lower 32 bits count */
export function randomSource(seed) {
  let state = seed >>> 0;

  /** A number in [0, 1), by the generator known as mulberry32. */
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  const source = {
    seed,
    next,
    /** A whole number from `least` to `most`, both included. */
    int: (least, most) => least + Math.floor(next() * (most - least + 1)),
    /** True in `share` of all cases. */
    chance: (share) => next() < share,
    /** One element of a list. @template T @param {readonly T[]} list @returns {T} */
    pick: (list) => list[Math.floor(next() * list.length)],
    /** Each element with the probability `share`, in the same order. @template T @param {readonly T[]} list */
    some: (list, share = 0.5) => list.filter(() => next() < share),
    /** The same elements in another order. @template T @param {readonly T[]} list */
    shuffle(list) {
      const result = [...list];
      for (let last = result.length - 1; last > 0; last--) {
        const other = source.int(0, last);
        [result[last], result[other]] = [result[other], result[last]];
      }
      return result;
    },
    /** A length that is often at a limit: 0, 1, a power of two and its neighbours. */
    length: (most) => {
      if (source.chance(0.5)) return source.int(0, most);
      const power = 2 ** source.int(0, Math.floor(Math.log2(Math.max(1, most))));
      return Math.max(0, Math.min(most, power + source.int(-1, 1)));
    },
    /** Bytes of any value. */
    bytes: (length) => Buffer.from(Array.from({ length }, () => source.int(0, 255))),
    /** A string of `length` characters out of an alphabet. */
    string: (length, alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789') =>
      Array.from({ length }, () => source.pick(Array.from(alphabet))).join(''),
    /** A file or directory name: plain, odd, or odd with an extension. */
    name: (extensions = ['', '.html', '.txt', '.css', '.bin']) =>
      (source.chance(0.5) ? source.pick(ODD_NAMES) : source.string(source.int(1, 12))) + source.pick(extensions),
    /** `bytes` cut into pieces at random places, as a network may deliver them. */
    cut: (bytes, most = 8) => {
      const places = Array.from({ length: source.int(0, most - 1) }, () => source.int(0, bytes.length));
      const edges = [0, ...places.sort((a, b) => a - b), bytes.length];
      return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
    },
  };
  return source;
}
