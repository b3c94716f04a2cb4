// The numbers that a recipe is made of, computed from a configuration: when balancers ask, how long a stop may take, how long
// connections and answers may last. Pure.
//
// A stop takes the drain delay, in which balancers have to notice; then the grace, in which answers end; then a moment in which
// what outlasts it is cut off and the applications end. Whoever supervises must not kill before.

import { resolve } from 'node:path';
import type { Listener } from '../../options.ts';
import { addressesOf } from '../running/listeners.ts';
import type { Configuration } from '../options/table.ts';

export interface Figures {
  /** The address at which programs of this machine reach it, as it stands before a port. */
  readonly host: string;
  readonly port: number;
  /** The Unix socket where it listens in place of both. */
  readonly socket: string | undefined;
  readonly isSecure: boolean;
  /** Whether the certificate is made on the spot, so that nobody can check it. */
  readonly isMade: boolean;
  readonly health: string;
  readonly metrics: string;
  /** The host that requests have to name, where the server answers for named hosts only. */
  readonly namedHost: string | undefined;
  /** Seconds from a failing health check to the last accepted connection. */
  readonly drainSeconds: number;
  /** Milliseconds between two checks of a balancer; one that fails is enough, and is noticed within the drain delay. */
  readonly checkMs: number;
  /** Seconds from SIGTERM until a supervisor may kill. */
  readonly stopSeconds: number;
  /** Seconds from the start until a supervisor may give up. */
  readonly startSeconds: number;
  /** Seconds after which whoever keeps a connection to the server has to close it first. */
  readonly keepSeconds: number;
  /** Seconds until an answer has begun. */
  readonly answerSeconds: number;
  /** Flags that the recipe counts on and the configuration lacks. */
  readonly missingFlags: readonly string[];
  /** Those that a proxy on the same machine needs beside them: it passes the host of its client on. */
  readonly missingProxyFlags: readonly string[];
}

// Endpoint lists of a cluster and checks of a balancer need some seconds; where the configuration says nothing, this does.
const USUAL_DRAIN_SECONDS = 5;

// After the grace: cutting off, and what the command gives its workers beyond it.
const END_SECONDS = 5;

// How long an application takes to load at most, where nothing else is said.
const START_SECONDS = 60;

// What has no limit is waited for a day: programs around the server want a number.
const DAY_SECONDS = 86_400;

/** The figures of a configuration. */
export function figuresOf(configuration: Configuration): Figures {
  const { base = '', health = '/healthz', metrics = '/metrics' } = configuration;
  const { closeTimeout, idleTimeout, answerTimeout, hosts } = configuration;
  const above = base.replace(/\/+$/, '');
  const drainSeconds = Math.min(
    DAY_SECONDS,
    configuration.drainDelay > 0 ? configuration.drainDelay : USUAL_DRAIN_SECONDS,
  );
  const [listener] = addressesOf(configuration);
  const host = hostHere(listener);
  const named = hosts?.find((host) => host !== '*' && !host.startsWith('*.'));
  return {
    host,
    port: listener?.port ?? 8080,
    socket: listener?.socket === undefined ? undefined : resolve(listener.socket),
    isSecure: listener?.tls !== undefined,
    isMade: configuration.https && configuration.tlsCert === undefined,
    health: above + health,
    metrics: above + metrics,
    namedHost: hosts?.includes('*') === true ? undefined : named,
    drainSeconds,
    checkMs: Math.max(50, Math.min(2000, Math.floor((drainSeconds * 1000) / 4))),
    stopSeconds: Math.ceil(drainSeconds + Math.min(DAY_SECONDS, closeTimeout) + END_SECONDS),
    startSeconds: startSecondsOf(configuration),
    // 0 is for ever, and so is Infinity.
    keepSeconds: isEndless(idleTimeout) ? 60 : Math.max(1, Math.floor(idleTimeout - Math.min(5, idleTimeout / 2))),
    answerSeconds: isEndless(answerTimeout) ? 3600 : Math.ceil(answerTimeout + 5),
    missingFlags: missingFlags(configuration),
    missingProxyFlags:
      configuration.trustedProxies === undefined
        ? ['--trusted-proxy', listener?.socket === undefined ? host.replace(/^\[(.*)\]$/, '$1') : 'unix']
        : [],
  };
}

/** A proxy on this machine reaches what listens at all addresses, or at localhost, over IPv4. */
function hostHere({ host = 'localhost' }: Listener = {}): string {
  if (['localhost', '0.0.0.0', '::'].includes(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function isEndless(seconds: number): boolean {
  return seconds === 0 || seconds === Number.POSITIVE_INFINITY;
}

/** What balancers and supervisors need, in words of the command line. */
function missingFlags({ health, drainDelay }: Configuration): readonly string[] {
  return [
    ...(health === undefined ? ['--health', '/healthz'] : []),
    ...(drainDelay > 0 ? [] : ['--drain-delay', `${USUAL_DRAIN_SECONDS}s`]),
  ];
}

function startSecondsOf({ wsgi = [], asgi = [], app = [], sites = [] }: Configuration): number {
  const mounts = [
    ...wsgi,
    ...asgi,
    ...app,
    ...sites.flatMap((site) => [site.wsgi, site.asgi, site.app].flatMap((mounts) => mounts ?? [])),
  ];
  return Math.ceil(
    Math.min(DAY_SECONDS, Math.max(START_SECONDS, ...mounts.map(({ startTimeout = 0 }) => startTimeout))),
  );
}
