// A request as the variables of RFC 3875 §4.1 and the handful that everybody adds to them.
//
// What a client sends only ever becomes a variable with the prefix HTTP_, apart from the two the RFC names. Withheld are:
// fields whose name has other characters than letters, digits and `-` (so `X_User` cannot pass for `X-User`); Proxy, which
// programs take for their own configuration; the credentials; what concerns one connection only; and the two that have
// variables of their own.

import { toByteString } from './byte-string.ts';
import type { CgiRequest, Peer } from './message.ts';

/** What the variables need to know beside the request. */
export interface MetaVariableOptions {
  /** SCRIPT_FILENAME. @default unset */
  readonly scriptFilename?: string | undefined;
  /** DOCUMENT_ROOT, and the base of PATH_TRANSLATED. @default both unset */
  readonly documentRoot?: string | undefined;
  /** @default 'onezero' */
  readonly serverSoftware?: string | undefined;
  /** SERVER_NAME where the client named no host. @default the address it connected to */
  readonly serverName?: string | undefined;
  /** @default unset */
  readonly serverAdmin?: string | undefined;
  /** Whether HTTP_AUTHORIZATION and HTTP_PROXY_AUTHORIZATION are made. @default false */
  readonly passAuthorization?: boolean | undefined;
  /** The length of the content, where it is known better than from the request. @default `request.contentLength` */
  readonly contentLength?: number | undefined;
}

const ownVariables = ['content-length', 'content-type'];
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];
const withheld = new Set(['proxy', 'http2-settings', ...ownVariables, ...hopByHop]);
const credentials = new Set(['authorization', 'proxy-authorization']);

/**
 * The variables for a request, each value a byte string: every character stands for one byte, non-ASCII text for its
 * UTF-8 bytes. (That is what WSGI puts into its environ.)
 */
export function metaVariables(request: CgiRequest, options: MetaVariableOptions = {}): Record<string, string> {
  return {
    ...fieldVariables(request, options.passAuthorization ?? false),
    ...requestVariables(request),
    ...scriptVariables(request, options),
    ...serverVariables(request, options),
    ...contentVariables(request, options.contentLength ?? request.contentLength),
    ...clientVariables(request),
  };
}

function fieldVariables({ fields }: CgiRequest, passAuthorization: boolean): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of fields) {
    if (!/^[a-z0-9-]+$/i.test(name) || withheld.has(name)) continue;
    if (credentials.has(name) && !passAuthorization) continue;
    const variable = `HTTP_${name.toUpperCase().replaceAll('-', '_')}`;
    const before = variables[variable];
    const separator = name === 'cookie' ? '; ' : ', ';
    variables[variable] = before === undefined ? value : `${before}${separator}${value}`;
  }
  return variables;
}

function requestVariables({ method, target, version, scheme, query = '', id }: CgiRequest): Record<string, string> {
  return {
    GATEWAY_INTERFACE: 'CGI/1.1',
    REQUEST_METHOD: method,
    SERVER_PROTOCOL: `HTTP/${version}`,
    QUERY_STRING: query,
    REQUEST_URI: target,
    REQUEST_SCHEME: scheme,
    ...(scheme === 'https' ? { HTTPS: 'on' } : {}),
    ...(id === undefined ? {} : { UNIQUE_ID: toByteString(id) }),
    // php-cgi refuses to run without it, so that nobody reaches it past the server.
    REDIRECT_STATUS: '200',
  };
}

function scriptVariables(request: CgiRequest, options: MetaVariableOptions): Record<string, string> {
  const { documentRoot, scriptFilename } = options;
  const pathInfo = toByteString(request.pathInfo);
  const root = documentRoot === undefined ? undefined : toByteString(documentRoot);
  return {
    SCRIPT_NAME: toByteString(request.scriptName),
    ...(pathInfo === '' ? {} : { PATH_INFO: pathInfo }),
    ...(root === undefined ? {} : { DOCUMENT_ROOT: root }),
    ...(root === undefined || pathInfo === '' ? {} : { PATH_TRANSLATED: root.replace(/\/+$/, '') + pathInfo }),
    ...(scriptFilename === undefined ? {} : { SCRIPT_FILENAME: toByteString(scriptFilename) }),
  };
}

function serverVariables(request: CgiRequest, options: MetaVariableOptions): Record<string, string> {
  const { authority, local, scheme } = request;
  const name = authority?.replace(/:\d*$/, '') || options.serverName || hostOf(local);
  // A Unix socket has no port; RFC 3875 §4.1.15 wants one, so it is the scheme's.
  const port = local.port === 0 ? { http: 80, https: 443 }[scheme] : local.port;
  return {
    SERVER_NAME: toByteString(name),
    SERVER_PORT: String(port),
    SERVER_ADDR: addressOf(local),
    SERVER_SOFTWARE: toByteString(options.serverSoftware ?? 'onezero'),
    ...(options.serverAdmin === undefined ? {} : { SERVER_ADMIN: toByteString(options.serverAdmin) }),
  };
}

function contentVariables({ fields }: CgiRequest, contentLength: number | undefined): Record<string, string> {
  const type = fields.find(([name]) => name === 'content-type')?.[1];
  const hasLength = contentLength !== undefined && (contentLength > 0 || fields.some(isFraming));
  return {
    ...(hasLength ? { CONTENT_LENGTH: String(contentLength) } : {}),
    ...(type === undefined ? {} : { CONTENT_TYPE: type }),
  };
}

function isFraming([name]: readonly [string, string]): boolean {
  return name === 'content-length' || name === 'transfer-encoding';
}

function clientVariables({ remote, user, authType }: CgiRequest): Record<string, string> {
  return {
    REMOTE_ADDR: addressOf(remote),
    ...(remote.port === 0 ? {} : { REMOTE_PORT: String(remote.port) }),
    ...(user === undefined ? {} : { REMOTE_USER: toByteString(user) }),
    ...(user === undefined || authType === undefined ? {} : { AUTH_TYPE: authType }),
  };
}

/** A bare address; IPv4 in IPv6 clothes is undressed. The peer of a Unix socket is on this machine. */
function addressOf({ address }: Peer): string {
  if (address === '' || address.includes('/')) return '127.0.0.1';
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

function hostOf(peer: Peer): string {
  const address = addressOf(peer);
  return address.includes(':') ? `[${address}]` : address;
}
