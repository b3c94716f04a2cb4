// `onezero`: which command is meant, and what it is told. What a command needs is imported when it is asked for, so that
// `--help` and `--version` come at once.

import { existsSync } from 'node:fs';
import { version } from '../installed-files.ts';
import { PRIMARY_VARIABLE } from '../operations/worker-messages.ts';
import type { CommandLine } from './configuration/arguments.ts';
import { type EarlySignals, earlySignals } from './running/early-signals.ts';
import type { Resolved } from './configuration/configuration.ts';

/**
 * Runs the `onezero` command with the words that follow its name, such as `['./public', '--port', '8080']`, in this process: it
 * prints to standard output and error, serves until a signal ends it, and takes `SIGINT`, `SIGTERM`, `SIGHUP` and `SIGUSR1` for
 * itself. Resolves to the exit code: 0 for success and help, 1 for failures, 2 for wrong usage. Never rejects. With `--workers`
 * it starts the main module of this process again, which must then call it with the same words.
 */
export async function runCommand(words: readonly string[]): Promise<number> {
  const signals = earlySignals();
  try {
    const code = await run(words, signals);
    const { errored } = process.stdout;
    // A server listens for that, and outlives it; and who has read enough, as `head` has, is no failure.
    if (!errored || process.stdout.listenerCount('error') > 0 || ('code' in errored && errored.code === 'EPIPE'))
      return code;
    process.stderr.write(`Error: ${errored.message}\n`);
    return 1;
  } catch (error) {
    // No error of this kind is known; should one occur, its stack is what helps to mend it.
    const text = error instanceof Error ? (error.stack ?? String(error)) : String(error);
    process.stderr.write(`Error: ${text.replace(/^Error: /, '')}\n`);
    return 1;
  }
}

async function run(words: readonly string[], signals: EarlySignals): Promise<number> {
  if (words.length === 1 && /^(?:--version|-[vV])$/.test(words[0] ?? '')) return showVersion();
  const { readCommandLine } = await import('./configuration/arguments.ts');
  const line = readCommandLine(words);
  if (line.command === 'help') {
    process.stdout.write((await import('./commands/help.ts')).helpText());
    return 0;
  }
  if (line.command === 'version') return showVersion();
  if (line.command === 'man') {
    process.stdout.write((await import('./commands/manual-page.ts')).manualPage());
    return 0;
  }
  if (line.command === 'completions') {
    return (await import('./commands/completions.ts')).printCompletions(line.words[0]);
  }
  const primary = process.env[PRIMARY_VARIABLE];
  // Its primary says what it serves.
  if (line.command === 'serve' && primary !== undefined)
    return (await import('./running/worker.ts')).work(primary, signals);
  const problems = [...line.problems, ...(await wordProblems(line))];
  if (problems.length > 0) return refuse(problems);
  const { resolveAll } = await import('./configuration/sources.ts');
  const resolve = (): ReturnType<typeof resolveAll> => resolveAll(line);
  const resolved = resolve();
  if (resolved.problems.length > 0) return refuse(resolved.problems);
  if (line.command !== 'serve') signals.giveUp();
  switch (line.command) {
    case 'check':
      return (await import('./commands/check.ts')).check(resolved);
    case 'print-config':
      return (await import('./commands/print-config.ts')).printConfiguration(resolved);
    case 'compress':
      return (await import('./commands/compress.ts')).compress(resolved.configuration.root ?? '.');
    case 'explain':
      return (await import('./commands/explain.ts')).explain(resolved, line.words[0] ?? '/');
    case 'recipe':
      return (await import('./commands/recipe.ts')).recipe(
        resolved.configuration,
        line.words[0],
        startWords(words, line),
      );
    default:
      return serve(resolved, resolve, signals);
  }
}

async function serve(resolved: Resolved, resolve: () => Resolved, signals: EarlySignals): Promise<number> {
  const { serve: run } = await import('./commands/serve.ts');
  if (!resolved.configuration.https) return run({ resolved, resolve }, signals);
  const { withMadeCertificate } = await import('./running/made-certificate.ts');
  const made = withMadeCertificate(resolved);
  if (made.problems.length > 0) return refuse(made.problems);
  return run({ resolved: made, resolve: () => withMadeCertificate(resolve()) }, signals);
}

function showVersion(): number {
  process.stdout.write(`${version()}\n`);
  return 0;
}

async function wordProblems({ command, words, written }: CommandLine): Promise<readonly string[]> {
  if (command === 'explain' && words.length === 0) return ['explain needs a URL or path: onezero explain /path'];
  const [first = '', second = ''] = words;
  if (command === 'explain' && /^[a-z]+$/i.test(first) && /^(?:\/|https?:)/.test(second) && !existsSync(second))
    return [`a method and what is asked for are one word: onezero explain "${first} ${second}"`];
  // What it does not heed, it would seem to.
  const unheeded = written.find(({ key }) => command === 'compress' && key !== 'root' && key !== 'config');
  if (unheeded !== undefined) return [`compress takes a directory and no ${unheeded.name}; it makes every form`];
  const most = command === 'explain' || command === 'recipe' ? 2 : 1;
  const { habitOfWord } = await import('./configuration/habits.ts');
  const advice = words.slice(most - 1).flatMap((word) => (existsSync(word) ? [] : (habitOfWord(word) ?? [])));
  if (words.length > most)
    return [[`unexpected argument "${words[most]}": only one directory or file can be served`, ...advice].join('; ')];
  return advice.length > 0 && command !== 'recipe' ? [`there is no ${words[most - 1]}: ${advice[0]}`] : [];
}

/** The words that start the server, where others ask for a recipe for it. */
function startWords(words: readonly string[], { command, words: [name] }: CommandLine): readonly string[] {
  const rest = [...words];
  for (const word of [command, name]) {
    const at = rest.indexOf(word ?? '');
    if (at !== -1) rest.splice(at, 1);
  }
  return rest;
}

async function refuse(problems: readonly string[]): Promise<number> {
  // A file that lies in a folder may have any name and key.
  const { reportLine } = await import('../standard-error.ts');
  for (const problem of problems) reportLine(`Error: ${problem}`);
  process.stderr.write('See onezero --help\n');
  return 2;
}
