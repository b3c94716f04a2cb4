// Starts the process of a worker. What keeps it from starting is one line, however Node tells of it.

import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Options extends Omit<SpawnOptions, 'stdio'> {
  readonly cwd: string;
  readonly stdio: readonly 'pipe'[];
}

/** What a start takes beside both ends of its pipes, for a moment: rather too many. */
const OTHER_DESCRIPTORS = 4;

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
 * environment that is too large. The child that takes its place fails by the event. Where descriptors are wanting Node would leave
 * some of the pipes open, one start after another, so that is found out before.
 */
function spawned(
  python: string,
  words: readonly string[],
  options: Options,
): { readonly child: ChildProcess; readonly thrown?: string } {
  const { stdio, ...others } = options;
  try {
    checkDescriptors(2 * stdio.length + OTHER_DESCRIPTORS);
    return { child: spawn(python, words, { ...others, stdio: [...stdio] }) };
  } catch (error) {
    const nowhere = { ...others, stdio: 'ignore', cwd: join(tmpdir(), randomUUID()), env: {} } as const;
    return { child: spawn(python, words, nowhere), thrown: (error as Error).message };
  }
}

/** Throws EMFILE or ENFILE when as many cannot be opened. */
function checkDescriptors(count: number): void {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync('/dev/null', 'r'));
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
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
