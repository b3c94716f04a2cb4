// What `fastcgi`, `scgi` and `php` return: a function with everything around it that a server asks of a mount.

import { checkMessage } from '../request/callers.ts';
import type { CgiRequest, CgiResponse } from '../message.ts';
import { checkOptions } from '../options.ts';
import { explainScript } from '../request/explain-script.ts';
import { scriptSources } from '../request/script-sources.ts';
import { Gateway } from './gateway.ts';
import type { Protocol } from './request-heads.ts';
import { gatewayTable } from './options.ts';
import type { GatewayOptions, GatewayResponder } from './options.ts';

/** A responder from checked options. `prepare` is awaited before a connection is opened; its rejection is the answer's cause. */
export function gatewayResponder(
  given: GatewayOptions,
  protocol: Protocol,
  prepare?: () => Promise<void>,
): GatewayResponder {
  checkOptions(gatewayTable, given, protocol);
  const options = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as GatewayOptions;
  checkChoice(options, protocol);
  const gateway = new Gateway(options, protocol, prepare);
  const scripts = (request: CgiRequest): Promise<CgiResponse> => {
    checkMessage(request);
    return gateway.respond(request);
  };
  const front = (request: CgiRequest): Promise<CgiResponse> => gateway.respondFromFront(request);
  const respond = async (request: CgiRequest): Promise<CgiResponse> => {
    const answer = await scripts(request);
    return options.front !== undefined && answer.isNothing === true ? front(request) : answer;
  };
  const lendScripts = (request: CgiRequest): Promise<CgiResponse> => gateway.respond(request, true);
  const lendFront = (request: CgiRequest): Promise<CgiResponse> => gateway.respondFromFront(request, true);
  return Object.assign(respond, {
    scripts: Object.assign(scripts, { lend: lendScripts }),
    explain: (pathInfo: string) =>
      explainScript(gateway.find, pathInfo, { sharesRoot: gateway.sharesRoot, isElsewhere: true }),
    ...sourcesOf(options),
    front: options.front === undefined ? undefined : Object.assign(front, { lend: lendFront }),
    state: () => gateway.state,
    close: async (graceMs = 0) => gateway.close(graceMs),
  });
}

function checkChoice(options: GatewayOptions, protocol: Protocol): void {
  if (options.root !== undefined && options.directory !== undefined) {
    throw new TypeError(`${protocol}: expected root or directory; both are given`);
  }
  for (const name of ['extensions', 'index', 'front'] as const) {
    if (options[name] !== undefined && options.root === undefined) {
      throw new TypeError(`${protocol}: ${name}: goes with root only`);
    }
  }
}

function sourcesOf({ root, directory, extensions = ['.php'] }: GatewayOptions): ReturnType<typeof scriptSources> {
  if (directory !== undefined) return scriptSources({ directory });
  if (root === undefined) return { isSource: () => false, sources: [] };
  return scriptSources({ root, extensions: Object.fromEntries(extensions.map((extension) => [extension, null])) });
}
