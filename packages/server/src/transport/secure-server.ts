// The TLS side of listening. A plain server listens and hands each socket to a TLS server that does not listen itself, as
// node:tls documents for its `connection` event: the header of a proxy comes before the handshake and is taken off on the way.

import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import type { SecureContext, Server as TlsServer } from 'node:tls';
import { checkCertificate } from '../check-options.ts';
import type { NamedCertificate, TlsOptions } from '../options.ts';
import { timerMs } from '../timer.ts';
import { openDocumented, type Accept, type ReadHeader } from './accept.ts';
import { bareAddress } from './forwarded.ts';
import { rawOf } from './handle.ts';
import { abandonHandshakes, watchHandshakes } from './handshakes.ts';
import { addFront, type SecureFront } from './secure-fronts.ts';
import { contextFor, contextsByName, type ByName, type MadeOf } from './server-names.ts';
import { takeHeader } from './socket-header.ts';

export interface SecureSettings {
  readonly accept: Accept;
  /** Whether connections of a peer begin with a header of the PROXY protocol. */
  readonly sendsProxyHeader: (address: string) => boolean;
  readonly handshakeTimeoutMs: number;
  /** Asked for at each connection: a reload may change it. 0 for no limit. */
  readonly maxConnections: () => number;
}

interface Secure {
  readonly server: TlsServer;
  readonly renew: SecureFront['renew'];
}

const headerOf = new WeakMap<Socket, ReadHeader>();

const NO_HEADER: ReadHeader = { ends: undefined };

/** Makes the server that listens. Loads node:tls, which takes as long as all the rest of a start. */
export async function secureServer(tls: TlsOptions, settings: SecureSettings): Promise<NetServer> {
  const { sendsProxyHeader, handshakeTimeoutMs } = settings;
  const { server, renew } = await tlsServer(tls, settings);
  // Sockets whose header has not been read yet.
  const waiting = new Set<Socket>();
  const shakeHands = (socket: Socket): void => {
    // Who finishes sending in the middle of a handshake has gone; afterwards it may still be reading. The secure socket inherits this.
    socket.allowHalfOpen = false;
    server.emit('connection', socket);
  };
  const front = createNetServer({ allowHalfOpen: true }, (socket) => {
    if (!sendsProxyHeader(bareAddress(socket.remoteAddress ?? '') ?? '')) return shakeHands(socket);
    waiting.add(socket);
    socket.once('close', () => waiting.delete(socket));
    takeHeader(socket, handshakeTimeoutMs, (header) => {
      waiting.delete(socket);
      headerOf.set(socket, header);
      shakeHands(socket);
    });
  });
  // Connections in the middle of a handshake are not counted by the engine; node:net counts them.
  Object.defineProperty(front, 'maxConnections', { get: () => settings.maxConnections() || undefined });
  const abandonPending = (): void => {
    for (const socket of waiting) socket.destroy();
    abandonHandshakes(server);
  };
  addFront(front, { renew, abandonPending });
  return front;
}

/** What OpenSSL has against a certificate says neither where nor what. */
function usable<Made>(make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    const { message } = error as Error;
    throw new TypeError(`listen: tls: cert and key cannot be used together: ${message}`, { cause: error });
  }
}

async function tlsServer(tls: TlsOptions, { accept, handshakeTimeoutMs }: SecureSettings): Promise<Secure> {
  const { createServer } = await import('node:tls');
  let named = usable(() => contextsOf(tls));
  const settings = {
    ...named.shared,
    SNICallback: (host: string, done: (error: null, context?: SecureContext) => void) =>
      done(null, contextFor(named.byName, host)),
    allowHalfOpen: true,
    handshakeTimeout: timerMs(handshakeTimeoutMs),
    ALPNProtocols: ['http/1.1'],
  };
  const server = usable(() => createServer(settings));
  server.on('secureConnection', (socket) => {
    socket.allowHalfOpen = true;
    const raw = rawOf(socket);
    openDocumented(socket, true, accept, (raw && headerOf.get(raw)) ?? NO_HEADER);
  });
  watchHandshakes(server);
  return {
    server,
    renew: (renewed) => {
      // All or nothing: what is no good throws here.
      const next = contextsOf(renewed, named);
      server.setSecureContext(next.shared);
      named = next;
    },
  };
}

interface NamedContexts {
  /** The default, and what holds for all. */
  readonly shared: TlsOptions;
  readonly byName: ByName;
  readonly made: MadeOf;
}

/** What is said for the default holds for the others as well. */
function contextsOf({ others = [], ...shared }: TlsOptions, before?: NamedContexts): NamedContexts {
  // Loaded by whoever listens.
  const { createSecureContext } = process.getBuiltinModule('node:tls');
  const { minVersion, ciphers } = shared;
  const isAlike = before?.shared.minVersion === minVersion && before?.shared.ciphers === ciphers;
  const made: MadeOf = new Map();
  const contextOf = (named: NamedCertificate): SecureContext => {
    checkCertificate(named);
    const { cert, key, passphrase } = named;
    return createSecureContext({ ...shared, cert, key, passphrase });
  };
  checkCertificate(shared);
  return { shared, byName: contextsByName(others, contextOf, made, isAlike ? before?.made : undefined), made };
}
