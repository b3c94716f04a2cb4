// The listing in docs/layout.md: every room with what was drawn for it, what it holds today, and why they differ.
// `node docs/api.mjs` writes it with the reference, so a file that comes or goes shows in the same commit.
//
// Names are as in the drawing; one that only got another name stands under the name it has now. A room that differs and has
// no reason here is an error, and so is a reason for a room that is gone or is as drawn.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '../packages');

/** For each room: `[what was drawn, or undefined for a room that was not drawn, why it differs]`. */
const DRAWING = {
  'http-parser': {
    '.': [
      `chunked content-reader content-writer field-lines framing grammar head-memo index limits message native parse-error
       reason-phrases receive-buffer request-head request-line request-parser request-writer response-head response-parser
       response-writer scan serialize-head serializer status-line target trailers`,
      '`nearest` finds the option that a misspelt one means; no leaf imports another, so each has it',
    ],
  },
  static: {
    '.': [
      'index fetch node serve-static answer-file message canonical-path plain-page options',
      'the table of options is an entry, which the command loads without the rest; `tree` is the entry for WebDAV; a digest and a refusal are made in one place each',
    ],
    adapters: [
      undefined,
      'both adapters share how a request is read and a response written; `fetch` and `node` are entries above it',
    ],
    files: [
      'path open-file open-directory find-entry read-file representation entry file-cache file-content content-from-disk coded-content',
      'pages are lent from memory that connections share, storage that is slow is asked through the pool, and secrets are never opened: each is a part with a test',
    ],
    http: [
      'range preconditions validators content-coding content-type http-date request-fields',
      'digests of content came; multipart ranges and the registered types are tables of their own',
    ],
    listing: [
      'answer-directory entries page query style',
      'a large folder is read, sorted and written in slices, or sent as zip or tar; `entries` became `folders`, `members` and `names`',
    ],
    options: [
      'settings checks globs node-options',
      'the shapes of options are data and the checker interprets them; hundreds of globs have an index',
    ],
    site: ['rules cors expires location', 'what a site has where nothing is, was the order of steps, and is a part'],
    writing: [
      'write-file partial-file quota write-refusal',
      'several processes may write one folder: they share the quota, take turns, and sweep what a killed one left; a partial file is a `work-folder`',
    ],
  },
  webdav: {
    '.': [undefined, 'the package came later'],
    adapters: [undefined, 'as in `static`'],
    methods: [undefined, 'one file for each method, or two methods that are one'],
    protocol: [undefined, 'the fields and bodies of RFC 4918, pure'],
    store: [undefined, 'properties and locks beside the files'],
    xml: [undefined, 'a reader and a writer for what clients send'],
  },
  'cgi-process': {
    '.': [
      'index fetch node cgi options message cgi-error byte-string',
      'FastCGI and PHP are entries; the queue is fair between clients, and what scripts and gateways both need (`script-runner`, `timer`) stands here',
    ],
    adapters: [
      undefined,
      'both adapters share the way from a request to a mount; `fetch` and `node` are entries above it',
    ],
    answer: [
      'script-header finished-answer streamed-answer script-output stderr running-scripts',
      'reading of output and of lines stay files of their own, with tests; a script’s answer may become 304',
    ],
    fastcgi: [undefined, 'the protocol came later, beside scripts: it reads answers as they do'],
    options: [undefined, 'the interpreter of the table of options, and what names the nearest one'],
    php: [undefined, 'a PHP that the server starts and keeps'],
    process: [
      'unix-process process-options process-error launch launch-directly fifo-directory leftovers fifo-streams',
      'sessions and what owns a child are needed without shells, so `session` stands here; a program is looked at before it is started',
    ],
    request: [
      'find-script mounted-path meta-variables run-plan run-queue spool',
      'the spool is a room below, for Python too; `explain` asks the same room; sources of scripts are kept from being sent; refusals and the reading of a path are pure parts',
    ],
    spawner: [
      'spawner shell run command-line exit-status status-pipe guard reused-pipe streamed-pipe streamed-input session pipe-holders large-outputs',
      'pipes belong to every child and went to `process`; shells are ended before descriptors run out',
    ],
    spool: [undefined, 'was one file of `request`; answers wait in the same files as requests, and `python` uses them'],
  },
  python: {
    '.': [
      undefined,
      'drawn without files, as the vocabulary that WSGI and ASGI share; which of both an application is decides the options',
    ],
    asgi: [undefined, 'drawn without files: the protocol of one event loop'],
    content: [undefined, 'content that waits is the same for both interfaces'],
    exchange: [undefined, 'one request, and the records of it, are the same for both interfaces'],
    workers: [undefined, 'drawn without files: who runs an application'],
    wsgi: [undefined, 'drawn without files: one thread for each request'],
  },
  server: {
    '.': [
      'index server compose options limits methods warn-once version',
      '`version` is one of the `installed-files`; tables of options, checks and documents of them stand beside the options; `create-server` knows the leaves, so that the command loads only those it needs',
    ],
    'command-line': ['bin command', ''],
    'command-line/commands': [
      'serve check explain print-config help',
      'completions, the manual page, `recipe` and `compress` came; `explain` asks the responders with a request of its own',
    ],
    'command-line/configuration': [
      'arguments config-file json-with-comments configuration inspection script-inspection',
      'sources, habits of other servers, and a configuration that is only found are parts with rules of their own',
    ],
    'command-line/options': [
      'option table value suggestion json-schema shapes serving files representations access listening operations limits cgi wsgi',
      'tables follow the subjects of `--help`: scripts are `mounts`, WSGI and ASGI are `python`; shapes come from the leaves; `suggestion` is needed by the library and stands at the top',
    ],
    'command-line/recipes': [undefined, 'configurations for what stands around the server'],
    'command-line/running': [
      'server-options to-options generation listeners running worker announce banner signals report',
      'static options and mounts have cases of their own beside the generic `to-options`; start, systemd, certificates of our own making and the young heap are steps of a start with tests',
    ],
    connection: [
      'connection answering exchange read-request complete content-sender remembered request-content output deadlines clock service turned-away',
      'time-outs, holds, probes, tunnels and lent pages are parts with tests; `connection` joins them',
    ],
    live: [undefined, 'reload of pages in the browser came later'],
    message: [
      'message request fields canonical-path content',
      'what responders return is checked in one place, `whole-response`; which failure is which status in another',
    ],
    operations: [
      'access-log-format access-log line-writer metrics tls worker-messages workers',
      'certificates, metrics and workers became public: a program has them as the command does',
    ],
    proxy: [undefined, 'upstreams came later'],
    responders: [
      'fetch node node-exchange application-target',
      '`node` was to hold `unannounced-trailers`, which its exchange needs too; an application of Node plays on a connection that is not one: the request is a part of its own',
    ],
    routing: [
      'accept basic-auth default-page error-pages explain failures host htpasswd local-redirect password-hash prefix routes site',
      'passwords are checked in a thread and failed logins counted; local names, writes and files of the server itself are guarded here',
    ],
    transport: [
      'transport handle-transport handle socket-transport listening accept-queues handshakes ends forwarded',
      'the PROXY protocol, certificates for each host, handed-over sockets and requests in memory came',
    ],
  },
};

/** The rooms of a package that hold modules, `.` first. */
function roomsOf(name) {
  const source = join(packages, name, 'src');
  const files = readdirSync(source, { recursive: true }).filter((file) => file.endsWith('.ts'));
  const rooms = new Map();
  for (const file of files.toSorted((a, b) => (a < b ? -1 : 1))) {
    const at = file.lastIndexOf('/');
    const room = at === -1 ? '.' : file.slice(0, at);
    rooms.set(room, [...(rooms.get(room) ?? []), file.slice(at + 1, -'.ts'.length)]);
  }
  return new Map([...rooms].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const listed = (names) => names.map((name) => `\`${name}\``).join(' ');

/** One row of the listing. */
function row(name, room, files) {
  const [drawing, reason] = DRAWING[name]?.[room] ?? [];
  const place = `packages/${name}/src/${room}`;
  if (reason === undefined) throw new Error(`${place} has no row in docs/layout.mjs`);
  const drawn = drawing?.split(/\s+/) ?? [];
  const beyond = files.filter((file) => !drawn.includes(file));
  const missing = drawn.filter((file) => !files.includes(file));
  const isAsDrawn = drawing !== undefined && beyond.length + missing.length === 0;
  if (isAsDrawn !== (reason === ''))
    throw new Error(`${place}: ${isAsDrawn ? 'as drawn' : 'differs'}; mend docs/layout.mjs`);
  const kept = files.filter((file) => drawn.includes(file));
  const counts = `${drawing === undefined ? '–' : drawn.length} → ${files.length}`;
  return `| ${room === '.' ? 'top' : `\`${room}\``} | ${counts} | ${listed(kept)} | ${listed(beyond)} | ${listed(missing)} | ${reason} |`;
}

/** The listing of all packages, as Markdown. */
function listing() {
  const lines = [];
  for (const [name, drawing] of Object.entries(DRAWING)) {
    const rooms = roomsOf(name);
    const gone = Object.keys(drawing).find((room) => !rooms.has(room));
    if (gone !== undefined) throw new Error(`docs/layout.mjs has a row for ${name}/src/${gone}, which is gone`);
    lines.push(
      `### ${name}`,
      '',
      '| room | drawn → is | as drawn | beyond the drawing | not there | because |',
      '|---|---|---|---|---|---|',
    );
    for (const [room, files] of rooms) lines.push(row(name, room, files));
    lines.push('');
  }
  return lines.join('\n').trim();
}

const START = '<!-- what follows is written by docs/layout.mjs -->';
const END = '<!-- end of what is written by docs/layout.mjs -->';

/** docs/layout.md with its listing as the tree is now. */
export function layoutPage() {
  const text = readFileSync(join(import.meta.dirname, 'layout.md'), 'utf8');
  const [before, rest = ''] = text.split(START);
  const after = rest.split(END)[1];
  if (after === undefined) throw new Error('docs/layout.md has lost the place of its listing');
  return `${before}${START}\n\n${listing()}\n\n${END}${after}`;
}
