import { afterAll, describe, expect, test } from 'vitest';
import type { Field } from '../../src/index.ts';
import { cgi } from '../../src/index.ts';
import { field, request, Scripts, text } from '../mount.ts';

const MODIFIED = 'Sat, 28 Nov 2026 10:00:00 GMT';
const LATER = 'Sat, 28 Nov 2026 10:00:01 GMT';
const EARLIER = 'Sat, 28 Nov 2026 09:59:59 GMT';
const head = `ETag: "v1"\\nLast-Modified: ${MODIFIED}\\nCache-Control: no-cache\\nContent-Type: text/plain\\nContent-Language: en\\n`;
const scripts = new Scripts({
  feed: `#!/bin/sh\nprintf '${head}\\nfeed'\n`,
  'feed-slowly': `#!/bin/sh\nprintf '${head}\\nfeed'\nsleep 0.3\necho\n`,
  'with-status': `#!/bin/sh\nprintf 'Status: 200 OK\\n${head}\\nfeed'\n`,
  failed: `#!/bin/sh\nprintf 'Status: 500 No\\n${head}\\nfeed'\n`,
  plain: `#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nfeed'\n`,
});
const respond = cgi({ directory: scripts.path, stderr: () => {} });
afterAll(async () => {
  await respond.close();
  scripts.remove();
});

async function statusOf(path: string, fields: readonly Field[], method = 'GET'): Promise<number> {
  const response = await respond(request(path, { method, fields }));
  await text(response);
  return response.status;
}

describe('cgi', () => {
  test.each<[readonly Field[], number]>([
    [[], 200],
    [[['if-none-match', '"v1"']], 304],
    [[['if-none-match', 'W/"v1"']], 304],
    [[['if-none-match', '"v0", "v1"']], 304],
    [
      [
        ['if-none-match', '"v0"'],
        ['if-none-match', '"v1"'],
      ],
      304,
    ],
    [[['if-none-match', '*']], 304],
    [[['if-none-match', '"v0"']], 200],
    [[['if-none-match', 'v1']], 200],
    [
      [
        ['if-none-match', '"v0"'],
        ['if-modified-since', LATER],
      ],
      200,
    ],
    [[['if-modified-since', MODIFIED]], 304],
    [[['if-modified-since', LATER]], 304],
    [[['if-modified-since', EARLIER]], 200],
    [[['if-modified-since', 'yesterday']], 200],
    [
      [
        ['if-modified-since', MODIFIED],
        ['if-modified-since', MODIFIED],
      ],
      200,
    ],
  ])('with %j answers %i', async (fields, status) => {
    expect(await statusOf('/feed', fields)).toBe(status);
    expect(await statusOf('/feed', fields, 'HEAD')).toBe(status);
    expect(await statusOf('/feed', fields, 'POST')).toBe(200);
  });

  test('keeps what a cache needs and nothing of the content', async () => {
    const response = await respond(request('/feed', { fields: [['if-none-match', '"v1"']] }));
    expect(response).toMatchObject({ status: 304 });
    expect(response.content).toBeUndefined();
    expect(response.fields).toEqual([
      ['etag', '"v1"'],
      ['last-modified', MODIFIED],
      ['cache-control', 'no-cache'],
    ]);
  });

  test('leaves the status to a script that gives one, and has no opinion without validators', async () => {
    expect(await statusOf('/with-status', [['if-none-match', '"v1"']])).toBe(200);
    expect(await statusOf('/failed', [['if-none-match', '"v1"']])).toBe(500);
    expect(await statusOf('/plain', [['if-modified-since', LATER]])).toBe(200);
    expect(await statusOf('/plain', [['if-none-match', '"v1"']])).toBe(200);
  });

  test('lets a script that goes on end by itself', async () => {
    const response = await respond(request('/feed-slowly', { fields: [['if-none-match', '"v1"']] }));
    expect(response.status).toBe(304);
    expect(field(response, 'content-language')).toBeUndefined();
  });
});
