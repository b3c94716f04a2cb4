// How many connections one application serves at once, learned from the order in which it answers them.
//
// An application takes connections in the order in which they came: one that is answered was taken, and so were those before it.
// Where new connections are answered again and again only after one was closed for them, there are as many children as
// connections are left when all are answered: until then none is opened. From then on one more is tried now and then, and more
// of them where that succeeds.

/** So many new connections in a row that had to wait for another to be closed mean that there are more than are served. */
const FIRST_STREAK = 32;
/** A limit that was too low takes twice as many the next time. */
const MAX_STREAK = 1024;
/** Beyond the limit at once. */
const MAX_TRIES = 8;
/** Between two tries that fail. */
const TRY_PAUSE_MS = 250;
/**
 * One that is not answered though one behind it was has a slow script, or the application has several queues: others are closed for
 * it at this pace.
 */
const PACE_MS = 10;

/** A connection as it is counted. */
export interface Counted {
  /** Of the monotonic clock, in milliseconds. */
  readonly openedAt: number;
  /** How many had been closed for others when it was opened. */
  closings: number;
  /** Whether its request might have had a kept connection. */
  readonly teaches: boolean;
}

export class Capacity {
  #open = 0;
  /** Those that have answered nothing, in the order in which they were opened. */
  readonly #fresh: Counted[] = [];
  /** So many of them, the first, were opened before one that was answered. */
  #passed = 0;
  /** How many were closed so that a child takes one that waits. */
  #closings = 0;
  /** Of those, how many are not known to have been of use, and when the last was closed. */
  #granted = 0;
  #grantedAt = 0;
  #limit = Number.POSITIVE_INFINITY;
  /** No more are opened until those that wait are answered: the limit is what is left. */
  #isDraining = false;
  #streak = 0;
  #streakNeeded = FIRST_STREAK;
  /** How many may be opened beyond the limit at once, and from when on. */
  #tries = 1;
  #tryAt = 0;
  readonly #learns: boolean;
  /** Called when there may be room. */
  onRoom: () => void = () => {};

  /** @param learns whether there may be a limit */
  constructor(learns: boolean) {
    this.#learns = learns;
  }

  /** How many seem to be served at once; Infinity while that is not known. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether one more connection would wait, behind so many that are about to be opened. */
  isFull(coming = 0): boolean {
    if (this.#isDraining) return true;
    if (this.#open + coming < this.#limit) return false;
    return this.#waiting + coming >= this.#tries || performance.now() < this.#tryAt;
  }

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  /** Whether some wait, as far as is known. */
  get hasWaiting(): boolean {
    return this.#waiting > 0;
  }

  opens(connection: Counted): void {
    this.#open++;
    connection.closings = this.#closings;
    this.#fresh.push(connection);
  }

  /** The first bytes came over it. */
  answers(connection: Counted): void {
    const at = this.#fresh.indexOf(connection);
    if (at === -1) return;
    this.#fresh.splice(at, 1);
    this.#passed = at < this.#passed ? this.#passed - 1 : at;
    this.#granted = Math.min(Math.max(0, this.#granted - 1), this.#waiting);
    if (this.#learns) this.#learn(connection, this.#open - this.#waiting);
  }

  /** It is closed, or about to be. */
  leaves(connection: Counted): void {
    this.#open--;
    const at = this.#fresh.indexOf(connection);
    if (at !== -1) this.#fresh.splice(at, 1);
    if (at !== -1 && at < this.#passed) this.#passed--;
    // It may be another one that begins next.
    if (this.#open === 0) this.#forget();
    this.#endDraining();
    this.onRoom();
  }

  /** Whether one is to be closed, since another has waited since before `patient`. Counts on that it is. */
  wantsOne(now: number, patient: number): boolean {
    const oldest = this.#fresh[this.#passed];
    const isWaiting = oldest !== undefined && oldest.openedAt < patient && this.#granted < this.#waiting;
    if (!isWaiting) {
      const [first] = this.#fresh;
      if (first === undefined || first.openedAt >= patient || now - this.#grantedAt < PACE_MS) return false;
    }
    this.#grantedAt = now;
    this.#granted++;
    this.#closings++;
    return true;
  }

  get #waiting(): number {
    return this.#fresh.length - this.#passed;
  }

  #learn({ closings, teaches }: Counted, held: number): void {
    const hasWaited = closings !== this.#closings;
    if (this.#isDraining && !hasWaited) this.#refute(Number.POSITIVE_INFINITY);
    else if (!this.#isDraining && held > this.#limit) this.#refute(held);
    else if (teaches && hasWaited) this.#confirm();
    else if (teaches) this.#streak = 0;
    this.#endDraining();
  }

  #confirm(): void {
    this.#tries = 1;
    this.#tryAt = performance.now() + TRY_PAUSE_MS;
    if (++this.#streak < this.#streakNeeded) return;
    this.#streak = 0;
    this.#isDraining = true;
  }

  #refute(limit: number): void {
    this.#isDraining = false;
    this.#limit = limit;
    this.#streak = 0;
    this.#streakNeeded = Math.min(this.#streakNeeded * 2, MAX_STREAK);
    this.#tries = Math.min(this.#tries * 2, MAX_TRIES);
    this.#tryAt = 0;
    this.onRoom();
  }

  #endDraining(): void {
    if (!this.#isDraining || this.#waiting > 0) return;
    this.#isDraining = false;
    this.#limit = Math.max(1, this.#open);
    this.#tries = 1;
    this.#tryAt = 0;
  }

  #forget(): void {
    this.#isDraining = false;
    this.#limit = Number.POSITIVE_INFINITY;
    this.#streak = 0;
    this.#streakNeeded = FIRST_STREAK;
  }
}
