// Both ends of a connection as responders see them: bare addresses, IPv4 as IPv4 also on a socket for both.

import type { Peer } from '../message.ts';
import { bareAddress, type IsTrusted } from './forwarded.ts';
import type { Ends } from './request.ts';
import type { Transport } from './transport.ts';

export function acceptedEnds(transport: Transport, isTrusted: IsTrusted | undefined): Ends {
  const remote = peer(transport.remoteAddress, transport.remotePort);
  return {
    scheme: transport.secure ? 'https' : 'http',
    remote,
    local: peer(transport.localAddress, transport.localPort),
    isTrusted: isTrusted?.(remote.address) === true ? isTrusted : undefined,
  };
}

function peer(address: string, port: number): Peer {
  return { address: bareAddress(address) ?? address, port };
}
