// What an application behind a gateway is doing, for metrics.

/** What was asked of one address. All of them only grow. */
export interface BackendCounts {
  /** Requests that went to it, those that were asked again included. */
  requests: number;
  /** Requests that it did not answer, or that never reached it; those whose client left are none. */
  failures: number;
  /** Requests that were asked again, after a connection that gave no answer. */
  retries: number;
}

/** One address as options name it. */
export interface BackendState extends Readonly<BackendCounts> {
  readonly address: string;
}

/** What a gateway is doing now, and what it has done. */
export interface GatewayState {
  /** Requests that are under way. */
  readonly busy: number;
  /** Requests that wait for a place. */
  readonly queued: number;
  readonly backends: readonly BackendState[];
}

/** The same with the processes of a PHP of our own; all zero for one that is somebody else's. */
export interface PhpState extends GatewayState {
  /** Children that it may have. */
  readonly processes: number;
  /** Those that may be asked now: all, or none while it is started. */
  readonly ready: number;
  /** How often it ended and was started again. */
  readonly restarts: number;
}

/** Nothing so far. */
export function noCounts(): BackendCounts {
  return { requests: 0, failures: 0, retries: 0 };
}
