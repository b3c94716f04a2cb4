// Who may ask, what every response says, and what is said when something went wrong.

import type { Option } from './option.ts';

/** Cross-origin rules as the configuration file has them. */
export interface CorsConfiguration {
  readonly origins?: readonly string[];
  readonly credentials?: boolean;
  readonly allowFields?: readonly string[];
  readonly exposeFields?: readonly string[];
  readonly maxAge?: number;
}

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
  readonly cors: boolean | string | readonly string[] | CorsConfiguration;
  readonly errorPages: Readonly<Record<string, string>> | undefined;
  readonly authUser: readonly string[] | undefined;
  readonly authFile: string | undefined;
  readonly authRealm: string | undefined;
  readonly auth: readonly AuthConfiguration[] | undefined;
  readonly trustedProxies: readonly string[] | undefined;
  readonly forwardedField: 'x-forwarded-for' | 'forwarded';
  readonly proxyProtocol: readonly string[] | undefined;
  readonly hosts: readonly string[] | undefined;
  readonly serverField: string | boolean;
  readonly serverName: string | undefined;
  readonly requestIdField: string | undefined;
  readonly simpleRequests: boolean;
  readonly methods: readonly string[] | undefined;
}

const text = { type: 'text' } as const;
const texts = { type: 'list', item: text } as const;
const flag = { type: 'boolean' } as const;
const address = {
  type: 'text',
  pattern: /^(?:unix|[\da-fA-F.:]+(?:\/\d{1,3})?)$/,
  expects: 'an address, a CIDR block or "unix"',
} as const;
const fieldName = { type: 'text', pattern: /^[\w!#$%&'*+.^`|~-]+$/, expects: 'the name of a field' } as const;
const fieldValue = { type: 'text', pattern: /^[^\r\n\0]*$/, expects: 'a value on one line' } as const;
const fieldMap = { type: 'map', key: fieldName.pattern, expects: fieldName.expects, value: fieldValue } as const;

const group = 'Headers and access';
const perSite = true;

export const accessOptions: Record<keyof AccessConfiguration, Option> = {
  headers: {
    group,
    perSite,
    flag: 'header',
    shape: {
      type: 'list',
      item: {
        type: 'object',
        required: ['fields'],
        members: {
          glob: { shape: text, summary: 'which files; all responses if left out' },
          fields: { shape: fieldMap, summary: 'name to value' },
        },
      },
    },
    read: readHeader,
    placeholder: '<"Name: value">',
    summary: 'A field for every response that does not have it',
  },
  cors: {
    group,
    perSite,
    shape: {
      type: 'either',
      shapes: [
        flag,
        text,
        texts,
        {
          type: 'object',
          members: {
            origins: { shape: texts, summary: 'allowed origins; any if left out' },
            credentials: { shape: flag, summary: 'whether cookies may be sent along' },
            allowFields: { shape: texts, summary: 'request fields that a preflight allows' },
            exposeFields: { shape: texts, summary: 'response fields that scripts may read' },
            maxAge: { shape: { type: 'duration' }, summary: 'how long a preflight may be remembered' },
          },
        },
      ],
    },
    default: false,
    short: ['C'],
    bare: true,
    placeholder: '[=origin,...]',
    summary: 'Let pages of any origin (or of these) read the files',
  },
  errorPages: {
    group,
    flag: 'error-page',
    shape: {
      type: 'map',
      key: /^(?:[45]\d\d|[45]xx|default)$/,
      expects: 'a status such as 404, a class such as 5xx, or default',
      value: { type: 'path' },
    },
    read: readErrorPage,
    placeholder: '<status=file>',
    summary: 'A page for a status such as 404, a class such as 5xx, or default',
  },
  authUser: {
    group,
    flag: 'auth',
    only: 'command',
    isSecret: true,
    shape: { type: 'list', item: { type: 'text', pattern: /^[^:]+:[^]+$/, expects: 'user:password' } },
    read: (written) => written,
    placeholder: '<user:password>',
    summary: 'Ask for this name and password; others on this machine can see it, so prefer --auth-file',
  },
  authFile: {
    group,
    shape: { type: 'path' },
    placeholder: '<file>',
    summary: 'Ask for a name and password from an htpasswd file (bcrypt, scrypt, $apr1$, {SHA})',
  },
  authRealm: { group, shape: fieldValue, placeholder: '<name>', summary: 'What the browser says it asks for' },
  auth: {
    group,
    only: 'file',
    isSecret: true,
    shape: {
      type: 'list',
      item: {
        type: 'object',
        members: {
          path: { shape: text, summary: 'the part of the site; all if left out' },
          methods: { shape: texts, summary: 'the methods that ask; all if left out' },
          realm: { shape: fieldValue, summary: 'what the browser says it asks for' },
          users: { shape: { type: 'map', value: text }, summary: 'name to hash (bcrypt, scrypt, $apr1$, {SHA})' },
          file: { shape: { type: 'path' }, summary: 'an htpasswd file' },
        },
      },
    },
    summary: 'Parts of the site that ask for a name and password',
  },
  trustedProxies: {
    group,
    flag: 'trusted-proxy',
    shape: { type: 'list', item: address },
    aliases: ['trusted-proxies'],
    placeholder: '<address>',
    summary: 'A proxy, or block such as 10.0.0.0/8, whose X-Forwarded-For and -Proto are believed',
  },
  forwardedField: {
    group,
    shape: { type: 'choice', values: ['x-forwarded-for', 'forwarded'] },
    default: 'x-forwarded-for',
    placeholder: '<name>',
    summary: 'Where trusted proxies name the client: x-forwarded-for, or forwarded (RFC 7239)',
  },
  proxyProtocol: {
    group,
    shape: { type: 'list', item: address },
    placeholder: '<address>',
    summary: 'A proxy, or block, whose connections begin with a PROXY protocol header (version 1 or 2)',
  },
  hosts: {
    group,
    shape: texts,
    aliases: ['allowed-hosts'],
    placeholder: '<names>',
    summary:
      'Host names that are answered (421 for others); * for any. Without it, a server that only this machine can reach answers for localhost and IP addresses',
  },
  serverField: {
    group,
    shape: { type: 'either', shapes: [flag, fieldValue] },
    default: true,
    off: false,
    placeholder: '<text>',
    summary: 'The Server field of every response',
  },
  serverName: {
    group,
    shape: { type: 'text', pattern: /^[\w.:[\]-]+$/, expects: 'a host name with an optional port' },
    placeholder: '<name>',
    summary: 'The host of requests that name none (HTTP/1.0)',
  },
  requestIdField: {
    group,
    shape: fieldName,
    placeholder: '<name>',
    summary: "A field that carries the request's id in every response, such as X-Request-Id",
  },
  simpleRequests: { group, shape: flag, default: true, bare: true, summary: 'Answer HTTP/0.9 requests' },
  methods: {
    group,
    shape: {
      type: 'list',
      item: { type: 'text', pattern: /^[\w!#$%&'*+.^`|~-]+$/, expects: 'the name of a method' },
    },
    aliases: ['method'],
    placeholder: '<names>',
    summary: 'Methods for scripts and applications beside the registered ones (GET to UNLINK, QUERY, WebDAV, CalDAV)',
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
