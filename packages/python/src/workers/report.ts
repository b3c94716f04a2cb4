// What a worker reports, one line of JSON each. Its descriptor is the application's as well, so a line may be anything.

import type { Interface } from '../exchange/channel.ts';
import type { ReportedApplication } from './loaded.ts';

/** A report: `ready`, `failed`, `changed`, or an event that nobody knows. */
export interface Report extends Partial<ReportedApplication> {
  readonly event: string;
  readonly interface: Interface;
  readonly traceback?: string;
}

/** A line as a report, of which only texts are kept. What is no report is taken for one of an unknown event. */
export function parseReport(line: string): Report {
  const members = Object.entries(parsed(line) ?? {}).filter(([, value]) => typeof value === 'string');
  const texts = Object.fromEntries(members) as Partial<Record<string, string>>;
  return { ...texts, event: texts['event'] ?? 'unknown', interface: texts['interface'] === 'asgi' ? 'asgi' : 'wsgi' };
}

function parsed(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
