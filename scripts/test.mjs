// Builds and tests every workspace, one line for each; a failing one shows its output, and the reasons stand last.
//
// Reports of earlier runs are removed first, so that only what ran now is counted. A workspace that has tests but left no
// report, a test file that could not be loaded, and a run that executed nothing are failures: green means that tests ran.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const reportOf = (folder) => join(root, folder, '.turbo', 'test-report.json');

/** The workspaces with a `test` script that have tests. */
function testedFolders() {
  const nested = ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(parent, name)),
  );
  return [...nested, 'bench', 'cookbook', 'differential'].filter((folder) => {
    const manifest = join(root, folder, 'package.json');
    if (!existsSync(manifest)) return false;
    return JSON.parse(readFileSync(manifest, 'utf8')).scripts?.test !== undefined;
  });
}

/** Runs a program of the repository to its end; `{ isFine, seconds, output }`. */
function run(command, folder) {
  const [program, ...words] = command.split(' ');
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    cwd: join(root, folder),
    encoding: 'utf8',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    maxBuffer: 2 ** 28,
  });
  const seconds = (performance.now() - start) / 1000;
  return { isFine: status === 0, seconds, output: `${stdout ?? ''}${stderr ?? ''}${error ?? ''}` };
}

function line(isFine, name, details, seconds) {
  console.log(
    `${isFine ? 'ok    ' : 'FAILED'}  ${name.padEnd(22)} ${details.padEnd(38)}${seconds.toFixed(1).padStart(7)} s`,
  );
}

/** The first line of what a test complains of. */
const reasonOf = (messages) => (messages ?? []).join('\n').split('\n')[0];

/** What one workspace's report says: counts, and a remark for each test that did not pass. */
function readReport(folder) {
  const result = { passed: 0, failed: 0, skipped: 0, remarks: [] };
  if (!existsSync(reportOf(folder))) {
    return { ...result, failed: 1, remarks: [`failed   ${folder}: left no report`] };
  }
  for (const file of JSON.parse(readFileSync(reportOf(folder), 'utf8')).testResults) {
    if (file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed')) {
      result.failed++;
      result.remarks.push(`failed   ${relative(root, file.name)}: ${file.message.split('\n')[0]}`);
    }
    for (const { status, fullName, failureMessages } of file.assertionResults) {
      const outcome = status === 'passed' || status === 'failed' ? status : 'skipped';
      result[outcome]++;
      const reason = outcome === 'failed' ? `\n         ${reasonOf(failureMessages)}` : '';
      if (outcome !== 'passed') {
        result.remarks.push(`${outcome.padEnd(8)} ${relative(root, file.name)}: ${fullName}${reason}`);
      }
    }
  }
  return result;
}

/** Tests one workspace and says how it went. */
function testFolder(folder) {
  rmSync(reportOf(folder), { force: true });
  const { isFine, seconds, output } = run('pnpm --silent run test', folder);
  const result = readReport(folder);
  if (!isFine && result.failed === 0) {
    result.failed = 1;
    result.remarks.push(`failed   ${folder}: the run ended with an error, though its tests passed`);
  }
  const counts = ['passed', 'failed', 'skipped'].filter((key) => key === 'passed' || result[key] > 0);
  line(result.failed === 0, folder, counts.map((key) => `${result[key]} ${key}`).join(', '), seconds);
  if (result.failed > 0) console.log(output);
  return result;
}

const build = run('turbo run build --output-logs=errors-only --log-prefix=none', '.');
line(build.isFine, 'build', '', build.seconds);
if (!build.isFine) {
  console.log(build.output);
  process.exit(1);
}
const results = testedFolders().map(testFolder);
const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
const remarks = results.flatMap((result) => result.remarks);
for (const remark of remarks.toSorted((a, b) => Number(a.startsWith('failed')) - Number(b.startsWith('failed')))) {
  console.log(remark);
}
console.log(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`);
if (total('passed') === 0 || total('failed') > 0) process.exitCode = 1;
