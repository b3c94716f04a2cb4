// `onezero recipe NAME`: what stands around the server, computed from its options.

import { resolve } from 'node:path';
import { haproxy, nginx } from '../recipes/balancers.ts';
import { figuresOf } from '../recipes/figures.ts';
import { kubernetes, systemd } from '../recipes/supervisors.ts';
import { logrotate, prometheus } from '../recipes/watchers.ts';
import { listenerAt } from '../running/listeners.ts';
import { suggestion } from '../../suggestion.ts';
import type { Configuration } from '../options/table.ts';
import { RECIPES } from './command-summaries.ts';

/** The recipe of a name for a configuration; `words` are those of the command that starts the server. */
type Recipe = (configuration: Configuration, words: readonly string[]) => string | { readonly problem: string };

const recipes: Readonly<Record<(typeof RECIPES)[number], Recipe>> = {
  haproxy: (configuration) => haproxy(figuresOf(configuration)),
  nginx: (configuration) => nginx(figuresOf(configuration)),
  systemd: (configuration, words) => {
    const { root, cgiBin, config } = configuration;
    const paths = [root, cgiBin, config].filter((path) => typeof path === 'string');
    const { logFile, readyFile, listen = [] } = configuration;
    const sockets = listen.flatMap((address) => listenerAt(address, undefined).socket ?? []);
    const written = [logFile, readyFile, ...sockets].filter((path) => path !== undefined).map((path) => resolve(path));
    return systemd(figuresOf(configuration), words, { directory: process.cwd(), paths, written });
  },
  kubernetes: (configuration, words) => kubernetes(figuresOf(configuration), words),
  logrotate: (configuration) => {
    const { logFile } = configuration;
    if (logFile === undefined) return { problem: 'logrotate needs --log-file' };
    return logrotate(figuresOf(configuration), logFile);
  },
  prometheus: (configuration) => {
    const figures = figuresOf(configuration);
    if (figures.socket !== undefined) return { problem: 'prometheus needs a port: put it first, as --listen :8080' };
    return prometheus(figures, configuration.metrics !== undefined);
  },
};

/** Prints the recipe. Resolves to 0, or to 2 where there is none. */
export async function recipe(
  configuration: Configuration,
  name: string | undefined,
  words: readonly string[],
): Promise<number> {
  const known = RECIPES.find((one) => one === name);
  const make = known === undefined ? undefined : recipes[known];
  const made = make?.(configuration, words) ?? {
    problem: `recipe needs one of ${RECIPES.join(', ')}${name === undefined ? '' : suggestion(name, RECIPES)}`,
  };
  if (typeof made !== 'string') {
    process.stderr.write(`Error: ${made.problem}\n`);
    return 2;
  }
  process.stdout.write(made);
  return 0;
}
