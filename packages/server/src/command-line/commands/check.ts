// `onezero check`: everything that can be found wrong without serving anything.

import type { ApplicationState } from '../../options.ts';
import { HttpServer } from '../../server.ts';
import type { Resolved } from '../configuration/configuration.ts';
import { generationOptions } from '../running/generation.ts';
import { report } from '../running/report.ts';
import { certificatePlaces } from '../configuration/certificate-places.ts';
import { inspect, isExposed } from '../configuration/inspection.ts';
import { interfaceInWords, loadedInWords } from './loaded-words.ts';
import type { Configuration, Served } from '../options/table.ts';

/** Prints problems and warnings. Resolves to 0 when the server would start, else to 2. */
export async function check({ configuration, warnings }: Resolved): Promise<number> {
  const findings = inspect(configuration);
  const problems = [...findings.problems];
  const tried = problems.length === 0 ? await trial(configuration) : { problems: [], applications: [] };
  problems.push(...tried.problems);
  for (const problem of problems) report(`Error: ${problem}`);
  for (const warning of [...warnings, ...findings.warnings]) report(`Warning: ${warning}`);
  if (problems.length > 0) return 2;
  for (const application of tried.applications) process.stdout.write(`${inWords(application)}\n`);
  const count = warnings.length + findings.warnings.length;
  process.stdout.write(
    `The configuration is sound${count === 0 ? '' : `, with ${count} ${count === 1 ? 'warning' : 'warnings'}`}\n`,
  );
  if (configuration.hosts === undefined && !isExposed(configuration)) process.stdout.write(`${LOCAL_NOTE}\n`);
  return 0;
}

const LOCAL_NOTE =
  'Only this machine can connect, so only requests for localhost and IP addresses are answered.\n' +
  '  Behind a proxy here that passes the Host field on, add --trusted-proxy 127.0.0.1, or the names with --hosts.';

function inWords(state: ApplicationState): string {
  const [first, ...others] = [
    `${state.application} at ${state.path} is ${interfaceInWords(state)}`,
    ...loadedInWords(state),
  ];
  return [first, ...others.map((line) => `  ${line}`)].join('\n');
}

interface Tried {
  readonly problems: readonly string[];
  readonly applications: readonly ApplicationState[];
}

/** Composes everything, loads the applications, and throws it all away again: what would be refused, is refused here. */
async function trial(configuration: Configuration): Promise<Tried> {
  const bad = await badCertificates(configuration);
  if (bad.length > 0) return { problems: bad, applications: [] };
  try {
    const health = () => 'starting' as const;
    const quiet = { accessLog: ignore, report: ignore, health, collectMetrics: nothing, makers: {} };
    const server = new HttpServer(await generationOptions(withOneProcess(configuration), quiet), quiet.makers);
    try {
      await server.ready();
      return { problems: [], applications: server.applications.filter(({ gateway }) => gateway === undefined) };
    } finally {
      await server.close();
    }
  } catch (error) {
    return { problems: [(error as Error).message], applications: [] };
  }
}

/** Those that a start would do without are told of as well: somebody wants them. */
async function badCertificates(configuration: Configuration): Promise<readonly string[]> {
  const places = certificatePlaces(configuration);
  if (places.length === 0) return [];
  const { readCertificate } = await import('../../operations/tls.ts');
  return places.flatMap((place) => {
    try {
      readCertificate(place);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
}

/** Whether an application loads is seen in one process as well as in many; threads are made when they are needed. */
function withOneProcess(configuration: Configuration): Configuration {
  const one = (mounts: Served['wsgi']): Served['wsgi'] =>
    mounts?.map((mount) => ({ ...mount, processes: 1, lazy: false, reload: false }));
  const withOne = <One extends Pick<Served, 'wsgi' | 'asgi' | 'app'>>(site: One): One => ({
    ...site,
    wsgi: one(site.wsgi),
    asgi: one(site.asgi),
    app: one(site.app),
  });
  const sites = configuration.sites?.map((site) => withOne(site));
  return { ...withOne(configuration), sites };
}

function ignore(): void {}

function nothing(): never {
  throw new Error('nothing is counted here');
}
