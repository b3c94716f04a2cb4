// What metrics say of applications behind FastCGI and SCGI, and of PHP.

import { expect, test } from 'vitest';
import { createServer } from '../src/create-server.ts';
import { backendStates, phpState } from '../src/gateway-states.ts';
import { addUpApplications, applicationFamilies } from '../src/operations/application-metrics.ts';
import type { ApplicationState } from '../src/options.ts';
import { fastcgiApplication } from './gateway-applications.ts';

const counts = { requests: 7, failures: 2, retries: 1 };

function lines(states: readonly ApplicationState[]): readonly string[] {
  const text = applicationFamilies(states).join('');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('an application behind a gateway has a series for each address, and no processes', () => {
  const backends = ['a:1', '/b'].map((address) => ({ address, ...counts }));
  const states = backendStates({ busy: 3, queued: 4, backends }).map((state) => ({ ...state, path: '/app' }));
  expect(lines(states)).toEqual([
    'onezero_application_requests_in_progress{application="a:1",path="/app"} 3',
    'onezero_application_requests_in_progress{application="/b",path="/app"} 0',
    'onezero_application_requests_queued{application="a:1",path="/app"} 4',
    'onezero_application_requests_queued{application="/b",path="/app"} 0',
    ...['requests', 'failures', 'retries'].flatMap((name, index) =>
      ['a:1', '/b'].map(
        (address) => `onezero_application_${name}_total{application="${address}",path="/app"} ${[7, 2, 1][index]}`,
      ),
    ),
  ]);
});

test('PHP of our own has processes as well; several processes of ours add up', () => {
  const gateway = { busy: 1, queued: 0, backends: [{ address: '/socket', ...counts }] };
  const php = { php: '/usr/sbin/php-fpm', state: () => ({ ...gateway, processes: 8, ready: 8, restarts: 2 }) };
  const state = { ...phpState(php), path: '/' };
  expect(addUpApplications([state, state])).toEqual([
    {
      application: '/usr/sbin/php-fpm',
      path: '/',
      processes: 16,
      ready: 16,
      busy: 2,
      queued: 0,
      restarts: 4,
      gateway: { requests: 14, failures: 4, retries: 2 },
    },
  ]);
  const names = lines([state]).map((line) => line.replace(/\{.*\}/, ''));
  expect(names).toEqual([
    'onezero_application_processes 8',
    'onezero_application_processes_ready 8',
    'onezero_application_restarts_total 2',
    'onezero_application_requests_in_progress 1',
    'onezero_application_requests_queued 0',
    'onezero_application_requests_total 7',
    'onezero_application_failures_total 2',
    'onezero_application_retries_total 1',
  ]);
});

test('a server tells what its gateways were asked', async () => {
  const application = await fastcgiApplication();
  const server = createServer({ fastcgi: { path: '/a', address: application.address, log: () => {} } });
  const [listening] = await server.listen({ port: 0 });
  await (await fetch(`${listening?.url}/a?Content-Type:%20a/b`)).text();
  expect(server.applications).toMatchObject([
    { application: application.address, path: '/a', gateway: { requests: 1, failures: 0, retries: 0 } },
  ]);
  await server.close();
  await application.close();
});
