// Who may ask, what every response says, and what is said when something went wrong.

import type { Option } from './option.ts';

/** Fields for every response, or for the files that a glob matches. */
export interface HeaderConfiguration {
  readonly glob?: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Basic authentication for a part of the site. */
export interface AuthConfiguration {
  readonly path?: string;
  readonly methods?: readonly string[];
  readonly realm?: string;
  readonly users?: Readonly<Record<string, string>>;
  readonly file?: string;
}

export interface AccessConfiguration {
  readonly headers: readonly HeaderConfiguration[] | undefined;
  readonly errorPages: Readonly<Record<string, string>> | undefined;
  readonly authUser: readonly string[] | undefined;
  readonly authFile: string | undefined;
  readonly authRealm: string | undefined;
  readonly auth: readonly AuthConfiguration[] | undefined;
  readonly hosts: readonly string[] | undefined;
}

const text = { type: 'text' } as const;
const texts = { type: 'list', item: text } as const;
const fieldName = { type: 'text', pattern: /^[\w!#$%&'*+.^`|~-]+$/, expects: 'the name of a field' } as const;
const fieldValue = { type: 'text', pattern: /^[^\r\n\0]*$/, expects: 'a value on one line' } as const;
const fieldMap = { type: 'map', key: fieldName.pattern, expects: fieldName.expects, value: fieldValue } as const;

const GROUP = 'Headers and access';
const perSite = true;

export const accessOptions: Record<keyof AccessConfiguration, Option> = {
  headers: {
    group: GROUP,
    perSite,
    flag: 'header',
    shape: {
      type: 'list',
      item: {
        type: 'object',
        members: {
          glob: { shape: text, summary: 'which files; all responses if left out' },
          fields: { shape: fieldMap, summary: 'name to value', isRequired: true },
        },
      },
    },
    read: readHeader,
    placeholder: '<"Name: value">',
    summary: 'Add a header to every response, unless it is already set',
  },
  errorPages: {
    group: GROUP,
    flag: 'error-page',
    shape: {
      type: 'map',
      key: /^(?:[45]\d\d|[45]xx|default)$/,
      expects: 'a status such as 404, a class such as 5xx, or default',
      value: { type: 'path' },
    },
    read: readErrorPage,
    placeholder: '<status=file>',
    summary: 'Your own page for a status such as 404, a class such as 5xx, or default',
  },
  authUser: {
    group: GROUP,
    flag: 'auth',
    only: 'command',
    isSecret: true,
    shape: { type: 'list', item: { type: 'text', pattern: /^[^:]+:[^]+$/, expects: 'user:password' } },
    read: (written) => written,
    placeholder: '<user:password>',
    summary: 'Require this name and password. Other users of this machine can see them: prefer --auth-file',
  },
  authFile: {
    group: GROUP,
    shape: { type: 'path' },
    placeholder: '<file>',
    summary: 'Require a name and password from an htpasswd file (bcrypt, scrypt, $apr1$, {SHA})',
  },
  authRealm: {
    group: GROUP,
    shape: fieldValue,
    placeholder: '<name>',
    summary: 'The realm that browsers show when they ask for the password',
  },
  auth: {
    group: GROUP,
    only: 'file',
    isSecret: true,
    shape: {
      type: 'list',
      item: {
        type: 'object',
        members: {
          path: { shape: text, summary: 'the part of the site; all if left out' },
          methods: { shape: texts, summary: 'the methods that ask; all if left out' },
          realm: { shape: fieldValue, summary: 'the realm that browsers show when they ask for the password' },
          users: { shape: { type: 'map', value: text }, summary: 'name to hash (bcrypt, scrypt, $apr1$, {SHA})' },
          file: { shape: { type: 'path' }, summary: 'an htpasswd file' },
        },
      },
    },
    summary: 'Parts of the site that need a name and password',
  },
  hosts: {
    group: GROUP,
    shape: texts,
    aliases: ['allowed-hosts'],
    placeholder: '<names>',
    summary:
      'Answer requests for these host names only (421 for others); * for any. By default, a server that only this machine can reach answers for localhost and IP addresses',
  },
};

function readHeader(written: string): HeaderConfiguration {
  const [, name, value] = /^([^:\s]+)\s*:\s*(\S[^]*)$/.exec(written) ?? [];
  if (name === undefined || value === undefined) throw new Error('"Name: value"');
  return { fields: { [name]: value.trimEnd() } };
}

function readErrorPage(written: string): Readonly<Record<string, string>> {
  const separator = written.indexOf('=');
  if (separator < 1) throw new Error('status=file, such as 404=not-found.html');
  return { [written.slice(0, separator)]: written.slice(separator + 1) };
}
