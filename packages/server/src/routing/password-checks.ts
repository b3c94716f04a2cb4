// Who waits for a password to be checked. The threads that check take turns among the networks that clients come from, so
// whoever guesses passwords waits for himself; what one network, and all together, may have waiting is bounded.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { passwordProgram } from '../installed-files.ts';
import { warnOnce } from '../warn-once.ts';
import type { PasswordQuestion } from './password-thread.ts';

/** Whether the password is right; `busy` when too many wait already. */
export type Checked = boolean | 'busy';

// One core is left to the event loop; with more than four, guessing is not made better by answering it faster.
const THREADS = Math.max(1, Math.min(4, availableParallelism() - 1));
// Many users may share one address, and all of them log in anew after a restart.
const WAITING_PER_NETWORK = 32;
const WAITING = 256;

interface Waiting {
  readonly question: PasswordQuestion;
  readonly settle: (answer: Promise<boolean>) => void;
}

/** None in a program that is bundled without the file of it: there the event loop has to do it. */
type Thread = Worker | null;

class PasswordChecks {
  readonly #idle: Thread[] = [];
  #threads = 0;
  /** By network; the first in the map is the next to have a turn. */
  readonly #queues = new Map<string, Waiting[]>();
  #waiting = 0;

  check(question: PasswordQuestion, address: string): Promise<Checked> {
    const network = networkOf(address);
    const queue = this.#queues.get(network) ?? [];
    if (queue.length >= WAITING_PER_NETWORK || this.#waiting >= WAITING) return Promise.resolve('busy');
    return new Promise((resolve) => {
      queue.push({ question, settle: resolve });
      this.#queues.set(network, queue);
      this.#waiting += 1;
      this.#next();
    });
  }

  #next(): void {
    const [turn] = this.#queues;
    const thread = turn === undefined ? undefined : this.#thread();
    if (turn === undefined || thread === undefined) return;
    const [network, queue] = turn;
    const waiting = queue.shift() as Waiting;
    this.#waiting -= 1;
    // Behind all others, or gone.
    this.#queues.delete(network);
    if (queue.length > 0) this.#queues.set(network, queue);
    waiting.settle(this.#ask(thread, waiting.question));
  }

  /** A thread with nothing to do. It keeps the process alive no longer than the connections that wait for it. */
  #thread(): Thread | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined || this.#threads >= THREADS) return idle;
    const thread = newThread();
    this.#threads += 1;
    return thread;
  }

  async #ask(thread: Thread, question: PasswordQuestion): Promise<boolean> {
    try {
      const answer = await (thread === null ? answerHere(question) : answerOf(thread, question));
      this.#idle.push(thread);
      return answer;
    } catch (error) {
      this.#threads -= 1;
      void thread?.terminate();
      throw error;
    } finally {
      this.#next();
    }
  }
}

function newThread(): Thread {
  const program = passwordProgram();
  if (program === null || !existsSync(program)) {
    warnOnce('auth', 'a password stops all else while it is checked: leave @onezero/server out of the bundle');
    return null;
  }
  const thread = new Worker(program, { workerData: 'passwords' });
  thread.unref();
  return thread;
}

async function answerHere(question: PasswordQuestion): Promise<boolean> {
  const { answer } = await import('./password-thread.ts');
  // What came meanwhile goes first.
  await turn();
  return answer(question);
}

function answerOf(thread: Worker, question: PasswordQuestion): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(new Error('the thread that checks passwords has ended'));
    thread.once('error', reject);
    thread.once('exit', end);
    thread.once('message', (answer: boolean) => {
      thread.off('error', reject);
      thread.off('exit', end);
      resolve(answer);
    });
    thread.postMessage(question, []);
  });
}

/** Addresses that one client can have as many of as it likes: the first half of IPv6, all of IPv4. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [before = '', after] = address.split('::');
  const groups = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'));
  const [left, right] = [groups(before), groups(after)];
  const zeros = after === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}

// One for the process, as its processors are.
const checks = new PasswordChecks();

/** Checks a password for a client at `address`, in a thread of its own. Rejects when there can be no thread. */
export function checkPassword(question: PasswordQuestion, address: string): Promise<Checked> {
  return checks.check(question, address);
}
