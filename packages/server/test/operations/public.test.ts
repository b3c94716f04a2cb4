import { describe, expect, test } from 'vitest';
import {
  createMetrics,
  createServer,
  healthResponder,
  type Health,
  metricsResponder,
  type Server,
} from '@onezero/server';

describe('what the command has around a server', () => {
  test('is there for programs: metrics and health', async () => {
    const metrics = createMetrics();
    let health: Health = 'starting';
    const server: Server = createServer({
      accessLog: (entry) => metrics.observe(entry),
      routes: [
        { path: '/metrics', responder: metricsResponder(() => metrics.snapshot(server)) },
        { path: '/healthz', responder: healthResponder(() => health) },
      ],
    });
    const [address] = await server.listen(0);
    const url = address?.url ?? '';
    expect((await fetch(`${url}/healthz`)).status).toBe(503);
    health = 'ok';
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
    await expect
      .poll(async () => (await fetch(`${url}/metrics`)).text())
      .toContain('onezero_http_requests_total{method="GET",status="5xx"} 1');
    await server.close({ graceMs: 0 });
  });
});
