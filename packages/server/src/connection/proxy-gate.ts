// Stands before a connection whose first bytes are a header of the PROXY protocol: reads it, then hands everything over to a
// connection that has the announced client as its peer. What is no header ends the connection without an answer, as the
// protocol asks: whoever is named as a proxy has to send one, or clients could send one in its place.

import { readProxyHeader } from '../transport/proxy-header.ts';
import type { Receiver, Transport } from '../transport/transport.ts';
import type { AnnouncedEnds } from '../transport/ends.ts';
import type { Clock, Watched } from './clock.ts';

export interface ProxyGateOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** How long the header may take, in milliseconds; 0 for as long as it likes. */
  readonly timeoutMs: number;
  /** Makes the connection; undefined when there is no room for it. Without ends, those of the socket count. */
  readonly admit: (ends: AnnouncedEnds | undefined) => Receiver | undefined;
  /** The connection is gone before its header was read. */
  readonly closed: () => void;
}

export class ProxyGate implements Receiver, Watched {
  clockPlace = -1;
  serverPlace = -1;
  readonly transport: Transport;
  readonly #options: ProxyGateOptions;
  readonly #since: number;
  #begun: Uint8Array = new Uint8Array(0);
  #receiver: Receiver | undefined;
  #silentBytes: number | undefined;

  constructor(options: ProxyGateOptions) {
    this.#options = options;
    this.transport = options.transport;
    options.clock.watch(this);
    this.#since = options.clock.now;
  }

  received(bytes: Uint8Array): void {
    if (this.#receiver !== undefined) return this.#receiver.received(bytes);
    // The transport's bytes are valid during this call only.
    const all = this.#begun.length === 0 ? bytes : Buffer.concat([this.#begun, bytes]);
    const header = readProxyHeader(all);
    if (header.kind === 'incomplete') this.#begun = Uint8Array.from(all);
    else if (header.kind === 'invalid') this.transport.destroy();
    else this.#admit(header.ends, all.subarray(header.length));
  }

  #admit(ends: AnnouncedEnds | undefined, rest: Uint8Array): void {
    const { clock, admit } = this.#options;
    clock.unwatch(this);
    this.#begun = new Uint8Array(0);
    this.#receiver = admit(ends);
    if (this.#receiver === undefined) this.transport.destroy();
    else if (rest.length > 0) this.#receiver.received(rest);
  }

  finished(): void {
    if (this.#receiver !== undefined) this.#receiver.finished();
    else this.transport.destroy();
  }

  closed(): void {
    if (this.#receiver !== undefined) return this.#receiver.closed();
    this.#options.clock.unwatch(this);
    this.#options.closed();
  }

  /** Closes the connection when nothing has come since the last call. */
  leaveIfSilent(): void {
    if (this.#silentBytes === this.#begun.length) this.transport.destroy();
    this.#silentBytes = this.#begun.length;
  }

  tick(now: number): void {
    const { timeoutMs } = this.#options;
    if (timeoutMs > 0 && now - this.#since > timeoutMs) this.transport.destroy();
  }
}
