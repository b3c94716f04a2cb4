// Both ends of a connection as responders see them: bare addresses, IPv4 as IPv4 also on a socket for both.

import type { Peer } from '../message/message.ts';
import { bareAddress, type IsTrusted } from './forwarded.ts';
import type { Transport } from './transport.ts';

/** The two ends of a connection as a header of the PROXY protocol announces them. */
export interface AnnouncedEnds {
  readonly remote: Peer;
  readonly local: Peer;
}

/** What a connection knows about itself. */
export class Ends {
  readonly scheme: 'http' | 'https';
  readonly remote: Peer;
  readonly local: Peer;
  /** Set when the peer is a trusted proxy. */
  readonly isTrusted: IsTrusted | undefined;

  /** `announced` are the ends that a proxy named for the connection, in place of the socket's own. */
  constructor(transport: Transport, isTrusted: IsTrusted | undefined, announced?: AnnouncedEnds) {
    const { address, port } = announced?.remote ?? transport.remote;
    this.scheme = transport.secure ? 'https' : 'http';
    this.remote = { address: bare(address), port };
    this.local = announced?.local ?? new LocalEnd(transport);
    this.isTrusted = isTrusted?.(this.remote.address) === true ? isTrusted : undefined;
  }
}

/** Our end: few responders ask, so the system is asked when one does. */
class LocalEnd implements Peer {
  readonly #transport: Transport;
  #known: Peer | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get address(): string {
    return bare(this.#peer.address);
  }

  get port(): number {
    return this.#peer.port;
  }

  get #peer(): Peer {
    return (this.#known ??= this.#transport.local);
  }
}

/** The system writes an IPv4 address in its IPv6 form where the socket is for both. */
function bare(address: string): string {
  return address.startsWith('::ffff:') ? (bareAddress(address) ?? address) : address;
}
