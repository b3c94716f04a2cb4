// `onezero print-config`: every value as it would be used, and where it comes from, as a configuration file.

import { describeSource } from '../options/option.ts';
import type { Resolved } from '../configuration/configuration.ts';
import { reportLine, visible } from '../../standard-error.ts';
import { optionEntries } from '../options/table.ts';

/** Prints the configuration with a comment for each value. What is secret is left out. Returns the exit code. */
export function printConfiguration({ configuration, sources, warnings }: Resolved): number {
  for (const warning of warnings) reportLine(`Warning: ${warning}`);
  const lines = optionEntries.flatMap(([key, option]): string[] => {
    const value = configuration[key];
    // The name of a file may have anything in it.
    const from = visible(describeSource(sources.get(key) ?? { from: 'default' }));
    if (value === undefined) return [];
    if (option.isSecret) return [`  // "${key}": not shown (${from})`];
    const text = JSON.stringify(value, withoutInfinity, 2).replaceAll('\n', '\n  ');
    const line = `  "${key}": ${text},`;
    const shown = option.only === 'command' ? line.replaceAll(/^ {2}/gm, '  // ') : line;
    return [text.includes('\n') ? `  // ${from}\n${shown}` : `${shown} // ${from}`];
  });
  process.stdout.write(`{\n${lines.join('\n')}\n}\n`);
  return 0;
}

/** JSON has no Infinity; this is the word for it in a configuration. */
function withoutInfinity(_key: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? 'unlimited' : value;
}
