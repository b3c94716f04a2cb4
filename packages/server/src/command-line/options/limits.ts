// What one client can cost: a line for each limit of the server.

import { limitsTable } from '../../limits.ts';
import type { Limits } from '../../options.ts';
import { type KeyOf, optionsFrom, type Words } from './from-table.ts';
import type { Option } from './option.ts';

export type LimitsConfiguration = { readonly [Name in keyof Limits as KeyOf<Name>]-?: number };

const lines: { readonly [Name in keyof Limits]-?: Words } = {
  maxRequestLineBytes: {},
  maxHeadBytes: {},
  maxFields: {},
  maxContentBytes: {},
  maxConnections: {},
  maxConnectionsPerAddress: {},
  maxRequestsPerConnection: {},
  headTimeoutMs: {},
  contentTimeoutMs: {},
  idleTimeoutMs: {},
  answerTimeoutMs: {},
  silenceTimeoutMs: {},
  hookTimeoutMs: {},
  minBytesPerSecond: {},
  maxDrainBytes: {},
  drainTimeoutMs: {},
  closeTimeoutMs: { aliases: ['grace'] },
  drainDelayMs: {},
};

export const limitsOptions: Record<keyof LimitsConfiguration, Option> = optionsFrom(limitsTable, lines, {
  part: 'limits.',
  group: 'Limits',
});
