// The sockets of a server with several workers: bound by the primary, which keeps them whatever happens to the workers.

import type { InheritedListener } from '../../operations/worker-messages.ts';
import type { Address } from '../../options.ts';
import { type HeldListener, holdListener } from '../../transport/held-listener.ts';
import type { Configuration } from '../options/table.ts';
import { addressesOf, onFreePort } from './listeners.ts';

/** Where a primary listens for its workers. */
export interface Held {
  /** Undefined where the workers have to say. */
  readonly addresses: readonly Address[] | undefined;
  /** The port that was asked for in the end, which is 0 where any would do. */
  readonly port: number;
  readonly listeners: readonly InheritedListener[];
  /** No more connections are queued. May be called again. */
  close(): void;
}

/** Sockets that a supervisor holds; it goes on holding them when this server is gone. */
export function heldElsewhere(listeners: readonly InheritedListener[]): Held {
  return { addresses: undefined, port: 0, listeners, close: () => undefined };
}

/** Binds every address of the configuration. Rejects with the system's error, with nothing left open. */
export async function holdListeners(configuration: Configuration, mayMovePort: boolean): Promise<Held> {
  const hold = (port: number): Promise<readonly HeldListener[]> => holdAll(configuration, port);
  const mayMove = mayMovePort && configuration.listen === undefined;
  const { port, result } = await onFreePort(configuration.port, mayMove, hold);
  let open = result;
  return {
    port,
    addresses: result.map(({ address }) => address),
    listeners: result.map(({ descriptors, address: { secure } }) => ({ descriptors, secure })),
    close: () => {
      for (const one of open) one.close();
      open = [];
    },
  };
}

async function holdAll(configuration: Configuration, port: number): Promise<readonly HeldListener[]> {
  // The workers read the certificate; here only whether there is one counts.
  const held: HeldListener[] = [];
  try {
    for (const listener of addressesOf(configuration, port)) held.push(await holdListener(listener));
  } catch (error) {
    for (const one of held) one.close();
    throw error;
  }
  return held;
}
