// `onezero explain <url>`: what would answer a request, and why.
//
// The routes are those that would serve, and they are asked as they would be; of what they lead to, files are really asked
// for, since reading one changes nothing. Scripts are named and not run; an application is loaded, and not asked.

import { type Makers, routesOf } from '../../compose.ts';
import type { Question, ServerOptions } from '../../options.ts';
import { HttpServer } from '../../server.ts';
import type { Resolved } from '../configuration/configuration.ts';
import { explainAnswer, type Row } from './explain-answer.ts';
import { isExposed } from '../configuration/inspection.ts';
import { generationOptions } from '../running/generation.ts';
import { report } from '../running/report.ts';
import { visible } from '../../standard-error.ts';
import type { Configuration } from '../options/table.ts';

/** Prints the explanation. `asked` is a URL or path, with a method before it or not. Resolves to the exit code. */
export async function explain({ configuration, warnings }: Resolved, asked: string): Promise<number> {
  for (const warning of warnings) report(`Warning: ${warning}`);
  const [, method = 'GET', target = ''] = /^(?:([^\s/]+) )?(.*)$/.exec(asked) ?? [];
  try {
    const rows = await explanationOf(configuration, { method, target });
    for (const [name, text] of rows) process.stdout.write(`${name.padEnd(10)}${visible(text)}\n`);
    return 0;
  } catch (error) {
    report(`Error: ${(error as Error).message}`);
    return 2;
  }
}

/** The rows that answer a question. Rejects for a configuration that cannot be served. */
export async function explanationOf(configuration: Configuration, question: Question): Promise<readonly Row[]> {
  const rows: Row[] = [['request', `${question.method ?? 'GET'} ${question.target}`]];
  // What the route before has; its status and fields are the answer's only where no other route follows.
  let last: readonly Row[] = [];
  let isGuarded = false;
  const { options, makers } = await composed(configuration);
  const closables = options.routes ?? [];
  const sites = [configuration, ...(configuration.sites ?? [])];
  const writable = new Set(sites.flatMap(({ root, writable: is }) => (root === undefined || !is ? [] : [root])));
  const isWritable = (root: string): boolean => writable.has(root);
  // A route that has nothing there is taken away, and the question asked again, as the request would go on.
  for (let routes = closables; ;) {
    const explanation = new HttpServer({ ...options, routes }, makers).explain(question);
    const isFirst = routes === closables;
    isGuarded ||= explanation.auth !== undefined;
    const { route } = explanation;
    // The answer of the route before stands when there is no other.
    if (route === undefined && !isFirst) {
      rows.push(...last);
      if (rows.every(([name]) => name !== 'status')) rows.push(['status', '404']);
      break;
    }
    rows.push(...last.filter(([name]) => name !== 'status' && name !== 'field'));
    rows.push(...explanation.why.slice(isFirst ? 0 : 1).map((reason): Row => ['', reason]));
    if (route === undefined) {
      rows.push(['status', String(explanation.status ?? 404)]);
      break;
    }
    const { rows: more, hasNothing } = await explainAnswer(route, explanation, { question, isWritable });
    last = more;
    if (!hasNothing || route.fallThrough !== true) {
      rows.push(...last);
      break;
    }
    routes = routes.filter((one) => one !== route);
  }
  await Promise.all(closables.map(async ({ responder }) => responder.close?.()));
  const { fields } = options;
  // Those of every response, unless it has them.
  for (const [name, value] of typeof fields === 'object' ? fields : []) {
    const isThere = rows.some(([kind, text]) => kind === 'field' && text.startsWith(`${name}: `));
    if (!isThere) rows.push(['field', `${name}: ${value}`]);
  }
  if (isGuarded) {
    rows.push(['', 'for a request with a valid name and password; without them, the status is 401']);
  }
  return rows;
}

// All routes in one list, so that each is known by identity; the server composes nothing more.
async function composed(
  configuration: Configuration,
): Promise<{ readonly options: ServerOptions; readonly makers: Makers }> {
  const idle = (mounts: Configuration['app']): Configuration['app'] =>
    mounts?.map((mount) => ({ ...mount, processes: 1, lazy: true, reload: false }));
  const [wsgi, asgi, app] = [configuration.wsgi, configuration.asgi, configuration.app].map(idle);
  const lazy = { ...configuration, wsgi, asgi, app };
  const makers: Makers = {};
  const options = await generationOptions(lazy, {
    accessLog: () => undefined,
    report: () => undefined,
    health: () => 'ok',
    collectMetrics: () => {
      throw new Error('nothing is counted here');
    },
    makers,
  });
  const nothing = Object.fromEntries(SERVED.map((name) => [name, undefined]));
  // Nothing listens here, and what other machines can reach answers for any host.
  const hosts = options.hosts === 'local' && isExposed(configuration) ? undefined : options.hosts;
  return { options: { ...options, ...nothing, hosts, routes: routesOf(options, makers) }, makers };
}

const SERVED = ['root', 'static', 'cgi', 'fastcgi', 'scgi', 'php', 'proxy', 'wsgi', 'asgi', 'app', 'webdav'] as const;
