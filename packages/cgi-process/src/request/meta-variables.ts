// A request as the variables of RFC 3875 §4.1 and the handful that everybody adds to them.
//
// What a client sends only ever becomes a variable with the prefix HTTP_, apart from the two the RFC names. Withheld are:
// fields whose name has other characters than letters, digits and `-` (so `X_User` cannot pass for `X-User`); Proxy, which
// programs take for their own configuration; the credentials; what concerns one connection only; and the two that have
// variables of their own.

import { toByteString } from '../byte-string.ts';
import type { CgiRequest, Peer } from '../message.ts';
import { checkMessage } from './callers.ts';

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

const OWN_VARIABLES = ['content-length', 'content-type'];
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];
const WITHHELD = new Set(['proxy', 'http2-settings', ...OWN_VARIABLES, ...HOP_BY_HOP]);
const CREDENTIALS = new Set(['authorization', 'proxy-authorization']);

/** Names to byte strings. One object is filled step by step: merging many small ones was a tenth of a fast script's run. */
type Variables = Record<string, string>;

/**
 * The variables for a request, each value a byte string: every character stands for one byte, non-ASCII text for its
 * UTF-8 bytes. (That is what WSGI puts into its environ.)
 */
export function metaVariables(request: CgiRequest, options: MetaVariableOptions = {}): Record<string, string> {
  checkMessage(request);
  const variables: Variables = {};
  addFields(variables, request, options.passAuthorization ?? false);
  addRequest(variables, request);
  addScript(variables, request, options);
  addServer(variables, request, options);
  addContent(variables, request, options.contentLength ?? request.contentLength);
  addClient(variables, request);
  return variables;
}

function addFields(variables: Variables, { fields }: CgiRequest, passAuthorization: boolean): void {
  for (const [name, value] of fields) {
    const variable = fieldVariable(name);
    if (variable === undefined || (CREDENTIALS.has(name) && !passAuthorization)) continue;
    const before = variables[variable];
    const separator = name === 'cookie' ? '; ' : ', ';
    variables[variable] = before === undefined ? value : `${before}${separator}${value}`;
  }
}

/** Field names come back all the time; what clients invent is forgotten again. */
const fieldVariables = new Map<string, string | undefined>();
const MAX_REMEMBERED = 512;

function fieldVariable(name: string): string | undefined {
  if (fieldVariables.has(name)) return fieldVariables.get(name);
  const isMade = /^[a-z0-9-]+$/i.test(name) && !WITHHELD.has(name);
  const variable = isMade ? `HTTP_${name.toUpperCase().replaceAll('-', '_')}` : undefined;
  if (fieldVariables.size >= MAX_REMEMBERED) fieldVariables.clear();
  fieldVariables.set(name, variable);
  return variable;
}

function addRequest(variables: Variables, { method, target, version, scheme, query = '', id }: CgiRequest): void {
  variables['GATEWAY_INTERFACE'] = 'CGI/1.1';
  variables['REQUEST_METHOD'] = method;
  variables['SERVER_PROTOCOL'] = `HTTP/${version}`;
  variables['QUERY_STRING'] = query;
  variables['REQUEST_URI'] = target;
  variables['REQUEST_SCHEME'] = scheme;
  if (scheme === 'https') variables['HTTPS'] = 'on';
  if (id !== undefined) variables['UNIQUE_ID'] = toByteString(id);
  // php-cgi refuses to run without it, so that nobody reaches it past the server.
  variables['REDIRECT_STATUS'] = '200';
}

function addScript(variables: Variables, request: CgiRequest, options: MetaVariableOptions): void {
  const { documentRoot, scriptFilename } = options;
  const pathInfo = toByteString(request.pathInfo);
  variables['SCRIPT_NAME'] = toByteString(request.scriptName);
  if (scriptFilename !== undefined) variables['SCRIPT_FILENAME'] = toByteString(scriptFilename);
  if (pathInfo !== '') variables['PATH_INFO'] = pathInfo;
  if (documentRoot === undefined) return;
  const root = toByteString(documentRoot);
  variables['DOCUMENT_ROOT'] = root;
  if (pathInfo !== '') variables['PATH_TRANSLATED'] = root.replace(/\/+$/, '') + pathInfo;
}

function addServer(variables: Variables, request: CgiRequest, options: MetaVariableOptions): void {
  const { authority, local, scheme } = request;
  const name = authority?.replace(/:\d*$/, '') || options.serverName || hostOf(local);
  // A Unix socket has no port; RFC 3875 §4.1.15 wants one, so it is the scheme's.
  const port = local.port === 0 ? { http: 80, https: 443 }[scheme] : local.port;
  variables['SERVER_NAME'] = toByteString(name);
  variables['SERVER_PORT'] = String(port);
  variables['SERVER_ADDR'] = addressOf(local);
  variables['SERVER_SOFTWARE'] = toByteString(options.serverSoftware ?? 'onezero');
  if (options.serverAdmin !== undefined) variables['SERVER_ADMIN'] = toByteString(options.serverAdmin);
}

function addContent(variables: Variables, { fields }: CgiRequest, contentLength: number | undefined): void {
  const type = fields.find(([name]) => name === 'content-type')?.[1];
  const hasLength = contentLength !== undefined && (contentLength > 0 || fields.some(isFraming));
  if (hasLength) variables['CONTENT_LENGTH'] = String(contentLength);
  if (type !== undefined) variables['CONTENT_TYPE'] = type;
}

function isFraming([name]: readonly [string, string]): boolean {
  return name === 'content-length' || name === 'transfer-encoding';
}

function addClient(variables: Variables, { remote, user, authType }: CgiRequest): void {
  variables['REMOTE_ADDR'] = addressOf(remote);
  if (remote.port !== 0) variables['REMOTE_PORT'] = String(remote.port);
  if (user === undefined) return;
  variables['REMOTE_USER'] = toByteString(user);
  if (authType !== undefined) variables['AUTH_TYPE'] = authType;
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
