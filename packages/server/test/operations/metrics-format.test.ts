// The text of metrics, read as Prometheus reads it: a small reader after the rules of the format, and promtool where it is.

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addUpApplications } from '../../src/operations/application-metrics.ts';
import {
  addUpMetrics,
  createMetrics,
  endedSnapshot,
  type MetricsSnapshot,
  metricsText,
} from '../../src/operations/metrics.ts';
import { family, labels } from '../../src/operations/metrics-format.ts';
import type { ApplicationState } from '../../src/options.ts';
import { isInstalled } from '../programs.ts';
import { entry } from './entry.ts';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the text exposition format; throws where a line is none. */
function read(text: string): readonly Sample[] {
  expect(text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => !/^# (?:HELP \w+ \S.*|TYPE \w+ (?:counter|gauge|histogram))$/.test(line))
    .map(readSample);
}

function readSample(line: string): Sample {
  const [, name, inner = '', value] =
    /^([a-z_]\w*)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? ([-+]?(?:\d[\d.e+-]*|Inf)|NaN)$/.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const pairs = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text = '']): [string, string] => [
    label,
    text.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
  ]);
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}

const state = fc.record({
  application: fc.string({ unit: fc.constantFrom('a', 'b', '"', '\\', '\n', '{', '}', ',', ' ', 'é'), maxLength: 5 }),
  path: fc.constantFrom('/', '/a', '/a"b'),
  interface: fc.constantFrom('wsgi', 'asgi', undefined),
  python: fc.constant(undefined),
  processes: fc.nat(9),
  ready: fc.nat(9),
  busy: fc.nat(9),
  queued: fc.nat(99),
  restarts: fc.nat(99),
}) as unknown as fc.Arbitrary<ApplicationState>;

const observed = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'PROPFIND', 'BREW', 'get', '"', undefined),
  status: fc.integer({ min: 200, max: 599 }),
  durationMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
  contentBytes: fc.nat(1_000_000),
  complete: fc.boolean(),
});

const processes = fc.array(fc.tuple(fc.array(observed, { maxLength: 20 }), fc.array(state, { maxLength: 3 })), {
  minLength: 1,
  maxLength: 4,
});

type Observed = typeof observed extends fc.Arbitrary<infer Value> ? Value : never;

function snapshotOf(entries: readonly Observed[], applications: readonly ApplicationState[]): MetricsSnapshot {
  const metrics = createMetrics();
  for (const one of entries) metrics.observe(entry(one));
  return metrics.snapshot({ connections: 1, requests: 2, applications });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

describe('metrics of several processes', () => {
  test('say in Prometheus terms what was observed in all of them', () => {
    fc.assert(
      fc.property(processes, (given) => {
        const samples = read(metricsText(addUpMetrics(given.map(([entries, states]) => snapshotOf(entries, states)))));
        const all = given.flatMap(([entries]) => entries);
        const valueOf = (name: string): number =>
          sum(samples.filter((one) => one.name === name).map(({ value }) => value));
        expect(valueOf('onezero_http_requests_total')).toBe(all.length);
        expect(valueOf('onezero_http_response_content_bytes_total')).toBe(sum(all.map((one) => one.contentBytes)));
        expect(valueOf('onezero_http_responses_incomplete_total')).toBe(all.filter((one) => !one.complete).length);
        expect(valueOf('onezero_http_workers')).toBe(given.length);
        expect(valueOf('onezero_http_connections')).toBe(given.length);
        expect(valueOf('onezero_http_requests_in_progress')).toBe(2 * given.length);
        expect(valueOf('onezero_http_request_duration_seconds_count')).toBe(all.length);
        for (const one of samples.filter(({ name }) => name.endsWith('_bucket'))) {
          const most = one.labels['le'] === '+Inf' ? Infinity : Number(one.labels['le']);
          expect(one.value, `up to ${most}`).toBe(all.filter(({ durationMs }) => durationMs / 1000 <= most).length);
        }
        // No series twice.
        const keys = samples.map((one) => `${one.name}${JSON.stringify(one.labels)}`);
        expect(new Set(keys).size).toBe(keys.length);
      }),
      { numRuns: 60 },
    );
  });

  test('have a series for each application and path, with names that read back', () => {
    fc.assert(
      fc.property(processes, (given) => {
        const states = given.flatMap(([, some]) => some);
        const samples = read(metricsText(addUpMetrics(given.map(([entries, some]) => snapshotOf(entries, some)))));
        const queued = samples.filter(({ name }) => name === 'onezero_application_requests_queued');
        const expected = new Map<string, number>();
        for (const one of states) {
          const key = JSON.stringify([one.application, one.path]);
          expected.set(key, (expected.get(key) ?? 0) + one.queued);
        }
        const found = queued.map((one): [string, number] => [
          JSON.stringify([one.labels['application'], one.labels['path']]),
          one.value,
        ]);
        expect(new Map(found)).toEqual(expected);
        expect(addUpApplications(states)).toHaveLength(expected.size);
      }),
      { numRuns: 60 },
    );
  });

  test('never fall when a process ends', () => {
    const counters = (snapshots: readonly MetricsSnapshot[]): ReadonlyMap<string, number> =>
      new Map(
        read(metricsText(addUpMetrics(snapshots)))
          .filter(({ name }) => /_total$|_bucket$|_sum$|_count$/.test(name))
          .map((one) => [`${one.name}${JSON.stringify(one.labels)}`, one.value]),
      );
    fc.assert(
      fc.property(processes, (given) => {
        const snapshots = given.map(([entries, states]) => snapshotOf(entries, states));
        const [first, ...others] = snapshots as [MetricsSnapshot, ...MetricsSnapshot[]];
        const before = counters(snapshots);
        const after = counters([endedSnapshot(first), ...others]);
        for (const [key, value] of before) expect(after.get(key), key).toBeCloseTo(value, 6);
      }),
      { numRuns: 40 },
    );
  });

  test('are all 0 where none counts', () => {
    const nothing = addUpMetrics([]);
    expect(nothing).toMatchObject({ startTime: 0, workers: 0, connections: 0, underWay: 0, contentBytes: 0 });
    for (const { name, value } of read(metricsText(nothing))) expect(value, name).toBe(0);
  });
});

describe('one family', () => {
  test('is announced before its samples', () => {
    expect(
      family('x_total', 'counter', 'What x is.', [
        ['', 1],
        ['{a="b"}', 2.5],
      ]),
    ).toBe(
      '# HELP onezero_x_total What x is.\n# TYPE onezero_x_total counter\nonezero_x_total 1\nonezero_x_total{a="b"} 2.5\n',
    );
  });

  test.each([
    [{ a: 'b' }, '{a="b"}'],
    [{ a: 'b"c', d: '\\' }, String.raw`{a="b\"c",d="\\"}`],
    [{ a: 'b\nc' }, String.raw`{a="b\nc"}`],
    [{ a: '\\n' }, String.raw`{a="\\n"}`],
    [{}, '{}'],
  ])('has labels %j as %s', (given, text) => {
    expect(labels(given)).toBe(text);
  });
});

test.skipIf(!isInstalled('promtool'))('promtool has nothing to say about the text', () => {
  const [applications] = fc.sample(fc.array(state, { minLength: 4, maxLength: 4 }), { numRuns: 1, seed: 3 });
  const text = metricsText(snapshotOf(fc.sample(observed, { numRuns: 50, seed: 3 }), applications ?? []));
  expect(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' })).toBe('');
  expect(read(text).length).toBeGreaterThan(30);
});
