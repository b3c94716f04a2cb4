// The safety contract of the file responder, asked of the whole server over raw sockets.

import { afterAll, beforeAll, describe, test } from 'vitest';
import { checkCase, CORPUS, CORPUS_SITES, type CorpusSite } from '../../static/test/corpus.ts';
import { makeSite, type Site } from '../../static/test/site.ts';
import { start, type Running } from './exchange.ts';

let site: Site;
const servers = new Map<CorpusSite, Running>();

beforeAll(async () => {
  site = makeSite();
  for (const [name, options] of Object.entries(CORPUS_SITES) as [CorpusSite, object][]) {
    servers.set(name, await start({ root: site.root, static: options }));
  }
});

afterAll(async () => {
  for (const running of servers.values()) await running.close();
  site.remove();
});

describe('the corpus over the server', () => {
  test.each(CORPUS)('$id $holds', async (corpusCase) => {
    const port = servers.get(corpusCase.site ?? 'usual')?.port ?? 0;
    await checkCase(corpusCase, port);
    // And once more, from whatever was remembered.
    await checkCase(corpusCase, port);
  });
});
