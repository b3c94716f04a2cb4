// The corpus through the Node adapter, and the published contract against the corpus.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveStatic } from '../src/node.ts';
import { checkCase, CORPUS, CORPUS_SITES, type CorpusSite } from './corpus.ts';
import { safetyContract } from './safety-contract.ts';
import { makeSite, type Site } from './site.ts';

let site: Site;
const servers = new Map<CorpusSite, Server>();

beforeAll(async () => {
  site = makeSite();
  for (const [name, options] of Object.entries(CORPUS_SITES) as [CorpusSite, object][]) {
    const server = createServer(serveStatic(site.root, options)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.set(name, server);
  }
});

afterAll(() => {
  for (const server of servers.values()) server.close();
  site.remove();
});

describe('corpus over node:http', () => {
  test.each(CORPUS)('$id $holds', async (corpusCase) => {
    const address = servers.get(corpusCase.site ?? 'usual')?.address() as AddressInfo;
    await checkCase(corpusCase, address.port);
    // And once more, from whatever was remembered.
    await checkCase(corpusCase, address.port);
  });

  test('has each case once', () => {
    expect(new Set(CORPUS.map(({ id }) => id)).size).toBe(CORPUS.length);
  });
});

describe('docs/safety.md', () => {
  test('prints the corpus', () => {
    const path = join(import.meta.dirname, '../docs/safety.md');
    if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(path, safetyContract());
    expect(readFileSync(path, 'utf8')).toBe(safetyContract());
  });
});
