export type { CgiRequest, CgiResponse, Field, Peer } from './message.ts';

/** Which scripts run, and how. */
export interface CgiOptions {
  readonly directory?: string | undefined;
}
