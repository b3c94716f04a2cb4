import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, start } from './exchange.ts';

describe('compose', () => {
  test('tells scripts about the site and the server that they are part of', async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'compose-')));
    onTestFinished(() => rm(folder, { recursive: true }));
    const root = join(folder, 'site');
    const scripts = join(folder, 'scripts');
    await mkdir(root);
    await mkdir(scripts);
    const script =
      '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n%s %s %s" "$SERVER_SOFTWARE" "$DOCUMENT_ROOT" "$PATH_TRANSLATED"';
    await writeFile(join(scripts, 'environment'), script, { mode: 0o755 });
    await writeFile(join(root, 'environment.cgi'), script, { mode: 0o755 });
    await writeFile(join(scripts, 'environment.cgi'), script, { mode: 0o755 });
    const running = await start({
      root,
      cgi: [
        { path: '/cgi-bin', directory: scripts },
        { path: '/one', script: join(scripts, 'environment') },
        { root, extensions: { '.cgi': null } },
        { path: '/other', root: scripts, extensions: { '.cgi': null } },
      ],
    });
    onTestFinished(() => running.close());
    const answer = async (path: string): Promise<string> =>
      parse(await running.exchange(`GET ${path} HTTP/1.0\r\n\r\n`)).content.replace(/^onezero\/\d+\.\d+\.\d+\S* /, '');
    expect(await answer('/cgi-bin/environment/a')).toBe(`${root} ${root}/a`);
    expect(await answer('/one/a')).toBe(`${root} ${root}/a`);
    expect(await answer('/environment.cgi/a')).toBe(`${root} ${root}/a`);
    expect(await answer('/other/environment.cgi/a')).toBe(`${scripts} ${scripts}/a`);
  });
});
