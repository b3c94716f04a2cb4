// A disk that is full: when room is asked for, the nameless file of this process becomes one that takes no byte.

import { closeSync, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { SpoolBudget } from '../../src/spool/spool-file.ts';

/** Descriptors of nameless files. */
function contentDescriptors(): readonly number[] {
  return readdirSync('/proc/self/fd')
    .filter((name) => lstatSync(`/proc/self/fd/${name}`, { throwIfNoEntry: false }) !== undefined)
    .filter((name) => readlinkSync(`/proc/self/fd/${name}`).includes('onezero-content-'))
    .map(Number);
}

/** Puts `/dev/full` in the place of a descriptor. */
function fill(descriptor: number): void {
  closeSync(descriptor);
  const others: number[] = [];
  for (let opened = openSync('/dev/full', 'r+'); opened !== descriptor; opened = openSync('/dev/full', 'r+')) {
    others.push(opened);
  }
  for (const other of others) closeSync(other);
}

/** A budget without end for a disk that is full from the call of that number on. */
export class FullDisk extends SpoolBudget {
  #calls = 0;
  readonly #from: number;

  constructor(from: number) {
    super(Number.POSITIVE_INFINITY);
    this.#from = from;
  }

  override take(bytes: number): boolean {
    if (++this.#calls === this.#from) for (const descriptor of contentDescriptors()) fill(descriptor);
    return super.take(bytes);
  }
}
