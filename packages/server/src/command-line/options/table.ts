// All options of the command, in one table: the only list of them there is.

import { accessOptions, type AccessConfiguration } from './access.ts';
import { type FilesConfiguration, filesOptions, type PartsConfiguration, partsOptions } from './files.ts';
import { limitsOptions, type LimitsConfiguration } from './limits.ts';
import { listeningOptions, type ListeningConfiguration } from './listening.ts';
import { operationsOptions, type OperationsConfiguration } from './operations.ts';
import { type PythonConfiguration, pythonOptions } from './python.ts';
import { requestsOptions, type RequestsConfiguration } from './requests.ts';
import { servingOptions, type ServingConfiguration } from './serving.ts';
import type { Members, Option } from './option.ts';

interface ServedConfiguration extends ServingConfiguration, FilesConfiguration {
  readonly headers: AccessConfiguration['headers'];
  readonly tlsCert: ListeningConfiguration['tlsCert'];
  readonly tlsKey: ListeningConfiguration['tlsKey'];
  readonly tlsPassphraseFile: ListeningConfiguration['tlsPassphraseFile'];
}

/** What is served somewhere, and how: what may stand at the top of the configuration or in one of its sites. */
export type Served = { readonly [Key in keyof ServedConfiguration]?: ServedConfiguration[Key] | undefined };

/** One of several sites in one server: what is served for a host name, at a path, or both. */
export type SiteConfiguration = Served & { readonly host?: string | undefined; readonly path?: string | undefined };

/** Every option with its value, durations in seconds, sizes in bytes, paths absolute. */
export interface Configuration
  extends
    ServedConfiguration,
    PartsConfiguration,
    PythonConfiguration,
    AccessConfiguration,
    RequestsConfiguration,
    ListeningConfiguration,
    OperationsConfiguration,
    LimitsConfiguration {
  readonly sites: readonly SiteConfiguration[] | undefined;
}

export type Key = keyof Configuration;

const ownOptions: Record<Exclude<Key, 'sites'>, Option> = {
  ...servingOptions,
  ...pythonOptions,
  ...filesOptions,
  ...partsOptions,
  ...accessOptions,
  ...requestsOptions,
  ...listeningOptions,
  ...operationsOptions,
  ...limitsOptions,
};

const siteMembers: Members = {
  host: {
    shape: { type: 'text', pattern: /^(?:\*\.)?[\w.:[\]-]+$/, expects: 'a host name, or *.name for all below it' },
    summary: 'The host name that it answers to; *.name takes all below name',
  },
  path: {
    shape: { type: 'text', pattern: /^\//, expects: 'a path that begins with "/"' },
    summary: 'The path that it is mounted at',
  },
  ...Object.fromEntries(Object.entries(ownOptions).filter(([, option]) => option.perSite)),
};

/** Every option by its key in the configuration file. */
export const options: Readonly<Record<Key, Option>> = {
  ...ownOptions,
  sites: {
    group: 'What is served',
    only: 'file',
    shape: { type: 'list', item: { type: 'object', members: siteMembers } },
    summary: 'Several sites in one server, told apart by host name or path',
  },
};

/** The table as entries, in its order. */
export const optionEntries: readonly (readonly [Key, Option])[] = Object.entries(options) as [Key, Option][];
