// What one client can cost: the server's limits, with the units in the values.

import { DEFAULT_LIMITS } from '../../limits.ts';
import type { Limits } from '../../options.ts';
import type { Option, Shape } from './option.ts';

type KeyOf<Name extends string> = Name extends 'drainBytes'
  ? 'maxDrain'
  : Name extends `${infer Stem}Bytes` | `${infer Stem}Ms`
    ? Stem
    : Name;

type LimitKey = KeyOf<keyof Limits>;

/** The name of a limit in the configuration, where the unit is in the value: `maxHeadBytes` is `maxHead`. */
export function limitKey(name: keyof Limits): LimitKey {
  return (name === 'drainBytes' ? 'maxDrain' : name.replace(/(?:Bytes|Ms)$/, '')) as LimitKey;
}

export type LimitsConfiguration = { readonly [Key in LimitKey]: number };

export const limitsOptions: Record<LimitKey, Option> = {
  maxRequestLine: limit('maxRequestLineBytes', 'The longest request line (414)'),
  maxHead: limit('maxHeadBytes', 'The largest head of a request (431)'),
  maxFields: limit('maxFields', 'The most field lines in a request (431)'),
  maxContent: limit('maxContentBytes', 'The longest request content (413)'),
  maxConnections: limit('maxConnections', 'Connections at once; 0 lifts the limit'),
  maxConnectionsPerAddress: limit(
    'maxConnectionsPerAddress',
    'Connections at once from one address; 0 lifts the limit',
  ),
  maxRequestsPerConnection: limit('maxRequestsPerConnection', 'Requests on one connection; 0 lifts the limit'),
  headTimeout: limit('headTimeoutMs', 'How long a head may take (408)'),
  contentTimeout: limit('contentTimeoutMs', 'The longest silence in the middle of content'),
  idleTimeout: limit('idleTimeoutMs', 'How long an idle connection is kept at least'),
  answerTimeout: limit('answerTimeoutMs', 'How long an answer may take to begin (503)'),
  silenceTimeout: limit('silenceTimeoutMs', 'The longest silence in an answer that has begun, or in a tunnel'),
  hookTimeout: limit('hookTimeoutMs', 'How long an error page may take'),
  minBytesPerSecond: limit('minBytesPerSecond', 'The slowest client; 0 lifts the limit'),
  maxDrain: limit('drainBytes', 'Unwanted content that is read before the connection is closed'),
  drainTimeout: limit('drainTimeoutMs', 'How long that may take'),
  closeTimeout: { ...limit('closeTimeoutMs', 'How long a stop waits for answers under way'), aliases: ['grace'] },
  drainDelay: limit('drainDelayMs', 'How long a stop still accepts connections, for balancers to notice'),
};

function limit(name: keyof Limits, summary: string): Option {
  const inMs = name.endsWith('Ms');
  const shape: Shape = inMs
    ? { type: 'duration' }
    : name.endsWith('Bytes')
      ? { type: 'size' }
      : { type: 'integer', minimum: 0 };
  return {
    group: 'Limits',
    shape,
    summary,
    default: inMs ? DEFAULT_LIMITS[name] / 1000 : DEFAULT_LIMITS[name],
    placeholder: shape.type === 'integer' ? '<number>' : `<${shape.type}>`,
  };
}
