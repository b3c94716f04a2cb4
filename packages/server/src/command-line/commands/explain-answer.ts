// What a route has for a request, as rows of an explanation. The responders themselves say it: scripts by their `explain`,
// files by being asked, since reading one changes nothing. Scripts are named and not run; applications in Python are
// loaded, as `check` does, and not asked.

import { dirname, join, resolve } from 'node:path';
import type { CgiResponder } from '@onezero/cgi-process';
import type { FileRoute } from '../../file-refusal.ts';
import type { ResponseMessage } from '../../message/message.ts';
import { checkedResponse } from '../../message/whole-response.ts';
import type { ApplicationState, Explanation, Question, Route } from '../../options.ts';
import { hasNothing } from '../../routing/site.ts';
import { interfaceInWords, loadedInWords } from './loaded-words.ts';
import { syntheticRequest } from './synthetic-request.ts';

export type Row = readonly [name: string, text: string];

/** What a route has: rows to print, and whether the request goes on to the next route. */
export interface Answered {
  readonly rows: readonly Row[];
  readonly hasNothing: boolean;
}

const FILES = 'files in ';
const DRIVE = 'WebDAV in ';
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const SUFFIXES: Readonly<Record<string, string>> = { br: '.br', gzip: '.gz', zstd: '.zst' };

/** Asks a route, or its responder's `explain`. `isWritable` says of which roots no method but those that read may be asked. */
export async function explainAnswer(
  route: Route,
  explanation: Explanation,
  { question, isWritable }: { readonly question: Question; readonly isWritable: (root: string) => boolean },
): Promise<Answered> {
  const { responder, name = 'a route' } = route;
  const { method = 'GET' } = question;
  if (isScripts(responder)) return scriptRows(responder, explanation, name);
  if (name.startsWith(DRIVE))
    return { rows: driveRows(name.slice(DRIVE.length), explanation, method), hasNothing: false };
  if (!name.startsWith(FILES)) {
    const rows: Row[] = [['run', `${name}, as ${explanation.scriptName || '/'}`]];
    return { rows: [...rows, ...(await foundRows(responder))], hasNothing: false };
  }
  const root = name.slice(FILES.length);
  if (isWritable(root) && !SAFE_METHODS.has(method)) {
    const rows: Row[] = [['', `the site is writable, so ${method} may change a file; nothing was changed`]];
    return { rows, hasNothing: false };
  }
  const request = syntheticRequest(explanation, question);
  const response = checkedResponse(await responder(request));
  if (response instanceof TypeError) throw response;
  const why = hasReason(responder) && response.status >= 400 ? await responder.whyNothing(request) : undefined;
  await discardContent(response);
  return { rows: withReason(fileRows(response, root), why), hasNothing: hasNothing(response) };
}

/** What is found where an application is named: it is loaded, and not asked. */
async function foundRows({ ready, workers }: Route['responder']): Promise<readonly Row[]> {
  const state = (): Omit<ApplicationState, 'path'> | undefined => [workers?.() ?? []].flat()[0];
  // What is behind a gateway was not looked for.
  if (ready === undefined || workers === undefined || state()?.gateway !== undefined) return [];
  try {
    await ready();
  } catch (error) {
    return [['', (error as Error).message]];
  }
  const loaded = state();
  if (loaded === undefined) return [];
  const [object = '', program = ''] = loadedInWords(loaded);
  return [
    ['is', interfaceInWords(loaded)],
    ['object', object],
    ['python', program],
  ];
}

function driveRows(root: string, { pathInfo }: Explanation, method: string): Row[] {
  return [
    ['drive', root],
    ['file', join(root, pathInfo)],
    ['', `${method} is answered over WebDAV; explain does not run it`],
  ];
}

function hasReason(responder: Route['responder']): responder is Route['responder'] & FileRoute {
  return 'whyNothing' in responder && typeof responder.whyNothing === 'function';
}

/** The reason stands behind the status. */
function withReason([status, ...rows]: readonly Row[], why: string | undefined): readonly Row[] {
  const reason: readonly Row[] = why === undefined ? [] : [['', why]];
  return [...(status === undefined ? [] : [status]), ...reason, ...rows];
}

function isScripts(responder: Route['responder']): responder is Route['responder'] & Pick<CgiResponder, 'explain'> {
  return 'explain' in responder && typeof responder.explain === 'function';
}

function scriptRows(
  { explain }: Pick<CgiResponder, 'explain'>,
  { scriptName, pathInfo }: Explanation,
  route: string,
): Answered {
  const found = explain(pathInfo);
  const { outcome, script, interpreter, reason, status } = found;
  if (outcome === 'run' && script !== undefined) {
    const rows: Row[] = [
      ['run', interpreter === undefined ? script : `${interpreter} ${script}`],
      ['in', dirname(script)],
      ['with', `SCRIPT_NAME=${scriptName}${found.scriptName ?? ''} PATH_INFO=${found.pathInfo ?? ''}`],
    ];
    return { rows, hasNothing: false };
  }
  if (outcome === 'run') return { rows: [['run', `${route}, as ${scriptName || '/'}`]], hasNothing: false };
  const why: Row[] = reason === undefined ? [] : [['', reason]];
  if (outcome === 'nothing') return { rows: [['', 'there is no script'], ...why], hasNothing: true };
  return { rows: [['status', String(status ?? 404)], ...why], hasNothing: false };
}

function fileRows(response: ResponseMessage & { readonly file?: readonly string[] | undefined }, root: string): Row[] {
  const { status, fields, cause, file } = response;
  const rows: Row[] = [['status', String(status)]];
  if (cause instanceof Error) rows.push(['', cause.message]);
  const field = (wanted: string): string | undefined => fields.find(([name]) => name === wanted)?.[1];
  const location = field('location');
  if (location !== undefined) rows.push(['redirect', location]);
  else if (file !== undefined) rows.push(...namesOf(join(resolve(root), ...file), field('content-encoding')));
  else if (status === 200) rows.push(['listing', resolve(root)]);
  return [...rows, ...fields.map(([name, value]): Row => ['field', `${name}: ${value}`])];
}

/** The file, and the stored variant of it that is sent or how it is coded on the way. */
function namesOf(path: string, coding: string | undefined): Row[] {
  if (coding === undefined) return [['file', path]];
  const suffix = SUFFIXES[coding] ?? '';
  if (suffix === '' || !path.endsWith(suffix)) {
    return [
      ['file', path],
      ['variant', `compressed with ${coding} while it is sent`],
    ];
  }
  return [
    ['file', path.slice(0, -suffix.length)],
    ['variant', path],
  ];
}

/** Lets go of a file that was opened to be sent. */
async function discardContent({ content }: ResponseMessage): Promise<void> {
  if (content === undefined || content instanceof Uint8Array) return;
  await content[Symbol.asyncIterator]().return?.();
}
