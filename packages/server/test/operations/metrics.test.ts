import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import {
  addUpMetrics,
  createMetrics,
  endedSnapshot,
  type Health,
  healthResponder,
  metricsResponder,
  metricsText,
} from '../../src/operations/metrics.ts';
import type { RequestMessage } from '../../src/message/message.ts';
import { entry } from './entry.ts';

const now = { connections: 3, requests: 1 };
const asked = (pathInfo: string): RequestMessage => ({ pathInfo }) as RequestMessage;

describe('metricsText', () => {
  test('counts by method and class of status, and keeps made-up methods together', () => {
    const metrics = createMetrics();
    for (const method of ['GET', 'GET', 'BREW"\n', 'X']) metrics.observe(entry({ method }));
    metrics.observe(entry({ status: 404, complete: false }));
    const text = metricsText(metrics.snapshot(now));
    expect(text).toContain('onezero_http_requests_total{method="GET",status="2xx"} 2\n');
    expect(text).toContain('onezero_http_requests_total{method="other",status="2xx"} 2\n');
    expect(text).toContain('onezero_http_requests_total{method="GET",status="4xx"} 1\n');
    expect(text).toContain('onezero_http_response_content_bytes_total 50\n');
    expect(text).toContain('onezero_http_responses_incomplete_total 1\n');
    expect(text).toContain('onezero_http_connections 3\n');
  });

  const hasPromtool = process.env['CI'] !== undefined || spawnSync('promtool', ['--version']).status === 0;

  test.runIf(hasPromtool)('is found without fault by promtool', () => {
    const metrics = createMetrics();
    for (const method of ['GET', 'BREW"\n']) metrics.observe(entry({ method }));
    const shop = { application: '\\"\n', path: '/', processes: 2, ready: 1, busy: 3, queued: 4, restarts: 5 };
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: metricsText(metrics.snapshot({ ...now, applications: [shop] })),
      encoding: 'utf8',
    });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });

  test('adds up its histogram from bucket to bucket', () => {
    const metrics = createMetrics();
    for (const durationMs of [0.5, 1, 2, 20_000]) metrics.observe(entry({ durationMs }));
    const text = metricsText(metrics.snapshot(now));
    expect(text).toContain('_bucket{le="0.001"} 2\n');
    expect(text).toContain('_bucket{le="0.0025"} 3\n');
    expect(text).toContain('_bucket{le="10"} 3\n');
    expect(text).toContain('_bucket{le="+Inf"} 4\n');
    expect(text).toContain('_count 4\n');
  });

  test('is well-formed: every line is a comment or a sample, every family is announced once', () => {
    const metrics = createMetrics();
    metrics.observe(entry());
    const lines = metricsText(metrics.snapshot(now)).split('\n').slice(0, -1);
    for (const line of lines)
      expect(line).toMatch(/^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? [\d.e+-]+)$/);
    const announced = lines.filter((line) => line.startsWith('# TYPE'));
    expect(new Set(announced).size).toBe(announced.length);
  });
});

describe('applications', () => {
  const shop = { application: 'shop "1".wsgi\n', path: '/', processes: 2, ready: 1, busy: 3, queued: 4, restarts: 5 };
  const api = { ...shop, application: 'api:app', path: '/api', restarts: 0 };
  const { snapshot } = createMetrics();

  test('have a series each, by name and path', () => {
    const text = metricsText(snapshot({ ...now, applications: [shop, api] }));
    const name = String.raw`{application="shop \"1\".wsgi\n",path="/"}`;
    expect(text).toContain(`onezero_application_processes${name} 2\n`);
    expect(text).toContain(`onezero_application_processes_ready${name} 1\n`);
    expect(text).toContain(`onezero_application_requests_in_progress${name} 3\n`);
    expect(text).toContain(`onezero_application_requests_queued${name} 4\n`);
    expect(text).toContain(`onezero_application_restarts_total${name} 5\n`);
    expect(text).toContain('onezero_application_restarts_total{application="api:app",path="/api"} 0\n');
    expect(metricsText(snapshot(now))).not.toContain('application');
  });

  test('are one where several of our processes, or hosts, have them', () => {
    const one = snapshot({ ...now, applications: [shop, shop] });
    const { applications } = addUpMetrics([one, snapshot(now), snapshot({ ...now, applications: [api, shop] })]);
    expect(applications).toEqual([{ ...shop, processes: 6, ready: 3, busy: 9, queued: 12, restarts: 15 }, api]);
    expect(metricsText(one).match(/^onezero_application_restarts_total.*$/gm)).toHaveLength(1);
  });

  test('that have ended with their process keep what only grows', () => {
    const ended = endedSnapshot(snapshot({ ...now, applications: [shop] }));
    expect(ended).toMatchObject({ connections: 0, underWay: 0, workers: 0 });
    expect(ended.applications).toEqual([{ ...shop, processes: 0, ready: 0, busy: 0, queued: 0 }]);
  });
});

describe('addUpMetrics', () => {
  test('sums the counts of several processes', () => {
    const one = createMetrics();
    const two = createMetrics();
    one.observe(entry());
    two.observe(entry());
    two.observe(entry({ method: 'POST' }));
    const sum = addUpMetrics([one.snapshot(now), two.snapshot(now)]);
    expect(sum).toMatchObject({
      requests: { 'GET 2xx': 2, 'POST 2xx': 1 },
      connections: 6,
      workers: 2,
      contentBytes: 30,
    });
    expect(sum.durations.reduce((a, b) => a + b)).toBe(3);
  });
});

describe('metricsResponder and healthResponder', () => {
  test('answer for their path alone', async () => {
    const metrics = metricsResponder(() => createMetrics().snapshot(now));
    expect(await metrics(asked(''))).toMatchObject({ status: 200 });
    expect(await metrics(asked('/x'))).toMatchObject({ status: 404 });
    let state: Health = 'ok';
    const health = healthResponder(() => state);
    expect(health(asked('/'))).toMatchObject({ status: 200, content: Buffer.from('ok\n') });
    state = 'stopping';
    expect(health(asked(''))).toMatchObject({ status: 503 });
    expect(health(asked('/x'))).toMatchObject({ status: 404 });
  });
});
