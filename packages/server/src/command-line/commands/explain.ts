// `onezero explain <url>`: what would answer a request, and why.
//
// The routes are those that would serve, and they are asked as they would be; of what they lead to, files are really asked
// for, since reading one changes nothing. Scripts and applications are named and not run.

import { randomUUID } from 'node:crypto';
import { routesOf } from '../../compose.ts';
import type { ResponseMessage } from '../../message/message.ts';
import type { Explanation, Question, Route, ServerOptions } from '../../options.ts';
import { createServer } from '../../server.ts';
import type { Resolved } from '../configuration/configuration.ts';
import { explainFile } from './explain-file.ts';
import { scriptFor } from './explain-script.ts';
import { generationOptions } from '../running/generation.ts';
import type { Configuration } from '../options/table.ts';

/** Prints the explanation. `asked` is a URL or path, with a method before it or not. Resolves to the exit code. */
export async function explain({ configuration, warnings }: Resolved, asked: string): Promise<number> {
  for (const warning of warnings) process.stderr.write(`Warning: ${warning}\n`);
  const [, method = 'GET', target = ''] = /^(?:([^\s/]+) )?(.*)$/.exec(asked) ?? [];
  try {
    const rows = await explanationOf(configuration, { method, target });
    for (const [name, text] of rows) process.stdout.write(`${name.padEnd(10)}${text}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`Error: ${(error as Error).message}\n`);
    return 2;
  }
}

type Row = readonly [name: string, text: string];

async function explanationOf(configuration: Configuration, question: Question): Promise<readonly Row[]> {
  const rows: Row[] = [['request', `${question.method ?? 'GET'} ${question.target}`]];
  const options = await composed(configuration);
  const closables = options.routes ?? [];
  // A route that has nothing there is taken away, and the question asked again, as the request would go on.
  for (let routes = closables; ;) {
    const explanation = createServer({ ...options, routes }).explain(question);
    const isFirst = routes === closables;
    const { route } = explanation;
    // The answer of the route before stands when there is no other.
    if (route === undefined && !isFirst) break;
    rows.push(...explanation.why.slice(isFirst ? 0 : 1).map((reason): Row => ['', reason]));
    if (route === undefined) {
      rows.push(['status', String(explanation.status ?? 404)]);
      break;
    }
    const { rows: more, hasNothing } = await whatAnswers(route, explanation, { configuration, question });
    rows.push(...more);
    if (!hasNothing || route.fallThrough !== true) break;
    routes = routes.filter((one) => one !== route);
  }
  await Promise.all(closables.map(async ({ responder }) => responder.close?.()));
  if (
    configuration.auth !== undefined ||
    configuration.authFile !== undefined ||
    configuration.authUser !== undefined
  ) {
    rows.push(['', 'with a name and password where they are asked for; without, the status is 401']);
  }
  return rows;
}

// All routes in one list, so that each is known by identity; the server composes nothing more.
async function composed(configuration: Configuration): Promise<ServerOptions> {
  const lazy = { ...configuration, wsgi: configuration.wsgi?.map((mount) => ({ ...mount, lazy: true })) };
  const {
    root,
    static: files,
    cgi,
    wsgi,
    routes,
    ...rest
  } = await generationOptions(lazy, {
    accessLog: () => undefined,
    report: () => undefined,
    health: () => 'ok',
    collectMetrics: () => {
      throw new Error('nothing is counted here');
    },
  });
  return { ...rest, routes: routesOf({ root, static: files, cgi, wsgi, routes }) };
}

interface Circumstances {
  readonly configuration: Configuration;
  readonly question: Question;
}

async function whatAnswers(
  route: Route,
  explanation: Explanation,
  { configuration, question }: Circumstances,
): Promise<{ readonly rows: readonly Row[]; readonly hasNothing: boolean }> {
  const { method = 'GET' } = question;
  const kind = /^(files|scripts|the application)/.exec(route.name ?? '')?.[1];
  if (kind === 'scripts') {
    const script = scriptFor(configuration, explanation);
    if (script === undefined) return { rows: [['', 'no script is there']], hasNothing: true };
    return { rows: Object.entries(script), hasNothing: false };
  }
  if (kind === 'the application')
    return { rows: [['run', `${route.name ?? ''}, as ${explanation.scriptName || '/'}`]], hasNothing: false };
  if (kind === undefined) return { rows: [['run', route.name ?? 'a route']], hasNothing: false };
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') {
    return {
      rows: [['', `${method} would change a file if the site is writable; nothing was changed`]],
      hasNothing: false,
    };
  }
  const response = await route.responder(syntheticRequest(explanation, question));
  await discardContent(response);
  const rows: Row[] = [['status', String(response.status)]];
  if (response.status < 400) rows.push(...explainFile(route, explanation, { configuration, response }));
  rows.push(...response.fields.map(([name, value]): Row => ['field', `${name}: ${value}`]));
  return { rows, hasNothing: response.status === 404 };
}

// As a browser of today would ask.
function syntheticRequest(
  { scriptName, pathInfo, query, host }: Explanation,
  question: Question,
): Parameters<Route['responder']>[0] {
  const { method = 'GET', target } = question;
  const end = { address: '127.0.0.1', port: 0 };
  return {
    method,
    target,
    version: '1.1',
    fields: [
      ['host', host ?? 'localhost'],
      ['accept', 'text/html,application/xhtml+xml,*/*;q=0.8'],
      ['accept-encoding', 'gzip, deflate, br, zstd'],
      ['sec-fetch-mode', 'navigate'],
      ['sec-fetch-dest', 'document'],
    ],
    scheme: 'http',
    authority: host ?? 'localhost',
    scriptName,
    pathInfo,
    query,
    contentLength: 0,
    content: nothing(),
    remote: end,
    local: end,
    user: undefined,
    authType: undefined,
    id: randomUUID(),
    signal: new AbortController().signal,
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Lets go of a file that was opened to be sent. */
async function discardContent({ content }: ResponseMessage): Promise<void> {
  if (content === undefined || content instanceof Uint8Array) return;
  await content[Symbol.asyncIterator]().return?.();
}
