// What the configuration says about Python applications: `@onezero/python`'s options with the units in the values.

import type { Members, Shape } from './option.ts';

/** One application and how it runs. */
export interface WsgiConfiguration {
  readonly path?: string;
  readonly application: string;
  readonly startTimeout?: number;
  readonly silenceTimeout?: number;
  readonly drainTimeout?: number;
  readonly queueTimeout?: number;
  readonly [name: string]: unknown;
}

const text = { type: 'text' } as const;
const texts = { type: 'list', item: text } as const;
const path = { type: 'path' } as const;
const flag = { type: 'boolean' } as const;
const duration = { type: 'duration' } as const;
const size = { type: 'size' } as const;
const positive = { type: 'integer', minimum: 1 } as const;
const scalar = { type: 'either', shapes: [flag, { type: 'integer', minimum: Number.MIN_SAFE_INTEGER }, text] } as const;

const members: Members = {
  path: {
    shape: { type: 'text', pattern: /^\//, expects: 'a path that begins with "/"' },
    summary: 'where it is mounted',
  },
  application: { shape: text, summary: 'module:callable or folder/file.py:callable' },
  cwd: { shape: path, summary: 'the working directory, first in the path of modules' },
  python: { shape: { type: 'program' }, summary: 'the Python that runs it' },
  virtualenv: { shape: path, summary: 'the folder of a virtual environment' },
  pythonPath: { shape: { type: 'list', item: path }, summary: 'folders searched for modules first' },
  env: { shape: { type: 'map', value: { type: 'text', pattern: /^[^\0]*$/ } }, summary: 'variables for the workers' },
  passEnv: { shape: texts, summary: 'variables of the server that workers get; all if left out' },
  settings: { shape: { type: 'map', value: scalar }, summary: 'each becomes onezero.NAME in the environ' },
  processes: {
    shape: positive,
    summary: 'Python processes of each worker; if left out, as many as there are processors in all',
  },
  threads: { shape: positive, summary: 'requests that each of them takes at once' },
  lazy: { shape: flag, summary: 'whether workers start with the first request' },
  reloadOnChange: { shape: flag, summary: 'whether workers are replaced when a source file changes' },
  content: {
    shape: { type: 'choice', values: ['spool', 'stream'] },
    summary: 'whether request content is collected first',
  },
  passAuthorization: { shape: flag, summary: 'whether the application sees Authorization' },
  startTimeout: { shape: duration, summary: 'from the start of a worker to its readiness' },
  silenceTimeout: { shape: duration, summary: 'the longest silence of the application in a request' },
  drainTimeout: { shape: duration, summary: 'how long requests may take when their worker is replaced' },
  maxQueued: { shape: { type: 'integer', minimum: 0 }, summary: 'requests that may wait for a thread' },
  queueTimeout: { shape: duration, summary: 'how long they may wait' },
  maxRequests: { shape: positive, summary: 'requests after which a worker is replaced' },
  maxMemory: { shape: size, summary: 'memory beyond which a worker is replaced' },
  spoolMemory: { shape: size, summary: 'request content kept in memory before it goes to a file' },
  readAhead: { shape: size, summary: 'how much of a response is read before the client has taken it' },
};

/** The shape of the `wsgi` key. */
export const wsgiShape: Shape = { type: 'list', item: { type: 'object', members, required: ['application'] } };

/** Reads `module:callable` or `/path=module:callable`. */
export function readWsgi(written: string): WsgiConfiguration {
  const [, mount, application] = /^(?:(\/[^=]*)=)?(.+)$/.exec(written) ?? [];
  if (application === undefined) throw new Error('module:callable or /path=module:callable');
  return { ...(mount !== undefined && { path: mount }), application };
}
