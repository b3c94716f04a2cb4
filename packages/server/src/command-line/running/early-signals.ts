// Signals that come while the server starts. Node's own answer to them is to die at once, and what was started already, workers
// and applications, would find out by itself.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const;

export interface EarlySignals {
  /** Resolves when one of them asked for the end. */
  readonly stop: Promise<void>;
  /** Stops listening for them; the others that came are sent again, to whoever listens now. */
  handOver(): void;
}

/** Listens from now on. What asks for something else than the end is kept for whoever can do it. */
export function earlySignals(): EarlySignals {
  const kept = new Set<NodeJS.Signals>();
  let ask!: () => void;
  const stop = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const heed = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' || signal === 'SIGTERM') ask();
    else kept.add(signal);
  };
  for (const signal of SIGNALS) process.on(signal, heed);
  return {
    stop,
    handOver: () => {
      for (const signal of SIGNALS) process.off(signal, heed);
      for (const signal of kept) process.emit(signal, signal);
    },
  };
}

/** What `work` comes to, or undefined when a stop came first; then nobody is told how it ended. */
export async function unlessStopped<Result>(
  work: Promise<Result>,
  { stop }: EarlySignals,
): Promise<Result | undefined> {
  work.catch(() => undefined);
  return Promise.race([work, stop.then(() => undefined)]);
}
