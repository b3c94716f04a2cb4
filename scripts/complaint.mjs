// Why a run of tests failed whose tests passed.

import { stripVTControlCharacters } from 'node:util';

/** What a run complains of that no test does: vitest's heading of it and what stands below, or the last line of all. */
export function complaintOf(output) {
  const lines = stripVTControlCharacters(output).split('\n');
  const said = lines.map((text) => text.replaceAll('\u23af', '').trim());
  const at = said.findIndex((text) => /^(?:Unhandled Rejection|Unhandled Error|Uncaught Exception)$/.test(text));
  return at === -1
    ? (said.findLast((text) => text !== '' && !text.startsWith('JSON report')) ?? 'no output')
    : said.slice(at, at + 3).join(' ');
}
