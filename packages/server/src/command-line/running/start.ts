// What a start was told, and how one that fails ends.

import type { Resolved } from '../configuration/configuration.ts';
import type { Configuration } from '../options/table.ts';
import { addressesOf, listenFailure } from './listeners.ts';
import { workerCount } from './mount-options.ts';
import { report, reportStack } from './report.ts';

/** What the command was started with. */
export interface Start {
  readonly resolved: Resolved;
  /** Reads all sources again, for a reload. */
  readonly resolve: () => Resolved;
}

/** One line for what kept the server from starting. */
export function failed(error: unknown, { debug }: Pick<Configuration, 'debug'>, code: number): number {
  report(`Error: ${listenFailure(error)}`);
  if (debug && error instanceof Error) reportStack(error);
  return code;
}

/** What of a configuration a reload cannot change: where it listens (not with which certificate), and what the start has done with. */
export function fixed(configuration: Configuration): string {
  return JSON.stringify([addressesOf(configuration), workerCount(configuration), configuration.readyFile]);
}
