// Everything a change has to pass, in one command. Each step is named and timed; only a failing one shows its output,
// and the rest still run, so that one look tells all there is to mend.
//
//   node scripts/check.mjs [--except STEP]...
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const steps = [
  ['format', 'oxfmt --check'],
  ['build', 'turbo run build --output-logs=errors-only'],
  ['lint', 'oxlint --type-aware --deny-warnings --report-unused-disable-directives'],
  ['typecheck', 'turbo run typecheck --continue --output-logs=errors-only --log-prefix=none'],
  ['package', 'turbo run package --continue --output-logs=errors-only --log-prefix=none'],
  ['rooms', 'node scripts/check-rooms.mjs'],
  ['sizes', 'node scripts/measure.mjs --check'],
  ['checks', 'node --test scripts/test/'],
  ['constants', 'node scripts/check-constants.mjs'],
  ['unused', 'knip --no-progress --no-config-hints'],
  ['api', 'node scripts/api-snapshot.mjs --check'],
  ['docs', 'node docs/api.mjs --check'],
  ['workflows', 'node scripts/check-workflows.mjs'],
  ['links', 'pnpm --silent --filter @onezero/cookbook run test:docs'],
  ['test', 'node scripts/test.mjs'],
];

const except = process.argv.slice(2).filter((argument) => argument !== '--except');
const unknown = except.filter((name) => !steps.some(([step]) => step === name));
if (unknown.length > 0) throw new Error(`no such step: ${unknown.join(', ')}`);

/** Runs one step; says how it went and whether it went well. */
function passes([name, command]) {
  const [program, ...parameters] = command.split(' ');
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(program, parameters, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    maxBuffer: 2 ** 28,
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const isFine = status === 0;
  console.log(`${isFine ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${seconds.padStart(6)} s   ${command}`);
  if (!isFine) console.log(`${stdout ?? ''}${stderr ?? ''}${error ?? ''}`);
  return isFine;
}

const failed = steps.filter(([name]) => !except.includes(name)).filter((step) => !passes(step));
if (failed.length > 0) {
  console.log(`check failed: ${failed.map(([name]) => name).join(', ')}`);
  process.exitCode = 1;
}
