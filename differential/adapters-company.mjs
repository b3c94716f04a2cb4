// Random company for a handler of static files: middleware in front of it and behind it, mounts, options, and requests.

import compression from 'compression';
import fallback from 'connect-history-api-fallback';
import cors from 'cors';
import express from 'express';

const OTHER_DATE = 'Tue, 03 Feb 2026 01:02:03 GMT';

/** Options that both packages take under one name. */
export function randomOptions(random) {
  const options = {};
  const maybe = (name, share, ...values) => {
    if (random.chance(share)) options[name] = random.pick(values);
  };
  maybe('index', 0.2, false, ['index.html'], 'index.html', ['none.html', 'index.html']);
  maybe('extensions', 0.2, ['html'], ['txt', 'html'], false);
  maybe('redirect', 0.2, false, true);
  maybe('maxAge', 0.7, '1d', 3_600_000, '2 hours', Infinity, 1500);
  maybe('immutable', 0.2, true);
  maybe('lastModified', 0.1, false);
  maybe('acceptRanges', 0.1, false);
  maybe('cacheControl', 0.1, false);
  maybe('dotfiles', 0.2, 'ignore', 'allow');
  if (random.chance(0.2)) {
    options.setHeaders = (response, path, stats) => {
      response.setHeader('X-File', `${path.slice(path.lastIndexOf('/') + 1).length} ${stats.size}`);
      response.setHeader('Cache-Control', 'public, max-age=7');
    };
  }
  return options;
}

/** Each makes middleware to stand in front; `name` is for reports. */
const IN_FRONT = [
  { name: 'compression', make: () => compression() },
  { name: 'compression of all', make: () => compression({ threshold: 0 }) },
  { name: 'cors with an origin', make: () => cors({ origin: 'https://a.test' }) },
  {
    name: 'cors with a list',
    make: () => cors({ origin: ['https://a.test', 'https://b.test'], preflightContinue: true }),
  },
  { name: 'history fallback', make: () => fallback() },
  {
    name: 'fallback for dots',
    make: () => fallback({ disableDotRule: true, htmlAcceptHeaders: ['text/html', '*/*'] }),
  },
  {
    name: 'a prefix rewritten',
    make: () => (request, _response, next) => {
      request.url = request.url.replace(/^\/r(?=\/)/, '');
      next();
    },
  },
  {
    name: 'a hash taken out of names',
    make: () => (request, _response, next) => {
      request.url = request.url.replace(/\.h[0-9a-f]{4}(?=\.\w+(?:\?|$))/, '');
      next();
    },
  },
  {
    name: 'a query cut off',
    make: () => (request, _response, next) => {
      request.url = request.url.replace(/\?.*/, '');
      next();
    },
  },
  { name: 'private caching', make: () => setting({ 'Cache-Control': 'private, no-store' }) },
  { name: 'a type of its own', make: () => setting({ 'Content-Type': 'text/x-own' }) },
  { name: 'a tag of its own', make: () => setting({ ETag: '"own"' }) },
  { name: 'a date of its own', make: () => setting({ 'Last-Modified': OTHER_DATE }) },
  { name: 'Vary', make: () => setting({ Vary: 'Cookie', 'X-Own': '1' }) },
  { name: 'Vary on all', make: () => setting({ Vary: '*' }) },
  {
    name: 'a status of its own',
    make: () => (_request, response, next) => {
      response.statusCode = 404;
      next();
    },
  },
  {
    name: 'conditions taken off',
    make: () => (request, _response, next) => {
      for (const name of ['if-none-match', 'if-modified-since', 'range']) delete request.headers[name];
      next();
    },
  },
];

function setting(fields) {
  return (_request, response, next) => {
    for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
    next();
  };
}

/**
 * What stands around one handler: the same for both, made twice.
 *
 * @returns {{ names: string[], mount: string, isFinal: boolean, build(handler: any): import('express').Express }}
 */
export function randomCompany(random) {
  const inFront = random.shuffle(random.some(IN_FRONT, random.pick([0, 0.08, 0.2])));
  const mount = random.pick(['/', '/', '/m', '/my%20app', '/caf%C3%A9/deep']);
  const isNested = random.chance(0.2);
  const isFinal = random.chance(0.2);
  return {
    names: inFront.map(({ name }) => name),
    mount,
    isFinal,
    build(handler) {
      const app = express();
      app.disable('x-powered-by');
      const files = express.Router();
      for (const { make } of inFront) files.use(make());
      files.use(handler);
      const outer = isNested ? express.Router().use('/', files) : files;
      // Express matches mounts against the decoded path.
      app.use(decodeURI(mount), outer);
      app.all('/*rest', (request, response) =>
        response.status(299).send(`next ${request.method} ${request.originalUrl}`),
      );
      app.use((error, _request, response, _next) => response.status(598).send(`error ${error.status ?? ''}`));
      return app;
    },
  };
}

/** Turns a request for a file into one through the company: mounted, with a prefix, a hash, an origin, another method. */
export function inCompany(random, request, { mount }) {
  const fields = [...request.fields];
  let { target, method } = request;
  if (random.chance(0.15)) target = `/r${target}`;
  if (random.chance(0.1)) target = target.replace(/\.(\w+)$/, '.h12ab.$1');
  if (random.chance(0.1)) target = `/deep/link${random.int(1, 9)}`;
  if (random.chance(0.03)) target = random.pick(['/%ff', '/a%00b', '/%2e%2e/x', '/..%2fx', '/.env', '/.well-known/x']);
  if (random.chance(0.3)) fields.push(['Origin', random.pick(['https://a.test', 'https://b.test', 'https://c.test'])]);
  if (random.chance(0.3)) fields.push(['Accept', random.pick(['text/html', '*/*', 'text/html,application/xhtml+xml'])]);
  if (random.chance(0.1)) method = random.pick(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);
  if (method === 'OPTIONS' && random.chance(0.5)) {
    fields.push(['Access-Control-Request-Method', random.pick(['GET', 'POST'])]);
  }
  const prefix = mount === '/' ? '' : mount;
  return { ...request, method, fields, target: random.chance(0.03) ? prefix || '/' : prefix + target };
}
