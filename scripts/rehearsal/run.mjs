// Running commands and counting checks, for the rehearsal.
import { spawnSync } from 'node:child_process';

const counts = { passed: 0, failed: 0 };

/** Runs a command to its end and returns what it printed on standard output; throws everything it printed if it fails. */
export function run(cwd, environment, command, ...parameters) {
  const { status, signal, stdout, stderr, error } = spawnSync(command, parameters, {
    cwd,
    encoding: 'utf8',
    env: environment,
    maxBuffer: 2 ** 28,
    timeout: 300_000,
    killSignal: 'SIGKILL',
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')} (${signal ?? status})\n${stdout}${stderr}`);
  return stdout;
}

/** Performs one named check: prints and counts how it went. A failure does not keep the next check from being made. */
export async function check(name, action) {
  try {
    const remark = await action();
    counts.passed++;
    console.log(`  ok      ${name}${remark === undefined ? '' : `: ${remark}`}`);
  } catch (error) {
    counts.failed++;
    console.log(`  FAILED  ${name}\n${String(error.message).replaceAll(/^/gm, '          ')}`);
  }
}

/** Prints the closing line; the exit code follows it. */
export function closeCounts() {
  console.log(`rehearsal: ${counts.passed} passed, ${counts.failed} failed`);
  if (counts.passed === 0 || counts.failed > 0) process.exitCode = 1;
}
