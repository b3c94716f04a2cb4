import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import {
  addUp,
  createMetrics,
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
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: metricsText(metrics.snapshot(now)),
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

describe('addUp', () => {
  test('sums the counts of several processes', () => {
    const one = createMetrics();
    const two = createMetrics();
    one.observe(entry());
    two.observe(entry());
    two.observe(entry({ method: 'POST' }));
    const sum = addUp([one.snapshot(now), two.snapshot(now)]);
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
