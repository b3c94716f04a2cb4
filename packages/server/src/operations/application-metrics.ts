// What the processes of Python applications are doing, for metrics: one series for each application and mount.

import type { ApplicationState } from '../options.ts';
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
  };
}

/** The families of metrics; none without an application. */
export function applicationFamilies(states: readonly ApplicationState[]): readonly string[] {
  if (states.length === 0) return [];
  const each = addUpApplications(states);
  const samples = (of: (state: ApplicationState) => number): [string, number][] =>
    each.map((state) => [labels({ application: state.application, path: state.path }), of(state)]);
  const wanted = samples(({ processes }) => processes);
  const restarts = samples((state) => state.restarts);
  return [
    family('application_processes', 'gauge', 'Processes that an application should have.', wanted),
    family(
      'application_processes_ready',
      'gauge',
      'Processes that have loaded it.',
      samples(({ ready }) => ready),
    ),
    family(
      'application_requests_in_progress',
      'gauge',
      'Requests it is busy with.',
      samples(({ busy }) => busy),
    ),
    family(
      'application_requests_queued',
      'gauge',
      'Requests that wait for it.',
      samples(({ queued }) => queued),
    ),
    family('application_restarts_total', 'counter', 'Processes that died or hung, and were replaced.', restarts),
  ];
}
