// Requests below a path, passed on to one HTTP server: what a front end under development needs for its API, and what moves
// an old application behind this server. One upstream for each mount; nothing is balanced, kept or rewritten.

import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { checkOptions } from '@onezero/static/options';
import { proxyTable } from '../call-tables.ts';
import { lengthUntold } from '../message/content.ts';
import { hasField } from '../message/fields.ts';
import type { RequestMessage, Responder, ResponseMessage } from '../message/message.ts';
import { requestFields, responseFields } from './request-fields.ts';
import { UpstreamExchange } from './upstream-exchange.ts';
import { connectTo, readUpstream, type Upstream, upstreamTarget } from './upstream.ts';

/** Where requests are passed on to, and how. */
export interface ProxyOptions {
  /**
   * The upstream, such as `http://localhost:3000`. Without a path, requests keep theirs; with one, be it `/`, it stands in place of
   * the mount's prefix: `/api` to `http://localhost:3000/` asks for `/users` where `/api/users` was asked for.
   */
  readonly target: string;
  /**
   * Which Host field the upstream gets: the client's, or one that names the upstream. X-Forwarded-Host is the client's.
   *
   * @default 'client' for an upstream on this machine, 'upstream' for others
   */
  readonly host?: 'client' | 'upstream' | undefined;
  /** Milliseconds for a connection to be accepted; then 504. @default 10_000 */
  readonly connectTimeoutMs?: number | undefined;
}

// A machine that answers at all accepts within a round trip; after three lost packets of it nobody is there.
const CONNECT_TIMEOUT_MS = 10_000;

const LEFT = { head: { status: 502, reason: '', fields: [] } };

/**
 * Makes a responder that passes requests on. Content streams both ways, events leave at once, upgrades such as WebSocket become
 * tunnels. The upstream is told the client in X-Forwarded-For, -Proto, -Host and in Forwarded (RFC 7239); what a client wrote
 * there is dropped, and so is the Authorization field of one whom this server let in (X-Forwarded-User names them). A request
 * that cannot be passed on is 502, or 504; it is never sent twice.
 *
 * Throws a TypeError for a target that is no URL of http or https. Its options are provisional.
 *
 * @example
 * createServer({ routes: [{ path: '/api', responder: proxyResponder({ target: 'http://localhost:3000' }) }] });
 */
export function proxyResponder(options: ProxyOptions): Responder & { drain(): void } {
  checkOptions(proxyTable, options, 'proxy');
  const upstream = readUpstream(options.target);
  const { host = upstream.isLocal ? 'client' : 'upstream', connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  // Tunnels and event streams have no end of their own.
  const endless = new Set<() => void>();
  const respond = async (request: RequestMessage): Promise<ResponseMessage> => {
    const { pathInfo, fields } = (request ?? {}) as Partial<RequestMessage>;
    if (typeof pathInfo !== 'string' || !Array.isArray(fields))
      throw new TypeError('proxyResponder: expected a request of createServer; put it into a route of that');
    const hostField = host === 'client' ? (request.authority ?? upstream.authority) : upstream.authority;
    const exchange = begin(request, upstream, hostField, connectTimeoutMs);
    const { head } = await exchange.head.catch((error: unknown) => {
      // A client that has left gets nothing, and is no failure of the upstream.
      if (request.signal.aborted) return LEFT;
      throw error;
    });
    if (head.status === 101) return switched(head, exchange, endless);
    const isStream = head.fields.some(([name, value]) => name === 'content-type' && /^text\/event-stream/i.test(value));
    const content = hasField(head.fields, 'transfer-encoding') ? exchange : lengthUntold(exchange);
    return {
      status: head.status,
      reason: head.reason,
      fields: responseFields(head.fields),
      content: isStream ? endlessly(exchange, endless) : content,
    };
  };
  return Object.assign(respond, {
    drain: () => {
      for (const end of endless) end();
    },
  });
}

function begin(request: RequestMessage, upstream: Upstream, host: string, connectTimeoutMs: number): UpstreamExchange {
  return new UpstreamExchange(request, {
    socket: connectTo(upstream, connectTimeoutMs),
    origin: upstream.origin,
    target: upstreamTarget(request, upstream),
    fields: requestFields(request, host),
    connectTimeoutMs,
  });
}

async function* endlessly(exchange: UpstreamExchange, endless: Set<() => void>): AsyncGenerator<Uint8Array> {
  const end = (): void => exchange.close();
  endless.add(end);
  try {
    yield* exchange;
  } finally {
    endless.delete(end);
    exchange.close();
  }
}

/** After 101 the two connections are one. */
function switched(
  { fields, reason }: { readonly fields: ResponseMessage['fields']; readonly reason: string },
  exchange: UpstreamExchange,
  endless: Set<() => void>,
): ResponseMessage {
  const { socket, first } = exchange.takeOver();
  // Until the client's end is there, nothing else listens.
  socket.on('error', () => undefined);
  socket.pause();
  return {
    status: 101,
    reason,
    fields,
    upgrade: (client: Socket) => {
      if (first.length > 0) client.write(first);
      const end = (): void => void socket.destroy();
      endless.add(end);
      socket.once('close', () => endless.delete(end));
      // Each end closes the other; what is under way is written first.
      pipeline(client, socket, client, () => undefined);
    },
  };
}
