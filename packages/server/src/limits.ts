// What one client can cost, bounded: sizes in bytes, times in milliseconds. Infinity stands for no limit, and so does 0 but for those
// in `AT_ONCE`.

import { checkOptions, completed, type Shape, type Table } from '@onezero/static/options';
import type { Limits } from './options.ts';

/** Every limit with its value. */
export type ResolvedLimits = { readonly [Name in keyof Limits]-?: number };

const size: Shape = { type: 'size', isUnlimited: true };
const time: Shape = { type: 'duration', unit: 'milliseconds', isUnlimited: true };
const count: Shape = { type: 'integer', minimum: 0, isUnlimited: true };

/** Every limit: what it takes, bounds and is for a server that is told nothing. */
export const limitsTable: Table<Limits> = {
  // RFC 9112 §3 asks for 8000 at least; what nginx and Apache take.
  maxRequestLineBytes: { shape: size, summary: 'the longest request line (414)', default: 8192 },
  // Apache takes 8 KiB for each line; four of those hold every cookie jar and bound what a silent client makes us keep.
  maxHeadBytes: { shape: size, summary: 'the largest head of a request (431)', default: 32_768 },
  maxFields: { shape: count, summary: 'the most field lines in a request (431)', default: 100 },
  // Apache's default: large enough for uploads, small enough to notice.
  maxContentBytes: { shape: size, summary: 'the longest request content (413)', default: 1_073_741_824 },
  // Below the usual limit of 20 000 descriptors, with room for files and scripts.
  maxConnections: { shape: count, summary: 'connections at once; 0: no limit', default: 12_000 },
  // Off: one address may be a proxy with everybody behind it.
  maxConnectionsPerAddress: {
    shape: count,
    summary: 'connections at once from one address; 0: no limit',
    default: 0,
  },
  // Off: a connection costs less than opening another.
  maxRequestsPerConnection: { shape: count, summary: 'requests on one connection; 0: no limit', default: 0 },
  // A head is a few packets; Apache waits 20 to 40 seconds, browsers need less than one.
  headTimeoutMs: { shape: time, summary: 'how long a client may take to send a request head (408)', default: 20_000 },
  // In either direction.
  contentTimeoutMs: { shape: time, summary: 'the longest pause while content is received or sent', default: 30_000 },
  // Longer than the pause between two clicks, shorter than what proxies keep (60 seconds), so that they rarely race us.
  idleTimeoutMs: { shape: time, summary: 'how long an idle connection is kept', default: 65_000 },
  // A responder that has said nothing for so long is taken for dead: 503. Apache's default for a gateway is 60 seconds, ours
  // leaves slow scripts alone.
  answerTimeoutMs: { shape: time, summary: 'how long a response may take to begin (503)', default: 300_000 },
  // A response that has begun, or a tunnel after 101, in which nothing moves in either direction. HAProxy's manual advises an hour
  // for tunnels; what is silent for so long is a leak, and no event stream without a ping lives through proxies for as long.
  silenceTimeoutMs: {
    shape: time,
    summary: 'the longest pause in a response that has begun, or in a WebSocket',
    default: 3_600_000,
  },
  // A broken error hook costs its own request this much and nobody else anything.
  hookTimeoutMs: { shape: time, summary: 'how long an error page may take', default: 5000 },
  // Either direction, over any contentTimeoutMs; Apache asks for 500. A modem of 1995 brings 1 400.
  minBytesPerSecond: { shape: count, summary: 'the slowest transfer that is accepted; 0: no limit', default: 240 },
  // Content that nobody read is read to here and dropped, so that the client gets to see its answer; more is cut off.
  maxDrainBytes: {
    shape: size,
    summary: 'how much request content that was not read is received and dropped before the connection is closed',
    default: 16_777_216,
  },
  drainTimeoutMs: { shape: time, summary: 'how long unread request content is received and dropped', default: 5000 },
  // Supervisors kill after 10 to 30 seconds.
  closeTimeoutMs: { shape: time, summary: 'how long a stop waits for requests in progress', default: 10_000 },
  // Off: only a server behind a balancer needs time in which health checks see that it stops and new connections still work.
  drainDelayMs: {
    shape: time,
    summary: 'how long a stop still accepts connections, so that balancers notice',
    default: 0,
  },
};

/** The limits of a server that is told nothing. */
export const DEFAULT_LIMITS: ResolvedLimits = completed<Limits>(limitsTable, {});

/** Where 0 says that nothing is waited for, or received, at all. */
const AT_ONCE: ReadonlySet<string> = new Set(['hookTimeoutMs', 'maxDrainBytes', 'closeTimeoutMs', 'drainDelayMs']);

/** Fills in the defaults, and 0 for Infinity where both mean the same. Throws a TypeError that names the limit which cannot be used. */
export function resolveLimits(limits: Limits = {}): ResolvedLimits {
  checkOptions({ limits: { shape: { type: 'object', members: limitsTable }, summary: '' } }, { limits });
  const entries = Object.entries(completed<Limits>(limitsTable, limits));
  const settled = entries.map(([name, value]) => [name, value === Infinity && !AT_ONCE.has(name) ? 0 : value]);
  return Object.fromEntries(settled) as ResolvedLimits;
}
