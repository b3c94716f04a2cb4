// Everything that a configuration is made of, read as it is now.

import type { CommandLine, Written } from './arguments.ts';
import { readConfigurationFile } from './config-file.ts';
import { namedConfigurationFile, resolveConfiguration, type Resolved } from './configuration.ts';

/** Reads the file and the environment anew; the command line stays what it was. */
export function resolveAll({ command, words, written }: CommandLine): Resolved {
  const workingDirectory = process.cwd();
  const environment = process.env;
  const root = words[command === 'explain' ? 1 : 0];
  const all: Written[] = root === undefined ? [...written] : [...written, { key: 'root', value: root, name: root }];
  const sources = { written: all, environment, workingDirectory };
  const named = namedConfigurationFile(sources);
  try {
    const file = named === false ? undefined : readConfigurationFile(named, workingDirectory);
    const resolved = resolveConfiguration({ ...sources, file });
    return file === undefined
      ? resolved
      : { ...resolved, configuration: { ...resolved.configuration, config: file.path } };
  } catch (error) {
    return { ...resolveConfiguration({ ...sources, file: undefined }), problems: [(error as Error).message] };
  }
}
