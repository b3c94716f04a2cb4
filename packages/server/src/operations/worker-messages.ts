// What the primary process and its workers say to each other, over the channel that node:child_process opens.

import type { Address, TlsOptions } from '../options.ts';
import type { MetricsSnapshot } from './metrics.ts';

/**
 * The variable of the environment that tells a worker whose it is: the process id of its primary. A process manager may run
 * the command under node:cluster too, and is not that primary.
 */
export const PRIMARY_VARIABLE = 'PRIMARY_OF_ONEZERO';

/** The sockets of one listener, as this process has them, and whether a certificate belongs to them. */
export interface InheritedListener {
  readonly descriptors: readonly number[];
  readonly secure: boolean;
  /** The certificate, where the primary has it and not the worker. */
  readonly tls?: TlsOptions | undefined;
}

/** From the primary to a worker. */
export type Order =
  /** Listen on these inherited sockets. What the configuration is, who starts the workers knows. */
  | { readonly kind: 'begin'; readonly listeners: readonly InheritedListener[]; readonly configuration?: unknown }
  | { readonly kind: 'reload'; readonly configuration?: unknown }
  | { readonly kind: 'reopen-log' }
  | { readonly kind: 'stop'; readonly graceMs: number | undefined }
  /** Answer with `snapshot`. */
  | { readonly kind: 'count'; readonly id: number }
  /** The answer to `collect`. */
  | { readonly kind: 'collected'; readonly id: number; readonly snapshots: readonly MetricsSnapshot[] };

/** From a worker to the primary. */
export type Notice =
  /** It takes orders: one that comes before would be lost. */
  | { readonly kind: 'started' }
  | { readonly kind: 'listening'; readonly addresses: readonly Address[] }
  /** It cannot start, and ends. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Its applications are loaded: at once with `listening`, or later where they may take their time. */
  | { readonly kind: 'ready' }
  /** A reload has ended; with `error`, everything is as before. */
  | { readonly kind: 'reloaded'; readonly error: string | undefined }
  /** Asks what all workers have counted. */
  | { readonly kind: 'collect'; readonly id: number }
  | { readonly kind: 'snapshot'; readonly id: number; readonly snapshot: MetricsSnapshot };
