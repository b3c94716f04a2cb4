// The variables that an application gets with a request: those of CGI, with paths as the application's machine has them.

import { join } from 'node:path';
import { toByteString } from '../byte-string.ts';
import type { CgiRequest } from '../message.ts';
import type { FoundScript } from '../request/find-script.ts';
import { metaVariables } from '../request/meta-variables.ts';
import type { GatewayOptions } from './options.ts';

/** What decides about them beside the request. */
export interface ParamSettings {
  readonly options: GatewayOptions;
  /** Of all content, which may have been collected. */
  readonly contentLength: number;
}

/** The parameters of one request, as byte strings. */
export function backendParams(
  request: CgiRequest,
  found: FoundScript,
  { options, contentLength }: ParamSettings,
): Record<string, string> {
  const { passAuthorization = true, serverSoftware, serverName, serverAdmin, params = {} } = options;
  const { root } = found;
  const theirRoot = options.backendRoot ?? root;
  const isFile = found.file !== '' && root !== undefined && theirRoot !== undefined;
  const variables = metaVariables(
    {
      ...plain(request),
      scriptName: request.scriptName + found.scriptName,
      pathInfo: found.pathInfo,
      contentLength,
    },
    {
      passAuthorization,
      serverSoftware,
      serverName,
      serverAdmin,
      contentLength,
      documentRoot: options.documentRoot ?? theirRoot,
      scriptFilename: isFile ? join(theirRoot, found.file.slice(root.length)) : undefined,
    },
  );
  // PHP with cgi.fix_pathinfo=0 would run what this names, whatever SCRIPT_FILENAME says.
  if (options.root !== undefined) delete variables['PATH_TRANSLATED'];
  for (const [name, value] of Object.entries(params)) variables[name] = toByteString(value);
  return variables;
}

/** Member by member: a request may have some on its prototype, and others that are expensive to ask for. */
function plain(request: CgiRequest): Omit<CgiRequest, 'scriptName' | 'pathInfo' | 'contentLength' | 'signal'> {
  const { method, target, version, scheme, authority, query, fields, content, remote, local, user, authType, id } =
    request;
  return { method, target, version, scheme, authority, query, fields, content, remote, local, user, authType, id };
}
