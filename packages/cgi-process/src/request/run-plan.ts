// What starts a script: its command line, its environment, its directory and its input.

import { dirname, resolve } from 'node:path';
import type { CgiOptions } from '../options.ts';
import type { FoundScript } from './find-script.ts';
import { resolveCommand } from './find-script.ts';
import type { LaunchPlan } from '../process/launch.ts';
import type { CgiRequest } from '../message.ts';
import { metaVariables } from './meta-variables.ts';
import type { Collected } from '../spool/collect-content.ts';
import { addEnvironment } from '../process/unix-process.ts';

const DEFAULT_PASSED: readonly string[] = ['PATH'];

/** Makes plans for the scripts of one mount. Throws when the wrapper names no command. */
export class RunPlanner {
  readonly #options: CgiOptions;
  readonly #cwd: string | undefined;
  readonly #wrapper: readonly string[];

  constructor(options: CgiOptions) {
    this.#options = options;
    this.#cwd = options.cwd === undefined ? undefined : resolve(options.cwd);
    const [command, ...args] = options.wrapper ?? [];
    this.#wrapper = command === undefined ? [] : [resolveCommand(command), ...args];
  }

  /** The plan for one run; a promise when the `env` option has to be waited for. */
  plan(request: CgiRequest, found: FoundScript, content: Collected): LaunchPlan | Promise<LaunchPlan> {
    const { env } = this.#options;
    const given = typeof env === 'function' ? env(request) : (env ?? {});
    if (!isPromise(given)) return this.#planWith(given, request, found, content);
    return given.then((variables) => this.#planWith(variables, request, found, content));
  }

  #planWith(
    given: Readonly<Record<string, string>>,
    request: CgiRequest,
    found: FoundScript,
    content: Collected,
  ): LaunchPlan {
    const { uid, gid, umask, passEnv } = this.#options;
    const [command, ...args] = this.#commandLine(request, found) as [string, ...string[]];
    const variables = this.#variables(request, found, request.contentLength ?? content.length);
    const environment = addEnvironment(variables, passEnv ?? DEFAULT_PASSED, given);
    const stdin = content.file ?? (content.length > 0 ? 'pipe' : 'ignore');
    const program = this.#wrapper.length > 0 && found.interpreter === undefined ? found.file : undefined;
    return { command, args, program, environment, cwd: this.#cwd ?? dirname(found.file), uid, gid, umask, stdin };
  }

  #commandLine(request: CgiRequest, { file, interpreter }: FoundScript): string[] {
    const words = this.#options.queryArgs === true && interpreter === undefined ? queryWords(request) : [];
    const script = interpreter === undefined ? [file] : [interpreter, file];
    return [...this.#wrapper, ...script, ...(this.#options.args ?? []), ...words];
  }

  #variables(request: CgiRequest, found: FoundScript, contentLength: number): Record<string, string> {
    const { passAuthorization, serverSoftware, serverName, serverAdmin } = this.#options;
    // Member by member, since a request may have some that are dear to ask for.
    const { method, target, version, scheme, authority, query, fields, content, remote, local } = request;
    const { user, authType, id } = request;
    const scriptName = request.scriptName + found.scriptName;
    const asked = { method, target, version, scheme, authority, query, fields, content, remote, local };
    const variables = metaVariables(
      { ...asked, user, authType, id, contentLength, scriptName, pathInfo: found.pathInfo },
      {
        passAuthorization,
        serverSoftware,
        serverName,
        serverAdmin,
        scriptFilename: found.file,
        documentRoot: this.#options.documentRoot ?? found.root,
      },
    );
    // With cgi.fix_pathinfo=0 it would run what this names, and not the script.
    if (/php[^/]*$/.test(found.interpreter ?? '')) delete variables['PATH_TRANSLATED'];
    return variables;
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown }).then === 'function';
}

/** The query as arguments (RFC 3875 §4.4): only without `=`, only for reading, never something that looks like an option. */
function queryWords({ method, query = '' }: CgiRequest): string[] {
  if ((method !== 'GET' && method !== 'HEAD') || query === '' || query.includes('=')) return [];
  try {
    const words = query.split('+').map(decodeURIComponent);
    return words.some((word) => word.startsWith('-') || word.includes('\0')) ? [] : words;
  } catch {
    // Not decodable: the RFC asks for no arguments at all then.
    return [];
  }
}
