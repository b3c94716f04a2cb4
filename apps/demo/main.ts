// The tour: everything the server promises, in one program. Start it, open its URL, and read along.
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, fetchResponder, type Server } from '@onezero/server';
import { serveStatic } from '@onezero/static';
import { api } from './parts/api.ts';
import { draftIn } from './parts/draft.ts';
import { explainer } from './parts/explain.ts';
import { listenNear, stopOnSignal } from './parts/listen.ts';
import { answerLive, count } from './parts/live.ts';
import { phpIn } from './parts/php.ts';
import { answerShelf, PURGE } from './parts/shelf.ts';
import { tour } from './parts/tour.ts';

const here = join(import.meta.dirname, '..'); // the pages, the scripts and the Python application
const scratch = mkdtempSync(join(tmpdir(), 'onezero-tour-')); // what visitors write; it goes when the tour ends
const [uploads, drafts, drive] = [join(scratch, 'uploads'), join(scratch, 'drafts'), join(scratch, 'drive')];
for (const folder of [uploads, drafts, drive]) mkdirSync(folder);
const { php, files: besidePhp } = phpIn(join(here, 'php'), '/php');
const sandboxed = { glob: '**', fields: { 'content-security-policy': 'sandbox' } }; // shown, never run
const uploadRules = { writable: { quotaBytes: 100e6 }, listing: { archives: true }, fieldRules: [sandboxed] };
const page = (name: string) => ({ template: readFileSync(join(here, 'errors', name), 'utf8') });
const textOf = (error: unknown) => (error instanceof Error ? error.message : '');

const server: Server = createServer({
  root: join(here, 'htdocs'),
  static: { listing: true },
  cgi: { path: '/cgi-bin', directory: join(here, 'cgi-bin'), env: { TOUR: 'a variable of our own' } },
  wsgi: { path: '/wsgi', application: 'notes:application', cwd: join(here, 'wsgi'), processes: 2, lazy: true },
  asgi: [
    { path: '/asgi', application: 'clock:application', cwd: join(here, 'wsgi'), processes: 1, lazy: true },
    { path: '/echo', application: 'echo:application', cwd: join(here, 'wsgi'), processes: 1, lazy: true },
  ],
  php,
  webdav: { path: '/drive', root: drive },
  routes: [
    { path: '/tour', responder: tour(here) },
    { path: '/uploads', responder: serveStatic(uploads, uploadRules) },
    { path: '/api', responder: fetchResponder(api.fetch) },
    { path: '/shelf', methods: ['GET', 'PURGE'], responder: answerShelf },
    { path: '/live', responder: answerLive },
    { path: '/explain', responder: explainer(() => server) },
    ...besidePhp,
    draftIn(drafts, '/draft'),
    { path: '/broken', responder: () => Promise.reject(new Error('broken on purpose')) },
  ],
  methods: [PURGE],
  errorPages: { 404: page('404.html'), default: page('default.html') },
  onError: ({ status, request, cause }) => console.error(status, request?.method, request?.target, textOf(cause)),
  fields: [['content-security-policy', "default-src 'self'"]],
  accessLog: count,
});

const url = await listenNear(server, Number(process.env['PORT'] ?? 8080));
stopOnSignal(server, scratch); // first, since whoever reads the next line may send one
console.log(`The tour is at ${url}`);
