// Which of a few media types a client likes best (RFC 9110 §12.5.1), where anything beats no answer.

const PARAMETER = /;[ \t]*q=([01](?:\.\d{0,3})?)/i;

/** The best of `offered` (best first at equal quality); the first when the client names none of them. */
export function preferredType<Type extends string>(
  accept: string | undefined,
  offered: readonly [Type, ...Type[]],
): Type {
  if (accept === undefined) return offered[0];
  const ranges = accept.split(',', 32).map(parseRange);
  let best: Type = offered[0];
  let bestQuality = 0;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > bestQuality) {
      best = type;
      bestQuality = quality;
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

/** The quality given by the most specific range that takes the type. */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  const family = `${type.split('/', 1)[0]}/*`;
  for (const wanted of [type, family, '*/*']) {
    const found = ranges.find(({ range }) => range === wanted);
    if (found !== undefined) return found.quality;
  }
  return 0;
}
