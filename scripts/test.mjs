// Builds and tests every workspace, one line for each as it ends; a failing one shows its output, and the reasons stand last.
// Two are tested at a time, those that take longest first, so that both ends come together: most tests wait for sockets, children
// and browsers, not for the processor.
//
// Reports of earlier runs are removed first, so that only what ran now is counted. A workspace that has tests but left no
// report, a test file that could not be loaded, and a run that executed nothing are failures: green means that tests ran.
//
// On Linux the runs have a folder for temporary files of their own, and what they leave there is a failure, too.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { complaintOf } from './complaint.mjs';

const root = join(import.meta.dirname, '..');
const reportOf = (folder) => join(root, folder, '.turbo', 'test-report.json');

/** A folder such as `/tmp`, for all users; undefined where paths to sockets in it could become too long. */
function temporaryFolder() {
  if (process.platform !== 'linux') return undefined;
  const path = mkdtempSync(join(tmpdir(), 'tests-'));
  chmodSync(path, 0o1777);
  return path;
}

const temporary = temporaryFolder();

/** What tests have left among the temporary files; Node's own cache of compiled programs stays on purpose. */
function removeLeftovers() {
  if (temporary === undefined) return [];
  const names = readdirSync(temporary).filter((name) => name !== 'node-compile-cache');
  rmSync(temporary, { recursive: true });
  return names;
}

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
async function run(command, folder, environment = {}) {
  const [program, ...words] = command.split(' ');
  const start = performance.now();
  const child = spawn(program, words, {
    cwd: join(root, folder),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  let status;
  try {
    [status] = await once(child, 'close');
  } catch (error) {
    output += error;
  }
  return { isFine: status === 0, seconds: (performance.now() - start) / 1000, output };
}

// What takes longest beside its size, since it runs programs and browsers: in this order before the others.
const LONGEST = ['packages/server', 'differential', 'packages/static', 'packages/cgi-process', 'apps/demo', 'cookbook'];

/** How much there is to test in a workspace: bytes of its tests, and more where `LONGEST` says so. */
function weightOf(folder) {
  const at = LONGEST.indexOf(folder);
  return at === -1 ? sizeOf(folder) : 1e9 - at;
}

/** Bytes of a workspace's tests. */
function sizeOf(folder) {
  const tests = join(root, folder, 'test');
  if (!existsSync(tests)) return 0;
  const names = readdirSync(tests, { recursive: true }).filter((name) => name.endsWith('.test.ts'));
  return names.reduce((sum, name) => sum + statSync(join(tests, name)).size, 0);
}

function line(isFine, name, details, seconds) {
  console.log(
    `${isFine ? 'ok    ' : 'FAILED'}  ${name.padEnd(22)} ${details.padEnd(38)}${seconds.toFixed(1).padStart(7)} s`,
  );
}

/** The first line of what a test complains of; the report names no reason where the time was over. */
const reasonOf = (messages) =>
  (messages ?? []).join('\n').split('\n')[0].replace('Error: STACK_TRACE_ERROR', 'took too long, or see above');

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
async function testFolder(folder) {
  rmSync(reportOf(folder), { force: true });
  const environment = temporary === undefined ? {} : { TMPDIR: temporary };
  const { isFine, seconds, output } = await run('pnpm --silent run test', folder, environment);
  const result = readReport(folder);
  if (!isFine && result.failed === 0) {
    result.failed = 1;
    result.remarks.push(`failed   ${folder}: its tests passed, the run did not: ${complaintOf(output)}`);
  }
  const counts = ['passed', 'failed', 'skipped'].filter((key) => key === 'passed' || result[key] > 0);
  line(result.failed === 0, folder, counts.map((key) => `${result[key]} ${key}`).join(', '), seconds);
  if (result.failed > 0) console.log(output);
  return result;
}

const build = await run('turbo run build --output-logs=errors-only --log-prefix=none', '.');
line(build.isFine, 'build', '', build.seconds);
if (!build.isFine) {
  console.log(build.output);
  removeLeftovers();
  process.exit(1);
}
const waiting = testedFolders().toSorted((a, b) => weightOf(b) - weightOf(a));
const results = [];
async function testInTurn() {
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    results.push(await testFolder(folder));
  }
}
await Promise.all([testInTurn(), testInTurn()]);
const leftovers = removeLeftovers();
if (leftovers.length > 0) {
  const remarks = [`failed   left among the temporary files: ${leftovers.join(' ')}`];
  results.push({ passed: 0, failed: 1, skipped: 0, remarks });
}
const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
const remarks = results.flatMap((result) => result.remarks);
for (const remark of remarks.toSorted((a, b) => Number(a.startsWith('failed')) - Number(b.startsWith('failed')))) {
  console.log(remark);
}
console.log(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`);
if (total('passed') === 0 || total('failed') > 0) process.exitCode = 1;
