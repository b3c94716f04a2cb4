// What the access log is told about an exchange when it has ended, however it ended.

import { firstField } from '../message/fields.ts';
import type { Field } from '../message/message.ts';
import type { AccessLogEntry } from '../options.ts';
import { nextId } from './read-request.ts';
import type { Exchange } from './exchange.ts';

// W3C Trace Context §3.2: version, trace, parent and flags. Later versions may have more behind them.
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-|$)/;

export function logEntry(exchange: Exchange, remoteAddress: string, complete: boolean): AccessLogEntry {
  const { event, request } = exchange;
  const fields = event?.head.fields ?? [];
  const durationMs = performance.now() - exchange.startedAt;
  return {
    time: new Date(Date.now() - durationMs),
    durationMs,
    id: request?.id ?? nextId(),
    remoteAddress: request?.remote.address ?? remoteAddress,
    user: exchange.user,
    method: event?.head.method,
    target: event?.head.target,
    version: event?.head.version,
    host: event?.authority,
    status: exchange.status,
    contentBytes: exchange.contentBytes,
    referer: firstField(fields, 'referer'),
    userAgent: firstField(fields, 'user-agent'),
    traceparent: traceparentOf(fields),
    complete,
  };
}

/** What joins the entry to a trace; undefined when the client sent none, or nonsense. */
function traceparentOf(fields: readonly Field[]): string | undefined {
  const value = firstField(fields, 'traceparent');
  return value !== undefined && TRACEPARENT.test(value) ? value : undefined;
}
