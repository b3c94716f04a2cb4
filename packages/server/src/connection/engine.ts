// What all connections of one server share: what is served now, the limits, the clock, and who is connected.

import type { RequestParserOptions } from '@onezero/http-parser';
import type { ResolvedLimits } from '../limits.ts';
import type { AccessLogEntry } from '../options.ts';
import type { Site } from '../routing/site.ts';
import type { Clock } from './clock.ts';
import type { CompleteSettings } from './complete.ts';
import type { Connection } from './connection.ts';
import type { IsTrusted } from '../transport/forwarded.ts';
import type { RememberedResponses } from './remembered.ts';
import type { RequestSettings } from './read-request.ts';

/** One generation of what is served; a reload makes the next. */
export interface Service {
  readonly site: Site;
  readonly limits: ResolvedLimits;
  readonly parser: RequestParserOptions;
  readonly complete: CompleteSettings;
  readonly request: RequestSettings;
  readonly remembered: RememberedResponses;
  readonly isTrusted: IsTrusted | undefined;
  readonly accessLog: ((entry: AccessLogEntry) => void) | undefined;
  /** How many requests it is answering. */
  underWay: number;
}

export interface Engine {
  readonly clock: Clock;
  /** What a request that begins now is answered with. */
  readonly service: Service;
  /** No connection outlives its current answer. */
  readonly isStopping: boolean;
  /** The last request that a generation was answering has ended. */
  idle(service: Service): void;
  closed(connection: Connection): void;
}
