// What grows: how many different things are asked for, how many rules there are, how many clients. Each case is a Lua script
// for wrk, or a plain path, and says how the servers are told of it.

import { FOLDERS, PAGES_PER_FOLDER } from './site.mjs';

const MANY = 1000;

/** A wrk script whose requests are made by `body`, Lua that returns a path (and header fields). */
const script = (body) => `math.randomseed(7)
local number = 0
request = function()
  number = number + 1
  ${body}
end
`;

/** Uniformly random pages out of the first `pages`. */
const randomPage = (pages) =>
  script(`local page = math.random(0, ${pages} - 1)
  return wrk.format("GET", string.format("/d%03d/p%03d.html", math.floor(page / ${PAGES_PER_FOLDER}), page % ${PAGES_PER_FOLDER}))`);

const numbers = Array.from({ length: MANY }, (_, number) => number);

/**
 * `{ name, path | lua, fields, connections, failure, newConnections, secure, onezero, nginx, slow, seconds }`, in order. `seconds`
 * is the least that a burst takes: some servers need as long for their first answers. `warm`: how many seconds of load come before
 * the first measured one, so that most pages have been asked for once.
 */
export const CASES = [
  { name: 'one file of 1 KiB', path: '/1k.bin' },
  { name: '1,000 pages', lua: randomPage(1000) },
  { name: '10,000 pages', lua: randomPage(10_000), warm: 3 },
  { name: '100,000 pages', lua: randomPage(FOLDERS * PAGES_PER_FOLDER), warm: 5 },
  {
    name: '100,000 pages, gzip or br',
    lua: randomPage(FOLDERS * PAGES_PER_FOLDER),
    fields: ['Accept-Encoding: gzip, br'],
    warm: 5,
    nginx: { http: 'gzip on; gzip_types text/html text/css;' },
  },
  {
    name: 'a new missing path each time',
    lua: script(`return wrk.format("GET", "/d001/none" .. number .. ".html")`),
    failure: true,
  },
  { name: 'listing of 500 files', path: '/d001/', nginx: { server: 'autoindex on;' } },
  {
    name: 'listing of 100,000 files',
    path: '/flat/',
    nginx: { server: 'autoindex on;' },
    connections: 2,
    slow: true,
    seconds: 10,
  },
  {
    name: '1,000 hosts',
    lua: script(`return wrk.format("GET", "/1k.bin", { Host = "h" .. math.random(0, ${MANY - 1}) .. ".example" })`),
    onezero: (root) => ({ sites: numbers.map((number) => ({ host: `h${number}.example`, root })) }),
    nginx: {
      more: (root, listen) =>
        numbers.map((number) => `server { ${listen} server_name h${number}.example; root ${root}; }`).join('\n'),
    },
  },
  {
    name: '1,000 mounts',
    lua: script(`return wrk.format("GET", "/m" .. math.random(0, ${MANY - 1}) .. "/1k.bin")`),
    onezero: (root) => ({ sites: numbers.map((number) => ({ path: `/m${number}`, root })) }),
    nginx: {
      inServer: (root) => numbers.map((number) => `location /m${number}/ { alias ${root}/; }`).join('\n'),
    },
  },
  {
    name: '1,000 header rules',
    lua: randomPage(1000),
    onezero: () => ({
      headers: numbers.map((number) => ({ glob: `/r${number}/**`, fields: { 'X-Rule': String(number) } })),
    }),
    nginx: {
      inServer: () => numbers.map((number) => `location /r${number}/ { add_header X-Rule ${number}; }`).join('\n'),
    },
  },
  { name: '10,000 connections in turn', path: '/1k.bin', connections: 10_000, slow: true, seconds: 15 },
  {
    name: '100,000 different heads',
    lua: script(`return wrk.format("GET", "/1k.bin", { ["X-Id"] = tostring(math.random(0, 99999)) })`),
  },
  { name: 'HTTP/1.0, a connection each', path: '/1k.bin', newConnections: true },
  { name: 'TLS', path: '/1k.bin', secure: true },
];
