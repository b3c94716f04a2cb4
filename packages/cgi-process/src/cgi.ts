// `cgi(options)`: a request becomes a run of a script, its output a response. The order of the steps is all that is here.

import { checkMessage } from './request/callers.ts';
import { CgiError } from './cgi-error.ts';
import type { CgiRequest, CgiResponse } from './message.ts';
import { cgiTable, checkOptions, completed, limitsTable } from './options.ts';
import type { CgiOptions, CgiResponder } from './options.ts';
import { explainScript } from './request/explain-script.ts';
import type { FindScript } from './request/find-script.ts';
import { scriptFinder } from './request/find-script.ts';
import { allowedMethods, checkHead, refusal, slashRedirect } from './request/refuse.ts';
import { scriptSources } from './request/script-sources.ts';
import { ScriptRunner } from './script-runner.ts';
import type { ScriptLimits } from './script-runner.ts';
import { collectContent, nothing } from './spool/collect-content.ts';
import type { Collected } from './spool/collect-content.ts';
import { SpoolBudget } from './spool/spool-file.ts';

/**
 * Makes a responder that runs CGI/1.1 scripts (RFC 3875): all in a directory, some below a root by their extension, or one.
 *
 * What cannot be answered becomes a bare status whose `cause` is a CgiError. Options that are misspelt, do not fit, or name
 * what does not exist throw here, in one line. `close()` ends what still runs.
 *
 * @example
 * const scripts = cgi({ directory: './cgi-bin' });
 */
export function cgi(given: CgiOptions): CgiResponder {
  checkOptions(cgiTable, given, 'cgi');
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as CgiOptions;
  checkChoice(options);
  const mount = new CgiMount(options);
  const scripts = (request: CgiRequest): Promise<CgiResponse> => {
    checkMessage(request);
    return mount.respond(request, request.pathInfo);
  };
  const name = 'front' in options ? options.front : undefined;
  const front = async (request: CgiRequest): Promise<CgiResponse> => mount.respond(request, `/${name}`);
  const both = async (request: CgiRequest): Promise<CgiResponse> => {
    const answer = await scripts(request);
    return answer.isNothing === true ? front(request) : answer;
  };
  return Object.assign(name === undefined ? scripts : both, {
    scripts,
    front: name === undefined ? undefined : front,
    explain: (pathInfo: string) => explainScript(mount.find, pathInfo, { sharesRoot: mount.sharesRoot }),
    ...scriptSources(options),
    close: async (graceMs = 0) => mount.close(graceMs),
  });
}

/** Which scripts there are must be said in exactly one way. */
function checkChoice(options: CgiOptions): void {
  const given = ['directory', 'extensions', 'script'].filter((name) => options[name as keyof CgiOptions] !== undefined);
  if (given.length !== 1) {
    const said = given.length === 0 ? 'none is given' : `${given.join(' and ')} are given`;
    throw new TypeError(`cgi: expected one of directory, extensions (with root) and script; ${said}`);
  }
  const isByExtension = given[0] === 'extensions';
  for (const name of ['root', 'index', 'front']) {
    const isGiven = options[name as keyof CgiOptions] !== undefined;
    if (isGiven && !isByExtension) throw new TypeError(`cgi: ${name}: goes with extensions only`);
    if (!isGiven && isByExtension && name === 'root') throw new TypeError('cgi: root: is missing beside extensions');
  }
}

class CgiMount {
  readonly find: FindScript;
  /** Whether other routes serve the same root: what is no script is theirs. */
  readonly sharesRoot: boolean;
  readonly #options: CgiOptions;
  readonly #limits: ScriptLimits;
  readonly #budget: SpoolBudget;
  readonly #runner: ScriptRunner;
  readonly #methods: ReadonlySet<string> | undefined;

  constructor(options: CgiOptions) {
    this.#options = options;
    this.#limits = completed(limitsTable, options.limits);
    this.sharesRoot = 'extensions' in options;
    this.find = scriptFinder(options);
    this.#methods = allowedMethods(options.methods);
    this.#budget = new SpoolBudget(this.#limits.spoolTotalBytes);
    this.#runner = new ScriptRunner(options, this.#limits, this.#budget);
  }

  /** @param path what names the script: that of the request, or the front controller's */
  async respond(request: CgiRequest, path: string): Promise<CgiResponse> {
    let content = nothing;
    try {
      const found = this.find(path);
      if (found.kind === 'missing-slash') return slashRedirect(request);
      this.#check(request);
      if (request.contentLength !== 0) content = await this.#collect(request);
      return await this.#runner.run({ request, found, content });
    } catch (error) {
      content.dispose();
      if (!(error instanceof CgiError)) throw error;
      return refusal(error, { methods: this.#methods, sharesRoot: this.sharesRoot });
    }
  }

  async close(graceMs: number): Promise<void> {
    await this.#runner.close(graceMs);
  }

  /** Refuses what the head of the request alone decides. */
  #check(request: CgiRequest): void {
    checkHead(request, this.#methods, this.#limits.maxContentBytes);
    if (request.contentLength === undefined && this.#options.chunked === 'reject') {
      throw new CgiError('length-required', 'content without a length is not accepted');
    }
  }

  async #collect({ content, contentLength }: CgiRequest): Promise<Collected> {
    const { uid, gid, spool } = this.#options;
    return collectContent(content, {
      memoryBytes: this.#limits.spoolMemoryBytes,
      fileBytes: this.#limits.spoolFileBytes,
      budget: this.#budget,
      maxBytes: this.#limits.maxContentBytes,
      announced: contentLength,
      whole: contentLength === undefined || spool !== 'small',
      owner: uid === undefined ? undefined : { uid, gid: gid ?? uid },
    });
  }
}
