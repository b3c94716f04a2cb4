// The server that a mount is passed on to: read from a URL once, connected to for each request.

import type { LookupAddress, LookupOptions } from 'node:dns';
import { connect as connectPlain, type Socket } from 'node:net';
import type { RequestMessage } from '../message/message.ts';
import { encodePath } from '../responders/application-target.ts';
import { timerMs } from '../timer.ts';

/** Where requests go. */
export interface Upstream {
  /** Scheme, host and port, as logs name it. */
  readonly origin: string;
  /** The value of a Host field that names it. */
  readonly authority: string;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** What stands in place of the mount's prefix; undefined where the path is passed on as it is. */
  readonly base: string | undefined;
  /** Whether it is on this machine. */
  readonly isLocal: boolean;
  /** Addresses that have not answered, and until when they are the last to be tried. */
  readonly slow: Map<string, number>;
}

const EXPECTS = 'expected a URL such as http://localhost:3000';

/** Reads the URL of an upstream. Throws a TypeError of one line for one that cannot be used. */
export function readUpstream(target: string): Upstream {
  const url = URL.parse(target);
  const why =
    url === null || !/^https?:\/\//i.test(target)
      ? EXPECTS
      : url.username !== '' || url.password !== ''
        ? 'a name and password have no place in it'
        : url.search !== '' || url.hash !== ''
          ? 'a query or fragment has no place in it'
          : undefined;
  if (url === null || why !== undefined) throw new TypeError(`proxy: ${JSON.stringify(target)}: ${why ?? EXPECTS}`);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // `http://a:1` keeps the path; `http://a:1/` and `http://a:1/base` replace the prefix, as in nginx.
  const hasPath = target.slice(target.indexOf('://') + 3).includes('/');
  return {
    origin: url.origin,
    authority: url.host,
    secure,
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    base: hasPath ? url.pathname.replace(/\/$/, '') : undefined,
    isLocal: host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.[\d.]+$/.test(host),
    slow: new Map(),
  };
}

/**
 * What part of the whole time each address of a name has before the next is tried, but for the last. Node never comes back to one, and
 * its own quarter of a second is less than a loop may stand still, or one lost packet costs.
 */
const SHARE = 8;

/** How long an address that has not answered is tried behind the others, as nginx's fail_timeout. */
const SLOW_MS = 10_000;

type Found = (error: Error | null, addresses: LookupAddress[]) => void;

/** Opens a connection; every address of the name is tried. What goes wrong is an `error` event. */
export function connectTo({ host, port, secure, slow }: Upstream, connectTimeoutMs: number): Socket {
  const lookup = (name: string, options: LookupOptions, found: Found): void =>
    process.getBuiltinModule('node:dns').lookup(name, { ...options, all: true }, (error, addresses) => {
      found(error, lastSlow(addresses ?? [], slow));
    });
  const autoSelectFamilyAttemptTimeout = Math.ceil(timerMs(connectTimeoutMs) / SHARE);
  const where = { host, port, lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout };
  const servername = /[a-z]/i.test(host) && !host.includes(':') ? host : undefined;
  // `Connection: close` makes each connection serve one request, so half-open ends have no later use.
  const socket = secure
    ? process.getBuiltinModule('node:tls').connect({ ...where, servername })
    : connectPlain({ ...where, noDelay: true, allowHalfOpen: true });
  socket.on('connectionAttemptTimeout', (address) => slow.set(address, performance.now() + SLOW_MS));
  return socket.on('connect', () => slow.delete(socket.remoteAddress ?? ''));
}

/** Puts slow ones last. One whose time is over is tried by one request; the others do without it until that knows more. */
function lastSlow(addresses: readonly LookupAddress[], slow: Map<string, number>): LookupAddress[] {
  const now = performance.now();
  const isSlow = ({ address }: LookupAddress): boolean => slow.get(address)! > now;
  const ordered = [...addresses].sort((a, b) => Number(isSlow(a)) - Number(isSlow(b)));
  const first = ordered[0]?.address ?? '';
  if (slow.has(first)) slow.set(first, now + SLOW_MS);
  return ordered;
}

// What a URL may contain; a backslash, which some upstreams take for a slash, is not among it.
const URL_PATH = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/;

/**
 * The target for the upstream: the path that routes and guards have seen, never another reading of it. The client's own
 * spelling is kept where it names the same segments, since signatures may cover it.
 */
export function upstreamTarget(
  { target, scriptName, pathInfo, query }: Pick<RequestMessage, 'target' | 'scriptName' | 'pathInfo' | 'query'>,
  { base }: Pick<Upstream, 'base'>,
): string {
  const whole = base === undefined ? scriptName + pathInfo : pathInfo;
  const mark = target.indexOf('?');
  const spelt = mark === -1 ? target : target.slice(0, mark);
  const kept = base === undefined && isSpelling(spelt, whole) ? spelt : encodePath(whole);
  const path = `${base ?? ''}${kept}`;
  return `${path.startsWith('/') ? path : `/${path}`}${query === undefined ? '' : `?${query}`}`;
}

function isSpelling(spelt: string, path: string): boolean {
  if (spelt === path) return URL_PATH.test(spelt) && !spelt.includes('%');
  if (!URL_PATH.test(spelt) || /%2f/i.test(spelt)) return false;
  try {
    return decodeURIComponent(spelt) === path;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}
