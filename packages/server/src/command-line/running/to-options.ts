// From values of the configuration to options of the server, as the table of options says.

import type { Option } from '../options/option.ts';
import { optionEntries } from '../options/table.ts';

type Values = { readonly [key: string]: unknown };

/**
 * The options of one part of the server's options, such as `static.` or `limits.`; `''` for the server's own.
 *
 * @param values by the keys of the configuration; what is undefined is left to the default
 */
export function optionsOfPart(part: string, values: Values): Record<string, unknown> {
  const entries = optionEntries.flatMap(([key, option]): [string, unknown][] => {
    const name = nameIn(part, option);
    const value = values[key];
    return name === undefined || value === undefined ? [] : [[name, option.toOption?.(value)]];
  });
  return Object.fromEntries(entries);
}

/** The name of the option of that part which an option sets. */
function nameIn(part: string, { sets }: Option): string | undefined {
  const name = sets?.startsWith(part) ? sets.slice(part.length) : undefined;
  return name?.includes('.') ? undefined : name;
}
