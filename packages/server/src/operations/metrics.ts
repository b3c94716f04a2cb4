// Counters in the Prometheus text exposition format. A snapshot is plain data, so that those of several processes can be
// sent about and added up.

import { checkFunction, kindOf } from '../check-options.ts';
import { isPromiseLike } from '../message/content.ts';
import type { RequestMessage, ResponseMessage } from '../message/message.ts';
import type { AccessLogEntry, ApplicationState } from '../options.ts';
import { addUpApplications, applicationFamilies } from './application-metrics.ts';
import { family } from './metrics-format.ts';

/** What was counted since the start, and what is there now. */
export interface MetricsSnapshot {
  /** `method status-class` to a number of requests, such as `GET 2xx`. */
  readonly requests: Readonly<Record<string, number>>;
  /** Requests by duration: how many took at most the bound at the same place; the last has no bound. */
  readonly durations: readonly number[];
  readonly durationSeconds: number;
  readonly contentBytes: number;
  readonly incomplete: number;
  readonly connections: number;
  readonly underWay: number;
  readonly startTime: number;
  readonly workers: number;
  /** What runs in processes of its own; absent where nothing does. */
  readonly applications?: readonly ApplicationState[];
}

/** What there is now, as a `Server` tells it. */
export interface Present {
  readonly connections: number;
  readonly requests: number;
  readonly applications?: readonly ApplicationState[];
}

export interface Metrics {
  /** Counts a response; cheap enough for every one. */
  observe(entry: AccessLogEntry): void;
  snapshot(now: Present): MetricsSnapshot;
}

/** Upper bounds in seconds: those that Prometheus libraries have by default, and faster ones, since files take less. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

// Methods are the client's words, so those outside this list share one label: a client must not be able to make series.
const WEBDAV = ['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK'];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'LINK', 'UNLINK', ...WEBDAV]);

/**
 * Starts counting at nothing.
 *
 * @example
 * const metrics = createMetrics();
 * const server = createServer({
 *   accessLog: (entry) => metrics.observe(entry),
 *   routes: [
 *     { path: '/metrics', responder: metricsResponder(() => metrics.snapshot(server)) },
 *     { path: '/healthz', responder: healthResponder(() => 'ok') },
 *   ],
 * });
 */
export function createMetrics(): Metrics {
  const requests = new Map<string, number>();
  const durations = Array.from({ length: BOUNDS.length + 1 }, () => 0);
  const startTime = Date.now() / 1000;
  let durationSeconds = 0;
  let contentBytes = 0;
  let incomplete = 0;
  return {
    observe(entry) {
      const method = entry.method !== undefined && METHODS.has(entry.method) ? entry.method : 'other';
      const key = `${method} ${Math.floor(entry.status / 100)}xx`;
      requests.set(key, (requests.get(key) ?? 0) + 1);
      const seconds = entry.durationMs / 1000;
      let bucket = 0;
      while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] ?? Infinity)) bucket++;
      durations[bucket] = (durations[bucket] ?? 0) + 1;
      durationSeconds += seconds;
      contentBytes += entry.contentBytes;
      if (!entry.complete) incomplete++;
    },
    snapshot: (now) =>
      counted(now, {
        requests: Object.fromEntries(requests),
        durations: [...durations],
        durationSeconds,
        contentBytes,
        incomplete,
        startTime,
        workers: 1,
      }),
  };
}

/** What was counted, with what there is now. */
function counted(
  now: Present | undefined,
  counts: Omit<MetricsSnapshot, 'connections' | 'underWay' | 'applications'>,
): MetricsSnapshot {
  if (typeof now?.connections !== 'number')
    throw new TypeError('snapshot: expected the server: metrics.snapshot(server)');
  const { connections, requests: underWay, applications = [] } = now;
  return { ...counts, connections, underWay, ...(applications.length > 0 && { applications }) };
}

function checkSnapshots(given: unknown): void {
  if (!Array.isArray(given)) throw new TypeError('addUpMetrics: expected a list of snapshots; put it into [ ]');
}

/** The snapshots of several processes as one. */
export function addUpMetrics(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  checkSnapshots(snapshots);
  const total = (of: (snapshot: MetricsSnapshot) => number): number => snapshots.reduce((sum, one) => sum + of(one), 0);
  const requests: Record<string, number> = {};
  for (const [key, count] of snapshots.flatMap((snapshot) => Object.entries(snapshot.requests))) {
    requests[key] = (requests[key] ?? 0) + count;
  }
  const applications = addUpApplications(snapshots.flatMap((snapshot) => snapshot.applications ?? []));
  return {
    requests,
    durations: [...BOUNDS, Infinity].map((_, index) => total(({ durations }) => durations[index] ?? 0)),
    durationSeconds: total((one) => one.durationSeconds),
    contentBytes: total((one) => one.contentBytes),
    incomplete: total((one) => one.incomplete),
    connections: total((one) => one.connections),
    underWay: total((one) => one.underWay),
    startTime: snapshots.length === 0 ? 0 : Math.min(...snapshots.map(({ startTime }) => startTime)),
    workers: total((one) => one.workers),
    ...(applications.length > 0 && { applications }),
  };
}

/** What a process that has ended had counted: that stays in the sum, and what there was of it does not. */
export function endedSnapshot(last: MetricsSnapshot): MetricsSnapshot {
  const gone = { processes: 0, ready: 0, busy: 0, queued: 0 };
  const applications = last.applications?.map((one) => ({ ...one, ...gone }));
  const ended = { ...last, connections: 0, underWay: 0, workers: 0 };
  return applications === undefined ? ended : { ...ended, applications };
}

/** The text exposition format, version 0.0.4. */
export function metricsText(snapshot: MetricsSnapshot): string {
  const count = snapshot.durations.reduce((sum, one) => sum + one, 0);
  let atMost = 0;
  const buckets = snapshot.durations.map((inBucket, index): [string, number] => {
    atMost += inBucket;
    return [`_bucket{le="${BOUNDS[index] ?? '+Inf'}"}`, atMost];
  });
  const requests = Object.entries(snapshot.requests).map(([key, value]): [string, number] => {
    const [method, status] = key.split(' ');
    return [`{method="${method}",status="${status}"}`, value];
  });
  const { durationSeconds, contentBytes, incomplete, connections, underWay, startTime, workers } = snapshot;
  return [
    family('http_requests_total', 'counter', 'Responses sent, by method and class of status.', requests),
    family('http_request_duration_seconds', 'histogram', 'From the first line to the end of the response.', [
      ...buckets,
      ['_sum', durationSeconds],
      ['_count', count],
    ]),
    family('http_response_content_bytes_total', 'counter', 'Bytes of content sent.', [['', contentBytes]]),
    family('http_responses_incomplete_total', 'counter', 'Responses that broke off.', [['', incomplete]]),
    family('http_connections', 'gauge', 'Open connections.', [['', connections]]),
    family('http_requests_in_progress', 'gauge', 'Requests that are being answered.', [['', underWay]]),
    family('process_start_time_seconds', 'gauge', 'When the server started.', [['', startTime]]),
    family('http_workers', 'gauge', 'Processes that answer requests.', [['', workers]]),
    ...applicationFamilies(snapshot.applications ?? []),
  ].join('');
}

/** Answers with the metrics of whatever `collect` finds. */
export function metricsResponder(
  collect: () => MetricsSnapshot | Promise<MetricsSnapshot>,
): (request: RequestMessage) => Promise<ResponseMessage> {
  checkFunction(collect, 'metricsResponder', 'a function such as () => metrics.snapshot(server)');
  return async ({ pathInfo }) => {
    if (!isWhole(pathInfo)) return { status: 404, fields: [] };
    const snapshot: unknown = await collect();
    if (!isSnapshot(snapshot))
      throw new TypeError('metricsResponder: the function returned no snapshot: return metrics.snapshot(server)');
    const content = Buffer.from(metricsText(snapshot));
    return { status: 200, fields: [['content-type', 'text/plain; version=0.0.4; charset=utf-8'], NO_STORE], content };
  };
}

function isSnapshot(value: unknown): value is MetricsSnapshot {
  return typeof value === 'object' && value !== null && 'durations' in value && 'requests' in value;
}

/** What a load balancer wants to know: 200 for `ok`; 503 before, while applications load, and after, while it stops. */
export type Health = 'starting' | 'ok' | 'stopping';

/** Answers with the state of the server, so that a load balancer sends requests only where they are answered. */
export function healthResponder(health: () => Health): (request: RequestMessage) => ResponseMessage {
  checkFunction(health, 'healthResponder', "a function such as () => 'ok'");
  const answer = (status: number, text: string): ResponseMessage => ({
    status,
    fields: [['content-type', 'text/plain; charset=utf-8'], NO_STORE],
    content: Buffer.from(`${text}\n`),
  });
  const answers = new Map<unknown, ResponseMessage>([
    ['starting', answer(503, 'starting')],
    ['ok', answer(200, 'ok')],
    ['stopping', answer(503, 'stopping')],
  ]);
  return ({ pathInfo }) => {
    if (!isWhole(pathInfo)) return { status: 404, fields: [] };
    const state: unknown = health();
    const known = answers.get(state);
    if (known !== undefined) return known;
    // Its rejection, unhandled, would end the process.
    if (isPromiseLike(state)) void Promise.resolve(state).catch(() => undefined);
    throw new TypeError(
      `healthResponder: the function returned ${isPromiseLike(state) ? 'a promise' : kindOf(state)}, not 'starting', 'ok' or 'stopping'`,
    );
  };
}

const NO_STORE = ['cache-control', 'no-store'] as const;

// A route takes what is below its path too; these have nothing there.
function isWhole(pathInfo: string): boolean {
  return pathInfo === '' || pathInfo === '/';
}
