// What a worker of `startWorkers` runs: imports the module that is named on its command line, and obeys its primary.

import { pathToFileURL } from 'node:url';
import type { Listener, Server } from '../options.ts';
import { Primary } from './primary.ts';
import type { CountedServer, WorkerModule } from './worker-group.ts';
import type { InheritedListener } from './worker-messages.ts';

const primary = new Primary();
let made: Partial<CountedServer> = {};

process.exit(
  await primary.obey({
    begin: async (inherited, isStopping) => {
      made = await makeServer(process.argv[2] ?? '');
      const { server } = made as CountedServer;
      await server.ready();
      if (isStopping()) throw new Error('it was stopped before it listened');
      const addresses = await server.listen(inherited.map(listenerOf));
      return { addresses, ready: Promise.resolve() };
    },
    reload: () => Promise.resolve(),
    reopenLog: () => undefined,
    stop: async (graceMs) => made.server?.close({ graceMs }),
    snapshot: () => made.snapshot?.(),
    failed: (error) => {
      process.stderr.write(`${error instanceof Error ? error.stack : `Error: ${String(error)}`}\n`);
      return 1;
    },
  }),
);

async function makeServer(module: string): Promise<Partial<CountedServer>> {
  const url = module.startsWith('file:') ? module : pathToFileURL(module).href;
  const { default: make } = (await import(url)) as { default?: WorkerModule };
  if (typeof make !== 'function') throw new TypeError(`${module}: its default export must be a function`);
  const result = await make({ metrics: () => primary.collect() });
  if (isServer(result)) return { server: result };
  if (isServer(result?.server)) return result;
  throw new TypeError(`${module}: its default export must return a server, or { server, snapshot }`);
}

function isServer(value: unknown): value is Server {
  return typeof (value as Server | undefined)?.listen === 'function';
}

function listenerOf({ descriptors, tls }: InheritedListener): Listener {
  return { fd: descriptors, tls };
}
