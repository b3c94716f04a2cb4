// Counts turns of the event loop, so that work that is good for "now" is done once for all requests of one turn.

let turn = 0;
let second = 0;
let isScheduled = false;

/** A number that stays the same until the loop turns. */
export function loopTurn(): number {
  if (!isScheduled) {
    isScheduled = true;
    second = Math.floor(performance.now() / 1000);
    setImmediate(nextTurn);
  }
  return turn;
}

/** Whole seconds of the monotonic clock, as of the turn that `loopTurn` counted last. */
export function secondOfTurn(): number {
  return second;
}

/** What was looked at is looked at again: for who has changed files himself, as the next request may stand in the same read. */
export function forgetTurn(): void {
  turn++;
}

function nextTurn(): void {
  turn++;
  isScheduled = false;
}
