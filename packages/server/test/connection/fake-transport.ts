// A transport in memory: what was written, and a system that takes as much as the test says.

import type { Receiver, Transport } from '../../src/transport/transport.ts';

export class FakeTransport implements Transport {
  readonly secure = false;
  readonly remote = { address: '192.0.2.1', port: 1 };
  readonly local = { address: '192.0.2.2', port: 80 };
  readonly writes: Buffer[] = [];
  /** While false, `write` says that the system has not taken everything, and `flushed` waits. */
  isReady = true;
  isGone = false;
  isBroken = false;
  pendingBytes = 0;
  #waiting: ((isFlushed: boolean) => void)[] = [];

  get writtenBytes(): number {
    return this.writes.reduce((sum, { length }) => sum + length, 0);
  }

  get text(): string {
    return Buffer.concat(this.writes).toString('latin1');
  }

  write(bytes: Uint8Array): boolean {
    // A copy: the producer may use its buffer again once the system has taken it.
    this.writes.push(Buffer.from(bytes));
    return this.isReady && !this.isGone;
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    return this.write(Buffer.concat(pieces));
  }

  flushed(): Promise<boolean> {
    if (this.isGone || this.isReady) return Promise.resolve(!this.isGone);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The system has taken everything, or the peer has gone. */
  settle(isFlushed: boolean): void {
    this.isGone ||= !isFlushed;
    for (const resolve of this.#waiting.splice(0)) resolve(isFlushed);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  open(_receiver: Receiver): void {}
  pause(): void {}
  resume(): void {}
  keepAlive(_seconds: number): void {}
  end(): void {}
  leave(): void {}
  destroy(): void {}
  reset(): void {}
}
