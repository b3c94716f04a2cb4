// One generation of options as the engine uses them.

import { checkServerOptions } from '../check-options.ts';
import type { RequestParserOptions } from '@onezero/http-parser';
import { isPromiseLike } from '../message/content.ts';
import type { FieldsHook } from '../message/message.ts';
import { resolveLimits, type ResolvedLimits } from '../limits.ts';
import type { AccessLogEntry, ServerOptions } from '../options.ts';
import type { Site } from '../routing/site.ts';
import { warnOnce } from '../warn-once.ts';
import { addressMatcher, type IsTrusted } from '../transport/forwarded.ts';
import type { CompleteSettings } from './complete.ts';
import type { RequestSettings } from './read-request.ts';
import { RememberedResponses } from './remembered.ts';

const DEFAULT_SERVER_FIELD = 'onezero';

// As far as a head can grow in memory.
const UNLIMITED = 1_073_741_824;

/** One generation of what is served; a reload makes the next. */
export interface Service {
  readonly site: Site;
  readonly limits: ResolvedLimits;
  readonly parser: RequestParserOptions;
  readonly complete: CompleteSettings;
  /** Fields that are decided for each response. */
  readonly fieldsHook: FieldsHook | undefined;
  readonly request: RequestSettings;
  readonly remembered: RememberedResponses;
  readonly isTrusted: IsTrusted | undefined;
  /** Peers whose connections begin with a header of the PROXY protocol. */
  readonly sendsProxyHeader: IsTrusted | undefined;
  readonly accessLog: ((entry: AccessLogEntry) => void) | undefined;
  /** How many requests it is answering. */
  underWay: number;
}

/** Resolves options; the site comes last, as it may start processes. Throws for options that cannot be used. */
export function serviceOf(options: ServerOptions, compose: (options: ServerOptions) => Site): Service {
  checkServerOptions(options);
  const limits = resolveLimits(options.limits);
  const { maxRequestLineBytes, maxHeadBytes, maxFields } = limits;
  const { fields = [], trustedProxies = [], proxyProtocol = [], requestIdField, accessLog } = options;
  const complete = {
    serverField: options.serverField ?? DEFAULT_SERVER_FIELD,
    fields: (typeof fields === 'function' ? [] : fields).map(([name, value]) => [name.toLowerCase(), value] as const),
    requestIdField: requestIdField?.toLowerCase(),
  };
  return {
    limits,
    parser: {
      maxRequestLineBytes: maxRequestLineBytes || UNLIMITED,
      maxHeadBytes: maxHeadBytes || UNLIMITED,
      maxFields: maxFields || UNLIMITED,
      simpleRequests: options.simpleRequests,
    },
    complete,
    fieldsHook: typeof fields === 'function' ? fields : undefined,
    request: {
      serverName: options.serverName,
      requestIdField: complete.requestIdField,
      forwardedField: options.forwardedField,
    },
    remembered: new RememberedResponses(complete),
    isTrusted: matcher('trustedProxies', trustedProxies),
    sendsProxyHeader: matcher('proxyProtocol', proxyProtocol),
    accessLog: accessLog && guarded(accessLog),
    site: compose(options),
    underWay: 0,
  };
}

function matcher(option: string, entries: readonly string[]): IsTrusted | undefined {
  return entries.length === 0 ? undefined : addressMatcher(option, entries);
}

function guarded(accessLog: (entry: AccessLogEntry) => void): (entry: AccessLogEntry) => void {
  return (entry) => {
    const failed = (error: unknown): void => warnOnce('accessLog', error);
    try {
      const logged: unknown = accessLog(entry);
      // A hook that is an async function rejects where others throw; unhandled, that would end the process.
      if (isPromiseLike(logged)) void Promise.resolve(logged).catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
