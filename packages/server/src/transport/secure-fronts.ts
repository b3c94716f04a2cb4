// What can still be done to a server with a certificate once it listens. It stands apart from the making of such servers, which is
// read only by a process that listens with a certificate.

import type { Server as NetServer } from 'node:net';
import type { TlsOptions } from '../options.ts';

/** A server with a certificate. */
export interface SecureFront {
  /** Takes other certificates for the handshakes to come. Throws what is wrong with them; then nothing has changed. */
  readonly renew: (tls: TlsOptions) => void;
  /** Closes the connections that are before or in the middle of their handshake. */
  readonly abandonPending: () => void;
}

const fronts = new WeakMap<NetServer, SecureFront>();

/** Makes it known by the server that listens for it. */
export function addFront(listening: NetServer, front: SecureFront): void {
  fronts.set(listening, front);
}

/** What belongs to a server that listens; undefined where it has no certificate. */
export function frontOf(listening: NetServer): SecureFront | undefined {
  return fronts.get(listening);
}
