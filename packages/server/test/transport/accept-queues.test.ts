// One address with several queues: what each Node gets, and that a port is still ours alone.

import { once } from 'node:events';
import { connect, createServer as createNetServer, type AddressInfo, type Server } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { canShare, openQueues } from '../../src/transport/accept-queues.ts';
import { createServer } from '../../src/create-server.ts';
import { freePort } from '../free-port.ts';

test.each([
  ['20.19.0', false],
  ['22.11.0', false],
  ['22.12.0', process.platform === 'linux'],
  ['23.0.0', false],
  ['23.1.0', process.platform === 'linux'],
  ['26.0.0', process.platform === 'linux'],
])('Node %s shares addresses: %s', (version, expected) => {
  expect(canShare(version)).toBe(expected);
});

test('shares none when told not to', () => {
  process.env['ONEZERO_ONE_QUEUE'] = '1';
  onTestFinished(() => {
    delete process.env['ONEZERO_ONE_QUEUE'];
  });
  expect(canShare('24.0.0')).toBe(false);
});

test('a hundred clients at once are all answered, another server finds the port taken, and closing frees it', async () => {
  const server = createServer({ routes: [{ responder: () => ({ status: 204, fields: [] }) }] });
  const [address] = await server.listen({ host: '127.0.0.1', port: 0 });
  const port = address?.port ?? 0;
  const other = createServer();
  await expect(other.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const answers = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.end('GET / HTTP/1.0\r\n\r\n');
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return bytes.toString('latin1').slice(0, 12);
    }),
  );
  expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 204']));
  await server.close();
  await other.listen({ host: '127.0.0.1', port });
  await other.close();
});

test('listens nowhere that is closed again, where a client would be let in and lost', async () => {
  const listened: object[] = [];
  const open = (place: object): Promise<Server> => {
    listened.push(place);
    const server = createNetServer().listen(place);
    return once(server, 'listening').then(() => server);
  };
  const servers = await openQueues({ host: '127.0.0.1', port: 0, backlog: 10 }, open);
  onTestFinished(() => servers.forEach((server) => void server.close()));
  expect(listened).toHaveLength(servers.length);
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  expect(new Set(ports).size).toBe(1);
});

test('gives a port to one of two that start at the same moment', async () => {
  const port = await freePort();
  const open = async (place: object): Promise<Server> => {
    await setImmediate();
    const server = createNetServer().listen(place);
    await once(server, 'listening');
    return server;
  };
  const address = { host: '127.0.0.1', port, backlog: 10 };
  const outcomes = await Promise.allSettled([openQueues(address, open), openQueues(address, open)]);
  for (const outcome of outcomes)
    if (outcome.status === 'fulfilled') for (const server of outcome.value) server.close();
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});
