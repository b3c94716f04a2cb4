// Both ends of a connection as responders see them: bare addresses, IPv4 as IPv4 also on a socket for both.

import type { Peer } from '../message.ts';
import { bareAddress, type IsTrusted } from './forwarded.ts';
import type { Transport } from './transport.ts';

/** What a connection knows about itself. */
export class Ends {
  readonly scheme: 'http' | 'https';
  readonly remote: Peer;
  /** Set when the peer is a trusted proxy. */
  readonly isTrusted: IsTrusted | undefined;
  readonly #transport: Transport;
  #local: Peer | undefined;

  constructor(transport: Transport, isTrusted: IsTrusted | undefined) {
    this.scheme = transport.secure ? 'https' : 'http';
    this.remote = bare(transport.remote);
    this.isTrusted = isTrusted?.(this.remote.address) === true ? isTrusted : undefined;
    this.#transport = transport;
  }

  /** Asked for when the first responder does: most never do. */
  get local(): Peer {
    return (this.#local ??= bare(this.#transport.local));
  }
}

function bare({ address, port }: Peer): Peer {
  return { address: bareAddress(address) ?? address, port };
}
