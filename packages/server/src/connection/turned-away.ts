// A connection over the limit: told so in the cheapest way, without reading what it wants.

import { serializeHead } from '@onezero/http-parser/serializer';
import { currentDate, type Clock, type Watched } from './clock.ts';
import type { Receiver, Transport } from '../transport/transport.ts';

// Long enough for the answer to be read before what the client has sent makes the system reset the connection.
const LINGER_MS = 1000;

export class TurnedAway implements Receiver, Watched {
  clockPlace = -1;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #since: number;
  readonly #closed: () => void;

  constructor(transport: Transport, clock: Clock, closed: () => void) {
    this.#transport = transport;
    this.#clock = clock;
    this.#closed = closed;
    clock.watch(this);
    this.#since = clock.now;
    // A TLS or TCP socket takes a write before anything is read from it.
    transport.write(refusal());
    transport.end();
  }

  received(): void {}

  finished(): void {}

  closed(): void {
    this.#clock.unwatch(this);
    this.#closed();
  }

  tick(now: number): void {
    if (now - this.#since > LINGER_MS) this.#transport.destroy();
  }
}

function refusal(): Uint8Array {
  const fields = [
    ['date', currentDate()],
    ['retry-after', '2'],
    ['content-length', '0'],
    ['connection', 'close'],
  ] as const;
  return serializeHead({ status: 503, fields });
}
