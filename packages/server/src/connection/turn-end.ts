// The answers of one turn of the loop leave together, at its end.
//
// Whoever is told of an answer wakes up, which costs the server as much as making a small answer does. Written one behind the
// other, the answers of a turn find most clients, or the one program they all are, awake already. A turn in
// which each answer takes long, as where pages are read or coded, is written in parts: its first clients need not wait for its last.

/**
 * How long an answer waits for others: as long as sixty that are remembered take, so that their turns are written whole, while those
 * of pages that are coded, 4 ms, leave in four parts.
 */
const MAX_WAIT_MS = 1;

/** What a connection has gathered. */
interface Gathered {
  readonly isEmpty: boolean;
  /** Whether it may wait. */
  readonly mayWait: boolean;
  /** False when the kernel has not taken all of it. */
  flush(): boolean;
}

/** Who is told that a client does not take its answers. */
interface Reader {
  stall(): void;
}

/** Outputs with answers, each with its reader. */
let outputs: Gathered[] = [];
let readers: Reader[] = [];
/** When the first of them began to wait. */
let sinceMs = 0;

/** Lets answers wait until the loop has read what there is to read. */
export function writeAtTurnEnd(output: Gathered, reader: Reader): void {
  if (output.isEmpty) return;
  if (!output.mayWait) return write(output, reader);
  const nowMs = performance.now();
  if (outputs.length === 0) {
    setImmediate(writeWaiting);
    sinceMs = nowMs;
  }
  outputs.push(output);
  readers.push(reader);
  if (nowMs - sinceMs > MAX_WAIT_MS) writeWaiting();
}

/** Writes all that waits, now. */
export function writeWaiting(): void {
  const [all, told] = [outputs, readers];
  outputs = [];
  readers = [];
  for (const [index, output] of all.entries()) write(output, told[index]!);
}

function write(output: Gathered, reader: Reader): void {
  if (!output.flush()) reader.stall();
}
