// HAProxy as the recipe configures it, for several servers, with a way to learn which of them it takes for up.
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startServer } from '../../../differential/peers.mjs';

export interface Proxy {
  readonly port: number;
  readonly origin: string;
  readonly stop: () => Promise<void>;
  /** Resolves when its health checks have found this many servers up. */
  readonly untilUp: (count: number) => Promise<void>;
}

/** Starts HAProxy for servers on these ports of 127.0.0.1; `socket` is a path for its administration. */
export async function startProxy(ports: readonly number[], socket: string): Promise<Proxy> {
  const recipe = readFileSync(join(import.meta.dirname, '../../behind-a-proxy/haproxy.cfg'), 'utf8');
  // Asked more often than in the recipe, so that a restart is over sooner.
  const line = /^ {2}server one .*$/m.exec(recipe)?.[0] ?? '';
  const servers = ports.map((port, at) =>
    line.replace('one', `number${at}`).replace('8081', String(port)).replace('inter 1s', 'inter 200ms rise 1'),
  );
  const proxy = await startServer('haproxy', (port, folder) => {
    const file = join(folder, 'haproxy.cfg');
    const configuration = recipe.replace(line, servers.join('\n')).replace('8082', String(port));
    writeFileSync(file, `global\n  stats socket ${socket}\n\n${configuration}`);
    return ['haproxy', '-q', '-f', file];
  });
  const untilUp = async (count: number): Promise<void> => {
    while ((await upServers(socket)) < count) await wait(20);
  };
  return { port: proxy.port, origin: proxy.origin, stop: proxy.stop, untilUp };
}

/** How many servers of the backend have the status UP (HAProxy management guide, "show stat"). */
async function upServers(socket: string): Promise<number> {
  const connection = connect(socket).setEncoding('utf8');
  let text = '';
  connection.on('data', (part: string) => (text += part)).end('show stat\n');
  await once(connection, 'close');
  return text.split('\n').filter((row) => /^onezero,number\d/.test(row) && row.split(',')[17]?.startsWith('UP')).length;
}
