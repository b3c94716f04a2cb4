// What Python applications, PHP and applications behind FastCGI and SCGI are doing, for metrics: one series for each application
// and mount.

import type { ApplicationState, GatewayCounts } from '../options.ts';
import { family, labels } from './metrics-format.ts';

/** The states of several processes of ours, each application once. */
export function addUpApplications(states: readonly ApplicationState[]): readonly ApplicationState[] {
  const sums = new Map<string, ApplicationState>();
  for (const state of states) {
    const key = labels({ application: state.application, path: state.path });
    const before = sums.get(key);
    sums.set(key, before === undefined ? state : sum(before, state));
  }
  return [...sums.values()];
}

function sum(a: ApplicationState, b: ApplicationState): ApplicationState {
  return {
    ...a,
    processes: a.processes + b.processes,
    ready: a.ready + b.ready,
    busy: a.busy + b.busy,
    queued: a.queued + b.queued,
    restarts: a.restarts + b.restarts,
    ...(a.gateway !== undefined && b.gateway !== undefined && { gateway: sumOf(a.gateway, b.gateway) }),
  };
}

function sumOf(a: GatewayCounts, b: GatewayCounts): GatewayCounts {
  return { requests: a.requests + b.requests, failures: a.failures + b.failures, retries: a.retries + b.retries };
}

/** The families of metrics; none without an application. */
export function applicationFamilies(states: readonly ApplicationState[]): readonly string[] {
  if (states.length === 0) return [];
  const each = addUpApplications(states);
  const samplesOf = (some: readonly ApplicationState[], of: (state: ApplicationState) => number): [string, number][] =>
    some.map((state) => [labels({ application: state.application, path: state.path }), of(state)]);
  const gauge = (name: string, help: string, of: (state: ApplicationState) => number, some = each): string =>
    family(`application_${name}`, 'gauge', help, samplesOf(some, of));
  const counter = (name: string, help: string, of: (state: ApplicationState) => number, some = each): string =>
    family(`application_${name}_total`, 'counter', help, samplesOf(some, of));
  // What listens already has processes that are not ours to count.
  const own = each.filter(({ gateway, processes, restarts }) => gateway === undefined || processes + restarts > 0);
  const asked = each.filter(({ gateway }) => gateway !== undefined);
  const counted = (name: keyof GatewayCounts) => (state: ApplicationState) => state.gateway?.[name] ?? 0;
  return [
    ...(own.length === 0
      ? []
      : [
          gauge('processes', 'Processes that an application should have.', ({ processes }) => processes, own),
          gauge('processes_ready', 'Processes that have loaded it.', ({ ready }) => ready, own),
          counter('restarts', 'Processes that died or hung, and were replaced.', ({ restarts }) => restarts, own),
        ]),
    gauge('requests_in_progress', 'Requests it is busy with.', ({ busy }) => busy),
    gauge('requests_queued', 'Requests that wait for it.', ({ queued }) => queued),
    ...(asked.length === 0
      ? []
      : [
          counter('requests', 'Requests that it was asked over FastCGI or SCGI.', counted('requests'), asked),
          counter('failures', 'Requests that it did not answer, or that did not reach it.', counted('failures'), asked),
          counter('retries', 'Requests that it was asked again.', counted('retries'), asked),
        ]),
  ];
}
