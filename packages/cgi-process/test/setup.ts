// vitest ends its processes by SIGTERM, which ends a process without its `exit` event, where the FIFOs of direct starts are removed.

const ENDS = Symbol.for('onezero.ends');
const shared = process as NodeJS.Process & { [ENDS]?: boolean };

// Test files share a process, and this runs for each.
if (shared[ENDS] !== true) process.once('SIGTERM', () => process.exit());
shared[ENDS] = true;
