// What one client can cost, bounded: sizes in bytes, times in milliseconds. 0 and Infinity stand for no limit.

import type { Limits } from './options.ts';

/** Every limit with its value. */
export type ResolvedLimits = { readonly [Name in keyof Limits]-?: number };

/** The limits of a server that is told nothing. */
export const DEFAULT_LIMITS: ResolvedLimits = {
  // RFC 9112 §3 asks for 8000 at least; what nginx and Apache take.
  maxRequestLineBytes: 8192,
  // Apache takes 8 KiB for each line; four of those hold every cookie jar and bound what a silent client makes us keep.
  maxHeadBytes: 32_768,
  maxFields: 100,
  // Apache's default: large enough for uploads, small enough to notice.
  maxContentBytes: 1_073_741_824,
  // Below the usual limit of 20 000 descriptors, with room for files and scripts.
  maxConnections: 12_000,
  // Off: one address may be a proxy with everybody behind it.
  maxConnectionsPerAddress: 0,
  // Off: a connection costs less than opening another.
  maxRequestsPerConnection: 0,
  // A head is a few packets; Apache waits 20 to 40 seconds, browsers need less than one.
  headTimeoutMs: 20_000,
  // The longest silence in the middle of content, in either direction.
  contentTimeoutMs: 30_000,
  // Longer than the pause between two clicks, shorter than what proxies keep (60 seconds), so that they rarely race us.
  idleTimeoutMs: 65_000,
  // A responder that has said nothing for so long is taken for dead: 503. Apache's default for a gateway is 60 seconds, ours
  // leaves slow scripts alone.
  answerTimeoutMs: 300_000,
  // A response that has begun, or a tunnel after 101, in which nothing moves in either direction. HAProxy's manual advises an hour
  // for tunnels; what is silent for so long is a leak, and no event stream without a ping lives through proxies for as long.
  silenceTimeoutMs: 3_600_000,
  // A broken error hook costs its own request this much and nobody else anything.
  hookTimeoutMs: 5000,
  // Either direction, over any contentTimeoutMs; Apache asks for 500. A modem of 1995 brings 1 400.
  minBytesPerSecond: 240,
  // Content that nobody read is read to here and dropped, so that the client gets to see its answer; more is cut off.
  drainBytes: 16_777_216,
  drainTimeoutMs: 5000,
  // What a graceful stop waits for answers under way; supervisors kill after 10 to 30 seconds.
  closeTimeoutMs: 10_000,
  // Off: only a server behind a balancer needs time in which health checks see that it stops and new connections still work.
  drainDelayMs: 0,
};

/** Fills in the defaults. Throws a RangeError that names the limit which is no whole number from 0 up. */
export function resolveLimits(limits: Limits = {}): ResolvedLimits {
  const resolved = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(limits) as [keyof Limits, number | undefined][]) {
    if (value === undefined) continue;
    if (value === Infinity) {
      resolved[name] = 0;
      continue;
    }
    if (!(name in DEFAULT_LIMITS)) throw new RangeError(`limits.${name} is not a limit`);
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`limits.${name} must be a whole number from 0 up, not ${String(value)}`);
    }
    resolved[name] = value;
  }
  return resolved;
}
