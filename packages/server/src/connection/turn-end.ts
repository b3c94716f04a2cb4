// The answers of one turn of the loop leave together, at its end.
//
// Whoever is told of an answer wakes up, which costs the server as much as making a small answer does. Written one behind the
// other, the answers of a turn find most clients, or the one program they all are, awake already; and no answer waits for
// more than what the loop was about to do anyway.

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

/** Lets answers wait until the loop has read what there is to read. */
export function writeAtTurnEnd(output: Gathered, reader: Reader): void {
  if (output.isEmpty) return;
  if (!output.mayWait) return write(output, reader);
  if (outputs.length === 0) setImmediate(writeWaiting);
  outputs.push(output);
  readers.push(reader);
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
