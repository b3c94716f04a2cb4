// What the options of a server take: tables as the leaves have them, with those of the leaves inside.

import { cgiTable, gatewayTable, mountTable, phpTable } from '@onezero/cgi-process/options';
import { appTable, asgiTable, wsgiTable } from '@onezero/python/options';
import { webdavTable } from '@onezero/webdav/options';
import { type Members, type Shape, staticTable, type Table } from '@onezero/static/options';
import type {
  AuthRule,
  Listener,
  Method,
  NamedCertificate,
  Question,
  Route,
  ServerOptions,
  StopOptions,
  TlsOptions,
} from './options.ts';
import type { ProxyOptions } from './proxy/proxy.ts';
import type { AccessLogOptions } from './operations/access-log.ts';
import type { CertificateFiles, CertificateWatch } from './operations/tls.ts';
import { limitsTable } from './limits.ts';
import type { WorkersOptions } from './operations/worker-group.ts';

const text: Shape = { type: 'text' };
const anyText: Shape = { type: 'text', pattern: /^/ };
const texts: Shape = { type: 'list', item: text };
const flag: Shape = { type: 'boolean' };
const path: Shape = { type: 'text', pattern: /^\//, expects: 'a path that begins with /' };
const file: Shape = { type: 'path' };
const token = /^[\w!#$%&'*+.^`|~-]+$/;
const fieldName: Shape = { type: 'text', pattern: token, expects: 'the name of a field' };
const fieldValue: Shape = { type: 'text', pattern: /^[^\r\n\0]*$/, expects: 'a value on one line' };
const methodName: Shape = { type: 'text', pattern: token, expects: 'the name of a method' };
const addresses: Shape = {
  type: 'list',
  item: {
    type: 'text',
    pattern: /^(?:unix|[\da-fA-F.:]+(?:\/\d{1,3})?)$/,
    expects: 'an address, a CIDR block or "unix"',
  },
};
const callable = (expects: string): Shape => ({ type: 'function', expects });

const routeTable: Table<Route> = {
  name: { shape: text, summary: 'what explain calls it' },
  path: { shape: path, summary: 'a prefix that matches on segment edges', default: '/' },
  host: { shape: anyText, summary: 'only requests for this host' },
  methods: { shape: texts, summary: 'the methods that it takes' },
  responder: {
    shape: callable('a function that answers requests'),
    summary: 'answers',
    isRequired: true,
    alsoCalled: ['handler', 'handle', 'fetch', 'app'],
  },
  fallThrough: { shape: flag, summary: 'whether the next route is asked for what this has not', default: false },
};

const methodTable: Table<Method> = {
  name: { shape: text, summary: 'as it stands in requests', isRequired: true },
  safe: { shape: flag, summary: 'whether it only reads', isRequired: true },
  idempotent: { shape: flag, summary: 'whether repeating it changes nothing more', isRequired: true },
  content: {
    shape: { type: 'choice', values: ['none', 'optional', 'required'] },
    summary: 'whether content has a meaning',
    isRequired: true,
  },
};

const authTable: Table<AuthRule> = {
  path: { shape: path, summary: 'what it protects', default: '/' },
  methods: { shape: texts, summary: 'the methods that it protects' },
  realm: { shape: anyText, summary: 'what is asked for', default: 'onezero' },
  users: {
    shape: {
      type: 'either',
      shapes: [{ type: 'map', value: text }, callable('a map of names to hashes, { file }, or a function')],
    },
    summary: 'who is let in',
    isRequired: true,
  },
};

const pageShape: Shape = {
  type: 'either',
  shapes: [
    {
      type: 'object',
      members: { file: { shape: file, summary: 'read' }, template: { shape: anyText, summary: 'filled in' } },
    },
    callable('a responder'),
  ],
};

const pem: Shape = {
  type: 'text',
  pattern: /-----BEGIN /,
  expects: 'PEM text (of files, readCertificate({ cert, key }) makes it)',
};

const namedCertificateTable: Table<NamedCertificate> = {
  cert: { shape: pem, summary: 'the certificate chain as PEM text', isRequired: true },
  key: { shape: pem, summary: 'its key as PEM text', isRequired: true },
  passphrase: { shape: anyText, summary: 'of the key' },
  hosts: { shape: texts, summary: 'the hosts that it is for' },
};

const tlsTable: Table<TlsOptions> = {
  cert: { shape: pem, summary: 'the certificate chain as PEM text', isRequired: true },
  key: { shape: pem, summary: 'its key as PEM text', isRequired: true },
  passphrase: { shape: anyText, summary: 'of the key' },
  minVersion: {
    shape: { type: 'choice', values: ['TLSv1.2', 'TLSv1.3'] },
    summary: 'the oldest version that is spoken',
  },
  ciphers: { shape: text, summary: 'cipher suites in the notation of OpenSSL' },
  others: {
    shape: { type: 'list', item: { type: 'object', members: namedCertificateTable } },
    summary: 'certificates for other hosts',
  },
};

/** The options of `accessLog`. */
export const accessLogTable: Table<AccessLogOptions> = {
  format: {
    shape: { type: 'choice', values: ['dev', 'common', 'combined', 'json'] },
    summary: 'the form of a line',
    default: 'combined',
  },
  file: { shape: file, summary: 'appended to', alsoCalled: ['path'] },
  write: { shape: callable('a function that takes a line'), summary: 'takes each line' },
  onError: { shape: callable('a function that takes an error'), summary: 'learns that lines are lost' },
  useColor: { shape: flag, summary: 'whether dev colours the status', default: false },
};

/** Where `listen` listens. */
export const listenerTable: Table<Listener> = {
  port: { shape: { type: 'integer', minimum: 0, maximum: 65_535 }, summary: 'the port', default: 8080 },
  host: { shape: text, summary: 'the name or address', default: 'localhost' },
  socket: { shape: file, summary: 'a Unix socket' },
  fd: {
    shape: {
      type: 'either',
      shapes: [
        { type: 'integer', minimum: 0 },
        { type: 'list', item: { type: 'integer', minimum: 0 }, minimum: 1 },
      ],
    },
    summary: 'sockets that are bound already',
  },
  tls: { shape: { type: 'object', members: tlsTable }, summary: 'the certificate' },
};

/** The options of `startWorkers`. */
export const workersTable: Table<WorkersOptions> = {
  module: {
    shape: {
      type: 'either',
      shapes: [
        { type: 'text', pattern: /^(?:\/|file:|[A-Za-z]:\\)/, expects: 'an absolute path' },
        { type: 'instance', name: 'URL' },
      ],
    },
    summary: 'the module whose default export makes the server',
    isRequired: true,
  },
  count: {
    shape: { type: 'integer', minimum: 1, maximum: 1024 },
    summary: 'how many workers there are',
    alsoCalled: ['workers', 'processes'],
  },
  listen: {
    shape: {
      type: 'either',
      shapes: [
        { type: 'integer', minimum: 0, maximum: 65_535 },
        { type: 'object', members: listenerTable },
        { type: 'list', item: { type: 'object', members: listenerTable }, minimum: 1 },
      ],
    },
    summary: 'where they accept connections',
  },
  report: { shape: callable('a function that takes a line'), summary: 'receives a line about each worker that ended' },
};

/** The options of `proxyResponder`. */
export const proxyTable: Table<ProxyOptions> = {
  target: { shape: text, summary: 'the upstream, such as http://localhost:3000', isRequired: true },
  host: { shape: { type: 'choice', values: ['client', 'upstream'] }, summary: 'which Host field the upstream gets' },
  connectTimeoutMs: { shape: { type: 'integer', minimum: 1 }, summary: 'for a connection', default: 10_000 },
};

/** The root of the server is there already. */
const phpMountTable: Members = { ...phpTable, root: { ...phpTable.root, isRequired: false } };

/** One mount, several, or a text that stands for one. */
const mounts = (members: Members): Shape => {
  const mount: Shape = { type: 'object', members: { ...members, ...mountTable } };
  return { type: 'either', shapes: [text, mount, { type: 'list', item: mount }] };
};

/** What `close` takes. */
export const stopTable: Table<StopOptions> = {
  graceMs: {
    shape: { type: 'duration', unit: 'milliseconds', isUnlimited: true },
    summary: 'for answers under way',
    alsoCalled: ['timeout'],
  },
  drainDelayMs: {
    shape: { type: 'duration', unit: 'milliseconds', isUnlimited: true },
    summary: 'in which connections are still accepted',
  },
};

/** What `explain` takes. */
export const questionTable: Table<Question> = {
  target: { shape: text, summary: 'as in a request line', isRequired: true, alsoCalled: ['path', 'url'] },
  method: { shape: methodName, summary: 'the method', default: 'GET' },
};

/** What `readCertificate` takes; with hosts where there are several. */
export const certificateFilesTable: Table<CertificateFiles & { readonly hosts?: readonly string[] | undefined }> = {
  cert: { shape: file, summary: 'the certificate chain in PEM form', isRequired: true },
  key: { shape: file, summary: 'its private key in PEM form', isRequired: true },
  passphraseFile: { shape: file, summary: 'holds the passphrase of the key', alsoCalled: ['passphrase'] },
  hosts: { shape: texts, summary: 'the hosts that it is for' },
};

/** What `watchCertificate` takes. */
export const certificateWatchTable: Table<CertificateWatch> = {
  onChange: { shape: callable('a function that takes the certificate'), summary: 'uses it', isRequired: true },
  onError: { shape: callable('a function that takes an error'), summary: 'sees what is wrong', isRequired: true },
  intervalMs: { shape: { type: 'integer', minimum: 1 }, summary: 'between two looks', default: 2000 },
  since: { shape: anyText, summary: 'the state of the files when they were last read' },
};

/** The options of `createServer`. */
export const serverTable: Table<ServerOptions> = {
  root: { shape: file, summary: 'a document root served at /' },
  static: { shape: { type: 'object', members: staticTable }, summary: 'how its files are served' },
  cgi: { shape: mounts(cgiTable), summary: 'scripts' },
  fastcgi: { shape: mounts(gatewayTable), summary: 'FastCGI servers' },
  scgi: { shape: mounts(gatewayTable), summary: 'SCGI servers' },
  php: { shape: { type: 'either', shapes: [flag, mounts(phpMountTable)] }, summary: 'PHP below the root' },
  wsgi: { shape: mounts(wsgiTable), summary: 'WSGI applications' },
  asgi: { shape: mounts(asgiTable), summary: 'ASGI applications' },
  app: { shape: mounts(appTable), summary: 'Python applications' },
  proxy: { shape: mounts(proxyTable), summary: 'HTTP servers that requests are passed on to' },
  webdav: { shape: mounts(webdavTable), summary: 'folders over WebDAV' },
  routes: {
    shape: {
      type: 'list',
      item: { type: 'object', members: routeTable },
      expects: 'a list of routes such as [{ path, responder }]',
    },
    summary: 'responders by path, host and method',
  },
  methods: {
    shape: {
      type: 'list',
      item: {
        type: 'either',
        shapes: [methodName, { type: 'object', members: methodTable }],
      },
    },
    summary: 'methods for scripts and applications beside the registered ones (GET to UNLINK, QUERY, WebDAV, CalDAV)',
  },
  auth: {
    shape: { type: 'list', item: { type: 'object', members: authTable } },
    summary: 'parts that ask for a name and password',
  },
  onError: { shape: callable('a function that sees failures'), summary: 'sees failures' },
  reportErrors: { shape: flag, summary: 'whether failures go to standard error', default: true },
  errorPages: {
    shape: {
      type: 'map',
      key: /^(?:[45]\d\d|[45]xx|default)$/,
      expects: 'a status such as 404, a class such as 5xx, or default',
      value: pageShape,
    },
    summary: 'pages by status',
  },
  fields: {
    shape: {
      type: 'list',
      item: { type: 'list', item: anyText, minimum: 1 },
      expects: "a list such as [['name', 'value']]",
    },
    summary: 'for every response',
  },
  limits: { shape: { type: 'object', members: limitsTable }, summary: 'what one client can cost' },
  serverField: {
    shape: { type: 'either', shapes: [fieldValue, { type: 'choice', values: [false] }] },
    summary: 'the Server field of every response',
    default: 'onezero',
  },
  serverName: {
    shape: { type: 'text', pattern: /^[\w.:[\]-]+$/, expects: 'a host name with an optional port' },
    summary: 'the host of requests that name none (HTTP/1.0)',
  },
  trustedProxies: {
    shape: addresses,
    summary: 'a proxy, or block such as 10.0.0.0/8, whose X-Forwarded-For and -Proto are believed',
  },
  forwardedField: {
    shape: { type: 'choice', values: ['x-forwarded-for', 'forwarded'] },
    summary: 'where trusted proxies name the client: x-forwarded-for, or forwarded (RFC 7239)',
    default: 'x-forwarded-for',
  },
  proxyProtocol: {
    shape: addresses,
    summary: 'a proxy, or block, whose connections begin with a PROXY protocol header (version 1 or 2)',
  },
  hosts: {
    shape: {
      type: 'either',
      shapes: [
        { type: 'choice', values: ['local'] },
        { type: 'list', item: anyText },
      ],
    },
    summary: 'hosts that are answered',
  },
  requestIdField: {
    shape: fieldName,
    summary: "a field that carries the request's id in every response, such as X-Request-Id",
  },
  accessLog: { shape: callable('a function that gets an entry for each response'), summary: 'sees responses' },
  simpleRequests: { shape: flag, summary: 'answer HTTP/0.9 requests', default: true },
};
