// Finds out whether a client that has finished sending still reads. A peer that has closed looks like one that has only
// finished, until something is sent to it: then its system answers with a reset. So something is sent that means nothing:
//
// - before the response: `100 (Continue)`, which every client of HTTP/1.1 has to skip (RFC 9110 §15.2);
// - between two chunks: the first digit of the next chunk's size, a zero, which may be any number of digits (RFC 9112 §7.1);
// - elsewhere HTTP has no such word, and the system is asked to look: its keep-alive probes get no answer either, once the
//   peer's system has forgotten the connection (a minute, on Linux).

import type { Transport } from '../transport/transport.ts';
import { CONTINUE } from './enforcement.ts';
import type { Exchange } from './exchange.ts';

const ZERO = Buffer.from('0');

// Readers of chunk sizes take 16 digits as a rule.
const MAX_ZEROS = 8;

// Between two probes of the system.
const KEEP_ALIVE_SECONDS = 10;

/** Call it while the system has taken all that was written. A reset that comes of it is seen by `transport.isBroken`. */
export function probe(transport: Transport, exchange: Exchange): void {
  exchange.probes += 1;
  if (exchange.headSent) {
    if (exchange.isChunked && exchange.padding < MAX_ZEROS) {
      exchange.padding += 1;
      transport.write(ZERO);
      return;
    }
  } else if (exchange.event?.head.version === '1.1') {
    transport.write(CONTINUE);
    return;
  }
  transport.keepAlive(KEEP_ALIVE_SECONDS);
}
