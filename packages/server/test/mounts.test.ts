// Frameworks below every kind of mount: the links that they make to themselves lead back to them.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { app } from '@onezero/python';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { start, type Running } from './exchange.ts';

const python = process.env['PYTHON'] ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
const cwd = join(import.meta.dirname, '../../python/test/fixtures');

function hasModule(name: string): boolean {
  if (process.env['CI']) return true;
  try {
    execFileSync(python, ['-c', `import ${name}`], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if ((error as { status?: number }).status === 1) return false;
    throw error;
  }
}

/** The path of the route, and how a client writes it. Not with `%`: what frameworks make of it is no address, whatever the server. */
const MOUNTS: readonly (readonly [path: string, written: string])[] = [
  ['/', ''],
  ['/a', '/a'],
  ['/a/b', '/a/b'],
  ['/trailing/', '/trailing'],
  ['/w ith', '/w%20ith'],
  ['/ünï/日本', '/%C3%BCn%C3%AF/%E6%97%A5%E6%9C%AC'],
  ['/plus+&;=@', '/plus+&;=@'],
];

/** A path that is redirected to itself with a slash at its end, by those who do that. */
const WITH_SLASHES = ['starlette', 'fastapi', 'django', 'django_wsgi', 'flask'];

const FRAMEWORKS = ['starlette', 'fastapi', 'quart', 'django', 'django_wsgi', 'flask', 'pyramid'];

describe.each(FRAMEWORKS)('%s', (framework) => {
  const isThere = hasModule(framework.split('_')[0]!);
  let running: Running;
  beforeAll(async () => {
    if (!isThere) return;
    const application = `mounted_sites:make("${framework}")`;
    const env = { PYTHONDONTWRITEBYTECODE: '1' };
    const responder = app({ application, cwd, python, env, processes: 1, log: () => {} });
    running = await start({ routes: MOUNTS.map(([path]) => ({ path, responder })) });
    await running.server.ready();
  });
  afterAll(() => running?.close());

  const read = async (url: string): Promise<unknown> => {
    const response = await fetch(url);
    expect([response.status, url]).toEqual([200, url]);
    return response.json();
  };

  /** The address of a path below a mount. */
  const at = (written: string, path: string): string => `http://127.0.0.1:${running.port}${written}${path}`;

  /** Follows each link of the page, and says where all of them lead. */
  const follow = async (page: string): Promise<unknown[]> => {
    const links = (await read(page)) as string[];
    return Promise.all(links.map((link) => read(new URL(link, page).href)));
  };

  const isTarget = ({ reached }: { reached?: string }): boolean => reached === 'plain' || reached === 'o d/é';

  test.skipIf(!isThere).each(MOUNTS)('below %j is led back to by its links', async (_, written) => {
    const found = (await follow(at(written, '/links'))) as { reached?: string }[];
    expect(found.length).toBeGreaterThanOrEqual(2);
    expect(found.filter((page) => !isTarget(page))).toEqual([]);
    expect(await read(at(written, '/redirect'))).toEqual({ reached: 'plain' });
    if (WITH_SLASHES.includes(framework)) expect(await read(at(written, '/folder'))).toEqual({ reached: 'folder' });
  });

  if (framework !== 'fastapi') return;
  test.skipIf(!isThere).each(MOUNTS)('below %j describes itself, as do its parts', async (_, written) => {
    for (const part of ['', '/inner']) {
      const found = (await follow(at(written, `${part}/links`))) as { reached?: string }[];
      expect(found.every(isTarget)).toBe(true);
      const page = at(written, `${part}/docs`);
      const [, url = ''] = /url: '([^']*)'/.exec(await (await fetch(page)).text()) ?? [];
      const described = (await read(new URL(url, page).href)) as { paths: object; servers?: { url: string }[] };
      expect(Object.keys(described.paths)).toContain('/reached/{value}');
      // What the description calls its server is where its paths begin.
      const base = new URL(described.servers?.[0]?.url ?? '/', page).href.replace(/\/$/, '');
      expect(await read(`${base}/reached/plain`)).toEqual({ reached: 'plain' });
    }
    const routed = (await follow(at(written, '/routed/links'))) as { reached?: string }[];
    expect(routed.every(isTarget)).toBe(true);
  });
});
