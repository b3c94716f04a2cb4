// Signals that come while the server starts. Node's own answer to them is to die at once, and what was started already, workers
// and applications, would find out by itself.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const;

export interface EarlySignals {
  /** Resolves when one of them asked for the end. */
  readonly stop: Promise<void>;
  /** Stops listening for them; those that came are sent again, to whoever listens now. */
  handOver(): void;
  /** The same where nobody listens: they have the effect that they have on any program. */
  giveUp(): void;
}

/** Listens from now on. What comes is kept for whoever can do it. */
export function earlySignals(): EarlySignals {
  const kept = new Set<NodeJS.Signals>();
  let ask!: () => void;
  const stop = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const heed = (signal: NodeJS.Signals): void => {
    kept.add(signal);
    if (signal === 'SIGINT' || signal === 'SIGTERM') ask();
  };
  const leave = (): void => {
    for (const signal of SIGNALS) process.off(signal, heed);
  };
  for (const signal of SIGNALS) process.on(signal, heed);
  return {
    stop,
    handOver: () => {
      leave();
      for (const signal of kept) process.emit(signal, signal);
    },
    giveUp: () => {
      leave();
      for (const signal of kept) process.kill(process.pid, signal);
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
