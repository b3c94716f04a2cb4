// Which of a few media types a client likes best (RFC 9110 §12.5.1), where anything beats no answer. Many clients of an API send
// `application/json, text/plain, */*`, which rates HTML as high as JSON; they mean JSON.

const PARAMETER = /;[ \t]*q=([01](?:\.\d{0,3})?)/i;

/**
 * The best of `offered`; the first when the client takes none of them. At equal quality a type that is named goes before one
 * that only `*` takes; then the order of `offered` decides. `unnamed` is for a client that takes anything and names nothing.
 */
export function preferredType<Type extends string>(
  accept: string | undefined,
  offered: readonly [Type, ...Type[]],
  unnamed: Type = offered[0],
): Type {
  if (accept === undefined || accept === '*/*') return unnamed;
  const ranges = accept.split(',', 32).map(parseRange);
  let best: Type = offered[0];
  let known: Match = { quality: 0, precision: 0 };
  for (const type of offered) {
    const found = matchOf(type, ranges);
    const isEqual = found.quality === known.quality && found.quality > 0;
    if (found.quality > known.quality || (isEqual && found.precision > known.precision)) {
      best = type;
      known = found;
    }
  }
  return best;
}

interface MediaRange {
  readonly range: string;
  readonly quality: number;
}

function parseRange(text: string): MediaRange {
  const range = (text.split(';', 1)[0] ?? '').trim().toLowerCase();
  return { range, quality: Number(PARAMETER.exec(text)?.[1] ?? 1) };
}

/** What a client thinks of a type. */
interface Match {
  readonly quality: number;
  /** 2 for a range that names the type, 1 for one that names its family, 0 for `*`. */
  readonly precision: number;
}

/** The most specific range that takes the type counts. */
function matchOf(type: string, ranges: readonly MediaRange[]): Match {
  const family = `${type.split('/', 1)[0]}/*`;
  for (const [index, wanted] of [type, family, '*/*'].entries()) {
    const found = ranges.find(({ range }) => range === wanted);
    if (found !== undefined) return { quality: found.quality, precision: 2 - index };
  }
  return { quality: 0, precision: 0 };
}
