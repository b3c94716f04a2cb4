// How many bytes the files below a root hold together: measured now and then, and kept up to date by the writes of all processes
// in one small file, which they change in turn.
//
// What a write is going to need is taken before it is written, and its file is made that long at once, so that a measurement in
// between counts it. What a dead writer had taken comes back with the next measurement.

import { lstat, open, opendir } from 'node:fs/promises';
import { constants } from 'node:fs';
import { basename, join } from 'node:path';
import { throwOurs } from '../files/system-errors.ts';
import { OWN_PREFIX, PARTIAL_FILE_PREFIX } from '../files/path.ts';
import { QUOTA_FILE } from './sweep.ts';
import { WorkFolder } from './work-folder.ts';

/** Others may write below the root too; their changes are noticed this late. */
const REMEASURE_MS = 5 * 60 * 1000;

/** The least that a file counts: it takes an inode and a block even when it is empty. */
const LEAST_FILE_BYTES = 4096;

/** Holds the ledger of a root. */
const QUOTA_FOLDER = `${PARTIAL_FILE_PREFIX}quota`;

/** What is known, for all processes. `taken` only grows: it shows what was taken while somebody measured. */
interface Ledger {
  readonly used: number;
  readonly taken: number;
  readonly measuredAtMs: number;
}

/** What a file of this length counts. */
export function chargeOf(bytes: number): number {
  return Math.max(bytes, LEAST_FILE_BYTES);
}

/** Counts towards a quota. */
export class Quota {
  readonly #root: string;
  readonly #folder: string;
  readonly maxBytes: number;
  #measuring: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(root: string, maxBytes: number) {
    this.#root = root;
    this.#folder = join(root, QUOTA_FOLDER);
    this.maxBytes = maxBytes;
  }

  get isLimited(): boolean {
    return this.maxBytes !== Number.POSITIVE_INFINITY;
  }

  /** Makes sure that the ledger is recent. Several writes of one process share a measurement. */
  async prepare(): Promise<void> {
    if (!this.isLimited) return;
    let isOld = false;
    await this.#change((ledger) => {
      isOld = Math.abs(Date.now() - ledger.measuredAtMs) > REMEASURE_MS;
      return ledger;
    });
    if (!isOld) return;
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined;
    });
    await this.#measuring;
  }

  /** What all files hold; undefined where nothing is limited. */
  async used(): Promise<number | undefined> {
    if (!this.isLimited) return undefined;
    await this.prepare();
    let used = 0;
    await this.#change((ledger) => {
      used = ledger.used;
      return ledger;
    });
    return used;
  }

  /** Takes `bytes`, or nothing and false when they do not fit. */
  async take(bytes: number): Promise<boolean> {
    if (!this.isLimited) return true;
    let fits = false;
    await this.#change((ledger) => {
      fits = ledger.used + bytes <= this.maxBytes;
      return fits ? { ...ledger, used: ledger.used + bytes, taken: ledger.taken + bytes } : ledger;
    });
    return fits;
  }

  async give(bytes: number): Promise<void> {
    if (!this.isLimited || bytes === 0) return;
    try {
      await this.#change((ledger) => ({ ...ledger, used: ledger.used - bytes }));
    } catch (error) {
      // On a full disk there may be no room to note what a DELETE has freed; the next measurement finds it.
      throwOurs(error);
    }
  }

  async #measure(): Promise<void> {
    let before = EMPTY;
    await this.#change((ledger) => (before = ledger));
    const measured = await bytesBelow(this.#root);
    // What was taken meanwhile may be in the measurement or not; counting it errs on the safe side.
    await this.#change(({ taken }) => ({ used: measured + taken - before.taken, taken, measuredAtMs: Date.now() }));
  }

  /** Changes the ledger in turn with all processes; those of this one wait for each other here. */
  #change(change: (ledger: Ledger) => Ledger): Promise<void> {
    const result = this.#turn.then(() => this.#changeNow(change));
    this.#turn = result.catch(() => {});
    return result;
  }

  async #changeNow(change: (ledger: Ledger) => Ledger): Promise<void> {
    const { folder, file } = await WorkFolder.create({ path: this.#folder, isKept: true }, 'claim');
    try {
      await folder.inTurn(file, async () => {
        const ledger = await open(join(this.#folder, QUOTA_FILE), constants.O_RDWR | constants.O_CREAT, 0o600);
        try {
          const before = readLedger((await ledger.readFile('latin1')).trim());
          const after = change(before);
          // One write of the same length each time: a crash leaves the line before or this one.
          if (after !== before) await ledger.write(lineOf(after), 0, 'latin1');
        } finally {
          await ledger.close();
        }
      });
    } finally {
      await file.discard();
      await folder.close();
    }
  }
}

const EMPTY: Ledger = { used: 0, taken: 0, measuredAtMs: 0 };

function readLedger(line: string): Ledger {
  const [used, taken, measuredAtMs] = line.split(/\s+/).map(Number);
  if (!Number.isFinite(used) || !Number.isFinite(taken) || !Number.isFinite(measuredAtMs)) return EMPTY;
  return { used: used ?? 0, taken: taken ?? 0, measuredAtMs: measuredAtMs ?? 0 };
}

function lineOf({ used, taken, measuredAtMs }: Ledger): string {
  return `${[used, taken, measuredAtMs].map((number) => String(number).padStart(20)).join(' ')}\n`;
}

/** What the files of a tree have taken: all but what is ours in it, which was never asked for. */
export async function takenBelow(path: string): Promise<number> {
  const stats = await lstat(path);
  return stats.isFile() ? chargeOf(stats.size) : bytesBelow(path, (name) => name.startsWith(OWN_PREFIX));
}

async function bytesBelow(root: string, leavesOut = (_name: string): boolean => false): Promise<number> {
  let bytes = 0;
  const directories = [root];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    try {
      for await (const entry of await opendir(directory)) {
        if (leavesOut(entry.name)) continue;
        if (entry.isDirectory()) directories.push(join(directory, entry.name));
        else if (entry.isFile() && !isLedger(directory, entry.name))
          bytes += await chargeAt(join(directory, entry.name));
      }
    } catch (error) {
      // What vanishes or is closed to us while we count does not count.
      throwOurs(error);
    }
  }
  return bytes;
}

/** Only the one of a quota: a visitor may call a file by that name too. */
function isLedger(directory: string, name: string): boolean {
  return name === QUOTA_FILE && basename(directory) === QUOTA_FOLDER;
}

async function chargeAt(path: string): Promise<number> {
  try {
    return chargeOf((await lstat(path)).size);
  } catch (error) {
    throwOurs(error);
    return 0;
  }
}
