// What applications behind FastCGI and SCGI are doing, as metrics have it: one state for each address, and one for a PHP.

import type { GatewayState, PhpResponder } from '@onezero/cgi-process/fastcgi';
import type { ApplicationState, GatewayCounts } from './options.ts';

type State = Omit<ApplicationState, 'path'>;

const NO_PROCESSES = { processes: 0, ready: 0, restarts: 0 };

/** What is under way is said of the first address: which of them has it, nobody counts. */
export function backendStates({ busy, queued, backends }: GatewayState): readonly State[] {
  return backends.map(({ address, ...gateway }, index) => ({
    application: address,
    ...NO_PROCESSES,
    ...(index === 0 ? { busy, queued } : { busy: 0, queued: 0 }),
    gateway,
  }));
}

/** PHP in one state, under the name of its program or address. */
export function phpState({ php, state }: Pick<PhpResponder, 'php' | 'state'>): State {
  const { backends, busy, queued, processes, ready, restarts } = state();
  const total = (name: keyof GatewayCounts): number => backends.reduce((sum, one) => sum + one[name], 0);
  const gateway = { requests: total('requests'), failures: total('failures'), retries: total('retries') };
  return { application: php, busy, queued, processes, ready, restarts, gateway };
}
