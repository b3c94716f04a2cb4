// From what stood on the wire to the request that responders see.
//
// What only depends on the head (its path, decoded and resolved, and the query) is worked out once for each head; the parser
// gives equal heads the same event object.

import type { RequestHeadEvent } from '@onezero/http-parser';
import type { Field, Peer, RequestMessage } from '../message/message.ts';
import { LazyRequest, NO_CONTENT, type RequestSource } from '../message/request.ts';
import { firstField } from '../message/fields.ts';
import { canonicalPath } from '../message/canonical-path.ts';
import type { Ends } from '../transport/ends.ts';
import { forwarded, type ForwardedField, type IsTrusted } from '../transport/forwarded.ts';

export interface RequestSettings {
  readonly serverName: string | undefined;
  readonly requestIdField: string | undefined;
  readonly forwardedField?: ForwardedField | undefined;
}

interface ReadTarget {
  readonly pathInfo: string | undefined;
  readonly query: string | undefined;
}

const targets = new WeakMap<RequestHeadEvent, ReadTarget>();

function readTarget(event: RequestHeadEvent): ReadTarget {
  const known = targets.get(event);
  if (known !== undefined) return known;
  const { form, pathAndQuery } = event;
  const mark = pathAndQuery.indexOf('?');
  const path = mark === -1 ? pathAndQuery : pathAndQuery.slice(0, mark);
  // `*` and an authority name no path; whoever guards the root guards them.
  const pathInfo = path === '*' || form === 'authority' ? '/' : canonicalPath(path);
  const target = { pathInfo, query: mark === -1 ? undefined : pathAndQuery.slice(mark + 1) };
  // The parser freezes the events that it gives again.
  if (Object.isFrozen(event)) targets.set(event, target);
  return target;
}

/** Makes the request; undefined when its path has no reading (400). */
export function readRequest(
  event: RequestHeadEvent,
  ends: Ends,
  source: RequestSource & { readonly content: AsyncIterable<Uint8Array> | undefined },
  settings: RequestSettings,
): RequestMessage | undefined {
  const { pathInfo, query } = readTarget(event);
  if (pathInfo === undefined) return undefined;
  const { method, version } = event.head;
  // OPTIONS for an absolute URI without a path asks for `*` too (RFC 9112 §3.2.4).
  const target = event.pathAndQuery === '*' ? '*' : event.head.target;
  const fields = event.form === 'absolute' ? withHostOfTarget(event) : event.head.fields;
  const { scheme, remote, local, isTrusted } = ends;
  const members = {
    method,
    target,
    version,
    fields,
    scheme,
    authority: event.authority ?? settings.serverName,
    scriptName: '',
    pathInfo,
    query,
    contentLength: event.contentLength,
    content: source.content ?? NO_CONTENT,
    remote,
    local,
    user: undefined,
    authType: undefined,
    id: nextId(),
    upgrade: event.upgrade === undefined ? undefined : offeredUpgrade(event),
  };
  if (isTrusted === undefined) return new LazyRequest(members, source);
  return new LazyRequest({ ...members, ...toldByProxy(fields, ends, isTrusted, settings) }, source);
}

function offeredUpgrade({ upgrade = '', contentLength }: RequestHeadEvent): string | undefined {
  const protocols = upgrade
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '' && !/^h2c?(?:\/|$)/i.test(protocol));
  return contentLength === 0 && protocols.length > 0 ? protocols.join(', ') : undefined;
}

/** An absolute-form target replaces the received Host, for us and for whoever is behind us (RFC 9112 §3.2.2). */
function withHostOfTarget({ head, authority = '' }: RequestHeadEvent): readonly Field[] {
  return [['host', authority], ...head.fields.filter(([name]) => name !== 'host')];
}

function toldByProxy(
  fields: readonly Field[],
  { remote, scheme }: Ends,
  isTrusted: IsTrusted,
  { requestIdField: idField, forwardedField }: RequestSettings,
): { remote: Peer; scheme: 'http' | 'https'; id?: string } {
  const told = forwarded(fields, { address: remote.address, scheme }, isTrusted, forwardedField);
  const id = idField === undefined ? undefined : firstField(fields, idField);
  return {
    remote: told.address === remote.address ? remote : { address: told.address, port: 0 },
    scheme: told.scheme,
    ...(id !== undefined && /^[\x21-\x7e]{1,128}$/.test(id) && { id }),
  };
}

const PROCESS = `${Math.trunc(performance.timeOrigin).toString(36)}${process.pid.toString(36)}-`;
let count = 0;

/** A name for a request, unique among the processes of one machine. */
export function nextId(): string {
  count += 1;
  return `${PROCESS}${count}`;
}
