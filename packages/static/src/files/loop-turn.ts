// Counts turns of the event loop, so that work that is good for "now" is done once for all requests of one turn.

let turn = 0;
let isScheduled = false;

/** A number that stays the same until the loop turns. */
export function loopTurn(): number {
  if (!isScheduled) {
    isScheduled = true;
    setImmediate(nextTurn);
  }
  return turn;
}

function nextTurn(): void {
  turn++;
  isScheduled = false;
}
