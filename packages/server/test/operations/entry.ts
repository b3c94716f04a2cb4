import type { AccessLogEntry } from '../../src/options.ts';

/** An entry of the access log, as plain as can be. */
export function entry(changes: Partial<AccessLogEntry> = {}): AccessLogEntry {
  return {
    time: new Date('2024-01-02T03:04:05.678Z'),
    durationMs: 1.25,
    id: 'a1',
    remoteAddress: '192.0.2.1',
    user: undefined,
    method: 'GET',
    target: '/a.txt?b=1',
    version: '1.1',
    host: 'example.org',
    status: 200,
    contentBytes: 10,
    referer: undefined,
    userAgent: undefined,
    traceparent: undefined,
    complete: true,
    ...changes,
  };
}
