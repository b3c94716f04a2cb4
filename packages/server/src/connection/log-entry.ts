// What the access log is told about an exchange when it has ended, however it ended.

import { firstField } from '../message/fields.ts';
import type { AccessLogEntry } from '../options.ts';
import { nextId } from './read-request.ts';
import type { Exchange } from './exchange.ts';

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
    complete,
  };
}
