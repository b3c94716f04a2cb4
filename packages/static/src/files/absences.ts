// Paths at which nothing was found in this turn of the event loop. Many clients ask for the same one at once (an icon, a script
// that an old page still names): the first of a turn has it looked for, for the others that is as true. Nothing outlives its turn.

import { loopTurn } from './loop-turn.ts';

/** More than one turn asks for, so a flood of different paths costs no memory. */
const MAX_PATHS = 256;

export class Absences {
  #paths = new Set<string>();
  #turn = -1;

  has(path: string): boolean {
    return this.#paths.size > 0 && this.#turn === loopTurn() && this.#paths.has(path);
  }

  add(path: string): void {
    const turn = loopTurn();
    // Not `clear`: what a cleared set has been keeps alive what it becomes, and with it the heads of all these requests.
    if (this.#turn !== turn) this.#paths = new Set();
    this.#turn = turn;
    if (this.#paths.size < MAX_PATHS) this.#paths.add(path);
  }
}
