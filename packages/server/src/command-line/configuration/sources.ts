// Everything that a configuration is made of, read as it is now.

import type { CommandLine, Written } from './arguments.ts';
import { type ConfigurationFile, readConfigurationFile } from './config-file.ts';
import { unlessRefused } from '../../paths.ts';
import { reasonsToAsk } from './found-file.ts';
import { namedConfigurationFile, resolveConfiguration, type Resolved } from './configuration.ts';

/** Reads the file and the environment anew; the command line stays what it was. */
export function resolveAll({ command, words, written }: CommandLine): Resolved {
  const workingDirectory = currentDirectory();
  const environment = process.env;
  const root = words[command === 'explain' || command === 'recipe' ? 1 : 0];
  const twice =
    root === undefined ? undefined : written.find(({ key, value }) => key === 'root' && value !== undefined);
  const all: Written[] = root === undefined ? [...written] : [...written, { key: 'root', value: root, name: root }];
  if (workingDirectory === undefined) {
    const nowhere = resolveConfiguration({ written: [], environment: {}, file: undefined, workingDirectory: '/' });
    return { ...nowhere, problems: ['the working directory has been removed; change to one that exists'] };
  }
  const sources = { written: all, environment, workingDirectory };
  const named = namedConfigurationFile(sources);
  try {
    const file = named === false ? undefined : readConfigurationFile(named, workingDirectory);
    const resolved = withProblems(resolveConfiguration({ ...sources, file }), [
      ...(twice === undefined
        ? []
        : [`both ${root ?? ''} and ${twice.name} ${String(twice.value)} are named; name one`]),
      ...(named === undefined && !isHarmless(command, all) ? refusals(file) : []),
    ]);
    return file === undefined
      ? resolved
      : { ...resolved, configuration: { ...resolved.configuration, config: file.path } };
  } catch (error) {
    return { ...resolveConfiguration({ ...sources, file: undefined }), problems: [(error as Error).message] };
  }
}

/** Whether a command does nothing that a file which was only found says. */
function isHarmless(command: CommandLine['command'], written: readonly Written[]): boolean {
  return command === 'print-config' || (command === 'compress' && written.some(({ key }) => key === 'root'));
}

/** The working directory; undefined when it was removed under the shell that stands in it. */
function currentDirectory(): string | undefined {
  return unlessRefused(() => process.cwd());
}

function withProblems(resolved: Resolved, more: readonly string[]): Resolved {
  return more.length === 0 ? resolved : { ...resolved, problems: [...more, ...resolved.problems] };
}

/** One problem for what a configuration file that was only found would do beyond its own folder. */
function refusals(file: ConfigurationFile | undefined): readonly string[] {
  if (file === undefined) return [];
  const reasons = reasonsToAsk(file);
  if (reasons.length === 0) return [];
  return [
    `${file.shownPath} in this directory ${reasons.join(' and ')}; if you trust it, name it: -c ${file.shownPath}`,
  ];
}
