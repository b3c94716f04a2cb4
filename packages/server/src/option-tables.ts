// What the options of a server take: tables as the leaves have them, with those of the leaves inside.

import { cgiTable, gatewayTable, mountTable, phpTable } from '@onezero/cgi-process/options';
import { appTable, asgiTable, wsgiTable } from '@onezero/python/options';
import { webdavTable } from '@onezero/webdav/options';
import { type Members, type Shape, staticTable, type Table } from '@onezero/static/options';
import { proxyTable } from './call-tables.ts';
import { limitsTable } from './limits.ts';
import {
  addresses,
  anyText,
  callable,
  fieldName,
  fieldValue,
  file,
  flag,
  methodName,
  path,
  text,
  texts,
} from './option-shapes.ts';
import type { AuthRule, Method, Route, ServerOptions } from './options.ts';

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
  name: { shape: text, summary: 'the name, as it stands in requests', isRequired: true },
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

/** The root of the server is there already. */
const phpMountTable: Members = { ...phpTable, root: { ...phpTable.root, isRequired: false } };

/** One mount, several, or a text that stands for one. */
const mounts = (members: Members): Shape => {
  const mount: Shape = { type: 'object', members: { ...members, ...mountTable } };
  return { type: 'either', shapes: [text, mount, { type: 'list', item: mount }] };
};

/** The options of `createServer`. */
export const serverTable: Table<ServerOptions> = {
  root: {
    shape: file,
    summary: 'a document root served at /',
    alsoCalled: ['public', 'publicDir', 'directory', 'dir', 'folder', 'documentRoot', 'docroot', 'staticDir'],
  },
  static: { shape: { type: 'object', members: staticTable }, summary: 'how its files are served' },
  cgi: { shape: mounts(cgiTable), summary: 'scripts' },
  fastcgi: { shape: mounts(gatewayTable), summary: 'FastCGI servers' },
  scgi: { shape: mounts(gatewayTable), summary: 'SCGI servers' },
  php: { shape: { type: 'either', shapes: [flag, mounts(phpMountTable)] }, summary: 'PHP below the root' },
  wsgi: { shape: mounts(wsgiTable), summary: 'WSGI applications' },
  asgi: { shape: mounts(asgiTable), summary: 'ASGI applications' },
  app: { shape: mounts(appTable), summary: 'Python applications' },
  internal: {
    shape: { type: 'map', key: /^\//, expects: 'a path that begins with /', value: file },
    summary: 'folders that applications may have files sent from, by their path in X-Accel-Redirect',
  },
  proxy: { shape: mounts(proxyTable), summary: 'HTTP servers that requests are passed on to' },
  webdav: { shape: mounts(webdavTable), summary: 'folders over WebDAV' },
  live: {
    shape: { type: 'either', shapes: [flag, texts] },
    summary: 'reload pages when files change',
    default: false,
    alsoCalled: ['watch', 'liveReload', 'livereload', 'reload', 'hot', 'hmr'],
  },
  base: {
    shape: path,
    summary: 'the path below which everything is served',
    default: '/',
    alsoCalled: ['basePath', 'baseUrl', 'baseURL', 'prefix', 'mount'],
  },
  routes: {
    shape: {
      type: 'list',
      item: { type: 'object', members: routeTable },
      expects: 'a list of routes such as [{ path, responder }]',
    },
    summary: 'responders by path, host and method',
    alsoCalled: ['middleware', 'middlewares', 'handlers', 'handler', 'responder', 'router', 'use'],
  },
  methods: {
    shape: {
      type: 'list',
      item: {
        type: 'either',
        shapes: [methodName, { type: 'object', members: methodTable }],
      },
    },
    summary:
      'more methods to pass to scripts and applications, beside the registered ones (GET to UNLINK, QUERY, WebDAV, CalDAV)',
  },
  auth: {
    shape: { type: 'list', item: { type: 'object', members: authTable } },
    summary: 'parts that ask for a name and password',
  },
  onError: {
    shape: callable('a function that sees failures'),
    summary: 'sees failures',
    alsoCalled: ['errorHandler', 'error'],
  },
  reportErrors: { shape: flag, summary: 'whether failures go to standard error', default: true },
  errorPages: {
    shape: {
      type: 'map',
      key: /^(?:[45]\d\d|[45]xx|default)$/,
      expects: 'a status such as 404, a class such as 5xx, or default',
      value: pageShape,
    },
    summary: 'pages by status',
    alsoCalled: ['notFound', 'pages'],
  },
  fields: {
    shape: {
      type: 'either',
      shapes: [
        {
          type: 'list',
          item: { type: 'list', item: anyText, minimum: 1 },
          expects: "a list such as [['name', 'value']]",
        },
        callable('a function that returns one'),
      ],
    },
    summary: 'for every response',
    alsoCalled: ['headers', 'setHeaders', 'header'],
  },
  limits: { shape: { type: 'object', members: limitsTable }, summary: 'what one client can cost' },
  serverField: {
    shape: { type: 'either', shapes: [fieldValue, { type: 'choice', values: [false] }] },
    summary: 'the Server field of every response',
    default: 'onezero',
  },
  serverName: {
    shape: { type: 'text', pattern: /^[\w.:[\]-]+$/, expects: 'a host name with an optional port' },
    summary: 'the host name of requests without a Host field (HTTP/1.0)',
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
    summary: 'add the id of the request to every response, in this field, such as X-Request-Id',
  },
  accessLog: {
    shape: callable('a function that gets an entry for each response'),
    summary: 'sees responses',
    alsoCalled: ['log', 'logger', 'logging', 'onRequest', 'onResponse'],
  },
  simpleRequests: { shape: flag, summary: 'answer HTTP/0.9 requests', default: true },
};
