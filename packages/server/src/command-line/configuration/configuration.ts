// One configuration out of four sources: flag before environment before file before default, for each option as a whole.
// Nothing is read here but what is handed in, and nothing is decided silently: every value keeps where it came from, and
// everything that is wrong is collected, so that one run shows all of it.

import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describeSource, environmentName, type Option, type Source } from '../options/option.ts';
import { type Configuration, type Key, optionEntries, options, type SiteConfiguration } from '../options/table.ts';
import { withAsgiDefaults, withPythonDefaults } from '../options/python.ts';
import type { Written } from './arguments.ts';
import type { ConfigurationFile } from './config-file.ts';
import { suggestion } from '../../suggestion.ts';
import { acceptValue, isRecord, type Problem, valueOfText } from '../options/value.ts';

export interface Sources {
  readonly written: readonly Written[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: ConfigurationFile | undefined;
  /** What relative paths are relative to; those in the file are relative to the file. */
  readonly workingDirectory: string;
}

export interface Resolved {
  readonly configuration: Configuration;
  readonly sources: ReadonlyMap<Key, Source>;
  /** One line each; with any, the configuration must not be used. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

interface Found {
  readonly value: unknown;
  readonly source: Source;
  readonly base: string;
}

/** Takes every option from the first source that has it, and checks it. */
export function resolveConfiguration(sources: Sources): Resolved {
  const problems = unknownFileKeys(sources.file);
  const chosen = new Map<Key, Source>();
  const values: [Key, unknown][] = [];
  for (const [key, option] of optionEntries) {
    const found = findValue(key, option, sources, problems);
    chosen.set(key, found.source);
    const isGiven = found.source.from !== 'default' && found.value !== undefined && found.value !== option.off;
    values.push([key, isGiven ? check(key, option, found, sources.file, problems) : found.value]);
  }
  const configuration = Object.fromEntries(values) as unknown as Configuration;
  return {
    // What is wrong has left holes in it.
    configuration: problems.length > 0 ? configuration : withImplied(configuration, chosen, sources.workingDirectory),
    sources: chosen,
    problems,
    warnings: unknownEnvironment(sources.environment),
  };
}

// Naming nothing to serve means the working directory. An application is not served its own source files, and an application or
// upstream at / answers for directories without an index file, unless listings are asked for.
function withImplied(
  configuration: Configuration,
  chosen: ReadonlyMap<Key, Source>,
  workingDirectory: string,
): Configuration {
  const { root, wsgi, asgi, app, mount = {} } = configuration;
  // A directory at a path is a site there.
  const own = configuration.sites ?? [];
  const mounted = Object.entries(mount)
    .map(([path, directory]): SiteConfiguration => ({ path, root: directory }))
    // `print-config` prints them among the sites as well.
    .filter((site) => !own.some((one) => isDeepStrictEqual(one, site)));
  const all = [...own, ...mounted];
  const sites = all.length === 0 ? undefined : all;
  const isImplied = [root, wsgi, asgi, app, configuration.sites].every((one) => one === undefined);
  const isAsked = chosen.get('listing')?.from !== 'default';
  type Python = Pick<SiteConfiguration, 'wsgi' | 'asgi' | 'app'>;
  const quiet = (site: Python & Pick<SiteConfiguration, 'scgi' | 'proxy'>): boolean =>
    !isAsked && [site.wsgi, site.asgi, site.app, site.scgi, site.proxy].some((mounts) => mounts?.some(isAtRoot));
  const python = <One extends Python>(site: One): One => ({
    ...site,
    ...(site.wsgi !== undefined && { wsgi: withPythonDefaults(site.wsgi, configuration) }),
    ...(site.asgi !== undefined && { asgi: withAsgiDefaults(site.asgi, configuration) }),
    ...(site.app !== undefined && { app: withPythonDefaults(site.app, configuration) }),
  });
  return {
    ...python(configuration),
    ...(isImplied && { root: workingDirectory }),
    // False is for this machine alone.
    host: configuration.host || 'localhost',
    listing: quiet(configuration) ? false : configuration.listing,
    sites: sites?.map((site) => python(quiet(site) ? { listing: false, ...site } : site)),
  };
}

function isAtRoot({ path = '/' }: { readonly path?: string }): boolean {
  return /^\/+$/.test(path);
}

/** The configuration file that the command line or the environment names; false for none at all. */
export function namedConfigurationFile({ written, environment }: Omit<Sources, 'file'>): string | false | undefined {
  const flag = written.findLast(({ key }) => key === 'config');
  return (flag === undefined ? environment['ONEZERO_CONFIG'] || undefined : flag.value) as string | false | undefined;
}

function findValue(key: Key, option: Option, sources: Sources, problems: string[]): Found {
  const base = sources.workingDirectory;
  const flags = sources.written.filter((flag) => flag.key === key);
  const last = flags.at(-1);
  if (last !== undefined) return { value: together(flags), source: flagSource(last.name), base };
  for (const name of [environmentName(key, option), ...(option.environment ?? [])]) {
    const text = option.only === 'file' ? undefined : sources.environment[name];
    if (text === undefined || text === '' || isServiceLink(text)) continue;
    const source = { from: 'environment', name } as const;
    try {
      return { value: valueOfText(option, text), source, base };
    } catch (error) {
      problems.push(`${key} expects ${(error as Error).message} (${describeSource(source)})`);
    }
  }
  return inFile(key, option, sources.file) ?? { value: option.default, source: { from: 'default' }, base };
}

function inFile(key: Key, option: Option, file: ConfigurationFile | undefined): Found | undefined {
  if (file === undefined || option.only === 'command' || !isRecord(file.value) || !(key in file.value))
    return undefined;
  return { value: file.value[key], source: sourceIn(file, key), base: dirname(file.path) };
}

// A flag that is given again replaces the earlier value, or adds to it where the option is a list or a map.
function together(flags: readonly Written[]): unknown {
  let result: unknown;
  for (const { value } of flags) {
    if (Array.isArray(value) && Array.isArray(result)) result = [...(result as unknown[]), ...(value as unknown[])];
    else if (isRecord(value) && isRecord(result)) result = { ...result, ...value };
    else result = value;
  }
  return result;
}

function check(
  key: Key,
  option: Option,
  { value, source, base }: Found,
  file: ConfigurationFile | undefined,
  problems: string[],
): unknown {
  const found: Problem[] = [];
  const accepted = acceptValue(option.shape, value, { base, path: key, problems: found });
  for (const { path, message } of found) {
    const place = source.from === 'file' && file !== undefined ? sourceIn(file, path) : source;
    const shown = option.isSecret ? message.replace(/, not .*/, '') : message;
    problems.push(`${shownName(path, source)} ${shown} (${describeSource(place)})`);
  }
  // Others stay as short as they were written, which a socket's path has to be.
  const isSettled = option.settle !== undefined && source.from === 'file' && found.length === 0;
  return isSettled ? option.settle?.(accepted, base) : accepted;
}

/** An element of a list has no name that its user has seen, unless it stands in the file. */
function shownName(path: string, source: Source): string {
  return 'name' in source && source.from !== 'argument' && /^\w+\.\d/.test(path) ? source.name : path;
}

function sourceIn(file: ConfigurationFile, path: string): Source {
  return { from: 'file', path: file.shownPath, ...(file.places.get(path) ?? { line: 1, column: 1 }) };
}

function flagSource(name: string): Source {
  return name.startsWith('-') ? { from: 'flag', name } : { from: 'argument', name };
}

function unknownFileKeys(file: ConfigurationFile | undefined): string[] {
  if (file === undefined) return [];
  if (!isRecord(file.value)) return [`the configuration expects an object (${file.shownPath}:1:1)`];
  const problems: string[] = [];
  const written = optionEntries.filter(([, option]) => option.only !== 'command');
  const known = written.map(([key]) => key);
  const names = new Map(written.flatMap(([key, option]) => keySpellings(key, option)));
  for (const key of Object.keys(file.value)) {
    if (key === '$schema' || known.includes(key as Key)) continue;
    const place = describeSource(sourceIn(file, key));
    const isFlag = Object.hasOwn(options, key);
    problems.push(
      `"${key}" is ${isFlag ? 'only a flag, not' : 'not'} an option of the file${suggestion(key, names)} (${place})`,
    );
  }
  return problems;
}

/** The words that lead to a key: itself, and the other names of its flag as keys. */
function keySpellings(key: string, option: Option): readonly (readonly [string, string])[] {
  const others = (option.aliases ?? []).map((alias) =>
    alias.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  );
  return [...others, key].map((word) => [word, key] as const);
}

function unknownEnvironment(environment: Sources['environment']): string[] {
  const given = Object.keys(environment).filter((name) => name.startsWith('ONEZERO_') && !isServiceVariable(name));
  if (given.length === 0) return [];
  const read = optionEntries.filter(([, option]) => option.only !== 'file');
  const known = read.map(([key, option]) => environmentName(key, option));
  const names = new Map(
    read.flatMap(([key, option]) => {
      const name = environmentName(key, option);
      const others = (option.aliases ?? []).map((alias) => environmentName(key, { ...option, flag: alias }));
      return [...others, name].map((one) => [one, name] as const);
    }),
  );
  return given
    .filter((name) => !known.includes(name))
    .map((name) => `${name} in the environment is not an option${suggestion(name, names)}`);
}

// Kubernetes gives every container of a namespace ONEZERO_PORT=tcp://10.0.0.1:80, ONEZERO_SERVICE_HOST and more when a
// service is called "onezero". They are not meant for us, and must not keep a server from starting.
function isServiceLink(text: string): boolean {
  return /^(?:tcp|udp|sctp):\/\//.test(text);
}

function isServiceVariable(name: string): boolean {
  return /^ONEZERO_(?:SERVICE_(?:HOST|PORT\w*)|PORT_\d+_\w+)$/.test(name);
}
