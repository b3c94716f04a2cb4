// Starts the process of a worker. What keeps it from starting is one line, however Node tells of it.

import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Options = SpawnOptions & { readonly cwd: string };

/** A process of this Python; `failed` is called, in a later turn, with the reason when it cannot be started. */
export function startChild(
  python: string,
  words: readonly string[],
  options: Options,
  failed: (reason: string) => void,
): ChildProcess {
  const { child, thrown } = spawned(python, words, options);
  child.on('error', ({ message }) => failed(cannotRun(python, options.cwd, thrown ?? message)));
  return child;
}

/**
 * Node tells of a missing directory by an event, and throws for one that lies below a file, for a circle of links and for an
 * environment that is too large. The child that takes its place fails by the event.
 */
function spawned(
  python: string,
  words: readonly string[],
  options: Options,
): { readonly child: ChildProcess; readonly thrown?: string } {
  try {
    return { child: spawn(python, words, options) };
  } catch (error) {
    const nowhere = join(tmpdir(), randomUUID());
    return { child: spawn(python, words, { ...options, cwd: nowhere, env: {} }), thrown: (error as Error).message };
  }
}

/** The system blames the program when it is the working directory that is missing. */
function cannotRun(python: string, cwd: string, message: string): string {
  return `cannot run ${python} in ${cwd}: ${isDirectory(cwd) ? message : 'there is no such directory'}`;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return false;
  }
}
