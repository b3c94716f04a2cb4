// Builds and tests every workspace, then prints what each of them did and one closing line for the repository.
//
// Reports of earlier runs are removed first, so that only what ran now is counted. A workspace that has tests but left no
// report, a test file that could not be loaded, and a run that executed nothing are failures: green means that tests ran.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const reportOf = (folder) => join(root, folder, '.turbo', 'test-report.json');

/** The workspaces with a `test` script. */
function testedFolders() {
  const nested = ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(parent, name)),
  );
  return [...nested, 'bench', 'cookbook', 'differential'].filter((folder) => {
    const manifest = join(root, folder, 'package.json');
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).scripts?.test !== undefined;
  });
}

/** Runs turbo in the root and says whether it succeeded. */
function turbo(...args) {
  const environment = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };
  return spawnSync('turbo', ['run', ...args], { cwd: root, stdio: 'inherit', env: environment }).status === 0;
}

/** What one workspace's report says. */
function readReport(folder) {
  const result = { folder, passed: 0, failed: 0, skipped: 0, seconds: 0, remarks: [] };
  if (!existsSync(reportOf(folder))) {
    return { ...result, failed: 1, remarks: [`failed   ${folder}: left no report`] };
  }
  const { startTime, testResults } = JSON.parse(readFileSync(reportOf(folder), 'utf8'));
  for (const file of testResults) {
    result.seconds = Math.max(result.seconds, (file.endTime - startTime) / 1000);
    if (file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed')) {
      result.failed++;
      result.remarks.push(`failed   ${relative(root, file.name)}: ${file.message.split('\n')[0]}`);
    }
    for (const { status, fullName } of file.assertionResults) {
      const outcome = status === 'passed' || status === 'failed' ? status : 'skipped';
      result[outcome]++;
      if (outcome !== 'passed') result.remarks.push(`${outcome.padEnd(8)} ${folder}: ${fullName}`);
    }
  }
  return result;
}

const folders = testedFolders();
for (const folder of folders) rmSync(reportOf(folder), { force: true });
if (!turbo('build', '--output-logs=errors-only')) process.exit(1);
const succeeded = turbo('test', '--only', '--concurrency=1', '--continue', '--log-prefix=none');

const results = folders.map(readReport);
const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
console.log();
for (const remark of results.flatMap(({ remarks }) => remarks)) console.log(remark);
for (const { folder, passed, failed, skipped, seconds } of results) {
  const counts = [passed, failed, skipped].map((count) => String(count).padStart(6)).join('');
  console.log(`${folder.padEnd(24)}${counts}${`${seconds.toFixed(1)} s`.padStart(10)}`);
}
console.log(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`);
if (!succeeded || total('passed') === 0 || total('failed') > 0) process.exitCode = 1;
