// A connection without a network: an engine that answers with what options say, and a client that notes what it gets.

import type { Clock, Watched } from '../../src/connection/clock.ts';
import { Connection, type Engine } from '../../src/connection/connection.ts';
import { type Service, serviceOf } from '../../src/connection/service.ts';
import { compose } from '../../src/compose.ts';
import { everyMaker } from '../../src/every-maker.ts';
import type { AccessLogEntry, ServerOptions } from '../../src/options.ts';
import { Ends } from '../../src/transport/ends.ts';
import { MemoryTransport } from '../../src/transport/memory-transport.ts';

/** A clock that stands until it is set. */
export class SetClock {
  now = 0;
  readonly watched = new Set<Watched>();

  watch(one: Watched): void {
    this.watched.add(one);
  }

  unwatch(one: Watched): void {
    this.watched.delete(one);
  }

  /** Lets time pass in steps, as the real one does. */
  pass(ms: number, stepMs = 500): void {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.now += Math.min(stepMs, ms - passed);
      for (const one of this.watched) one.tick(this.now);
    }
  }
}

export interface Played {
  readonly connection: Connection;
  readonly transport: MemoryTransport;
  readonly clock: SetClock;
  readonly service: Service;
  readonly entries: readonly AccessLogEntry[];
  /** Everything that came, without dates. */
  readonly text: () => string;
  /** Undefined while the connection is open; then whether it ended in order. */
  readonly isWhole: () => boolean | undefined;
  readonly closed: () => number;
  readonly send: (bytes: string | Uint8Array) => Promise<void>;
}

export function play(options: ServerOptions, { isStopping = false } = {}): Played {
  const entries: AccessLogEntry[] = [];
  const service = serviceOf(
    { reportErrors: false, serverField: false, accessLog: (entry) => void entries.push(entry), ...options },
    (given) => compose(given, everyMaker, () => []),
  );
  const clock = new SetClock();
  let text = '';
  let isWhole: boolean | undefined;
  let closed = 0;
  const transport: MemoryTransport = new MemoryTransport(false, {
    received: (bytes) => {
      text += Buffer.from(bytes).toString('latin1');
      transport.taken(bytes.length);
    },
    ended: (whole) => void (isWhole = whole),
  });
  const engine: Engine = {
    clock: clock as unknown as Clock,
    service,
    isStopping,
    idle: () => {},
    closed: () => void (closed += 1),
  };
  const connection = new Connection(engine, transport, new Ends(transport, undefined));
  transport.open(connection);
  return {
    connection,
    transport,
    clock,
    service,
    entries,
    text: () => text.replaceAll(/date: [^\r]*\r\n/g, ''),
    isWhole: () => isWhole,
    closed: () => closed,
    send: (bytes) => transport.send(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
  };
}

/** Lets what is under way go on: promises, immediates and what they start. */
export async function settle(turns = 6): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
