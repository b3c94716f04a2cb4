// What doc comments and READMEs say about options is what their tables say: the same options, and the same defaults.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgiTable, gatewayTable, phpTable } from '@onezero/cgi-process/options';
import { appTable } from '@onezero/python/options';
import {
  compressionTable,
  corsTable,
  listingTable,
  type Member,
  type Members,
  staticTable,
  writeTable,
} from '@onezero/static/options';
import { webdavTable } from '@onezero/webdav/options';
import { describe, expect, test } from 'vitest';
import { accessLogTable, certificateWatchTable, listenerTable } from '../src/call-tables.ts';
import { serverTable } from '../src/option-tables.ts';

const packages = join(import.meta.dirname, '../..');

function membersAt(table: Members, name: string): Members {
  const { shape } = table[name] as Member;
  return shape.type === 'object' ? shape.members : {};
}

const interfaces: readonly (readonly [string, string, Members])[] = [
  ['static/src/options.ts', 'StaticOptions', staticTable],
  ['static/src/options/parts.ts', 'CorsOptions', corsTable],
  ['static/src/options/parts.ts', 'ListingOptions', listingTable],
  ['static/src/options/parts.ts', 'CompressionOptions', compressionTable],
  ['static/src/options/parts.ts', 'WriteOptions', writeTable],
  ['cgi-process/src/options.ts', 'CgiRunOptions', cgiTable],
  ['cgi-process/src/options.ts', 'CgiLimits', membersAt(cgiTable, 'limits')],
  ['cgi-process/src/options.ts', 'CgiConcurrency', membersAt(cgiTable, 'concurrency')],
  ['cgi-process/src/fastcgi/options.ts', 'GatewayOptions', gatewayTable],
  ['cgi-process/src/fastcgi/options.ts', 'GatewayLimits', membersAt(gatewayTable, 'limits')],
  ['cgi-process/src/fastcgi/options.ts', 'GatewayConcurrency', membersAt(gatewayTable, 'concurrency')],
  ['cgi-process/src/php/options.ts', 'PhpOptions', phpTable],
  ['python/src/options.ts', 'PythonOptions', appTable],
  ['python/src/options.ts', 'WsgiOptions', appTable],
  ['python/src/options.ts', 'AsgiOptions', appTable],
  ['python/src/options.ts', 'PythonLimits', membersAt(appTable, 'limits')],
  ['webdav/src/options.ts', 'WebdavOptions', webdavTable],
  ['webdav/src/options.ts', 'WebdavLimits', webdavTable],
  ['server/src/options.ts', 'ServerOptions', serverTable],
  ['server/src/options.ts', 'Listener', listenerTable],
  ['server/src/options.ts', 'Limits', membersAt(serverTable, 'limits')],
  ['server/src/operations/access-log.ts', 'AccessLogOptions', accessLogTable],
  ['server/src/operations/tls.ts', 'CertificateWatch', certificateWatchTable],
];

/** Members of an interface with what `@default` says of each. */
function documented(source: string, name: string): ReadonlyMap<string, string | undefined> {
  const [, body = ''] = new RegExp(`interface ${name}[^{]*\\{\\n([^]*?)\\n\\}`).exec(source) ?? [];
  const members = new Map<string, string | undefined>();
  for (const [, comment = '', member = ''] of body.matchAll(/^ {2}(?:\/\*\*([^]*?)\*\/\n {2})?readonly (\w+)\??:/gm)) {
    members.set(member, /@default ([^\n]*?)\s*(?:\*\/|\n|$)/.exec(comment)?.[1]?.trim());
  }
  return members;
}

/** A value that a comment names: literals of the language, and `unlimited` and `none` as words for what they are. */
function valueOf(text: string): { readonly value: unknown } | undefined {
  const [literal = ''] =
    /^(?:true|false|Infinity|unlimited|-?[\d_]+|'[^']*'|\[[^\]]*\]|\{\})(?=$|[ ,;:.)])/.exec(text) ?? [];
  if (literal === '') return undefined;
  if (literal === 'Infinity' || literal === 'unlimited') return { value: Number.POSITIVE_INFINITY };
  return { value: JSON.parse(literal.replaceAll('_', '').replaceAll("'", '"')) as unknown };
}

describe.each(interfaces)('%s: %s', (file, name, table) => {
  const members = documented(readFileSync(join(packages, file), 'utf8'), name);

  test('has an entry in its table for each member', () => {
    expect(members.size).toBeGreaterThan(0);
    expect([...members.keys()].filter((member) => !Object.hasOwn(table, member))).toEqual([]);
  });

  test('says the defaults of the table', () => {
    for (const [member, text] of members) {
      const said = text === undefined ? undefined : valueOf(text);
      const held = table[member]?.default;
      if (said !== undefined && held !== undefined) expect([member, said.value]).toEqual([member, held]);
    }
  });
});

describe('the README of static', () => {
  const rows = [...readFileSync(join(packages, 'static/README.md'), 'utf8').matchAll(/^\| `(\w+)` \|([^|]*)\|/gm)];

  test('has a row for each option', () => {
    const named = rows.map(([, name = '']) => name).filter((name) => Object.hasOwn(staticTable, name));
    expect([...new Set(named)].sort()).toEqual(Object.keys(staticTable).sort());
  });

  test('says the defaults of the table', () => {
    for (const [, name = '', cell = ''] of rows) {
      const [, text] = /^`(.*)`$/.exec(cell.trim()) ?? [];
      const said = text === undefined ? undefined : valueOf(text);
      const held = (staticTable as Members)[name]?.default;
      if (said !== undefined && held !== undefined) expect([name, said.value]).toEqual([name, held]);
    }
  });
});
