// What every workflow has to keep to: actions are named by commit, rights are given by job and are the least that it needs,
// no job that runs programs of others may write or publish, and no token stays in the checkout.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '.github', 'workflows');

/** The jobs of a workflow as text: name to what is indented below it. */
function jobsOf(text) {
  const jobs = text.split(/^jobs:\n/m)[1] ?? '';
  return [...jobs.matchAll(/^ {2}(\w+):\n((?: {4}.*\n| *\n)+)/gm)].map(([, name, body]) => ({ name, body }));
}

function* problemsOf(text) {
  for (const [, action] of text.matchAll(/uses: (\S+)/g)) {
    if (!/@[0-9a-f]{40}$/.test(action)) yield `${action} is not named by commit`;
  }
  if (/secrets\./.test(text)) yield 'a secret is used; trusted publishing and the token of the run need none';
  if (!/^permissions:/m.test(text)) yield 'the workflow does not say which rights it has';
  if (/^permissions:[^\n]*\n(?: +.*\n)* +[\w-]+: write/m.test(text)) yield 'every job of the workflow may write';
  for (const { name, body } of jobsOf(text)) {
    const mayWrite = /: write\b/.test(body);
    if (mayWrite && /\.ci\/run|npm (?:ci|install|test)|npx |pnpm /.test(body))
      yield `${name} may write and runs programs of others`;
    if (/id-token: write/.test(body) && /contents: write/.test(body)) yield `${name} may both publish and write`;
    const checkouts = body.match(/actions\/checkout@/g)?.length ?? 0;
    if (checkouts !== (body.match(/persist-credentials: false/g)?.length ?? 0))
      yield `${name} leaves its token in .git`;
  }
}

const problems = readdirSync(folder).flatMap((file) =>
  [...problemsOf(readFileSync(join(folder, file), 'utf8'))].map((problem) => `${file}: ${problem}`),
);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
