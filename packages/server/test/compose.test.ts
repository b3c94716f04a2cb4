import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, start } from './exchange.ts';

describe('compose', () => {
  test('leaves OPTIONS and preflights to the application where there is no file', async () => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'compose-')));
    onTestFinished(() => rm(root, { recursive: true }));
    await writeFile(join(root, 'a.txt'), 'a');
    await writeFile(
      join(root, 'application.py'),
      `def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [(environ['REQUEST_METHOD'] + ' ' + environ['PATH_INFO']).encode()]
`,
    );
    for (const cors of [false, true]) {
      const running = await start({ root, static: { cors }, wsgi: { application: 'application', cwd: root } });
      onTestFinished(() => running.close());
      const ask = async (path: string, fields = '') =>
        parse(await running.exchange(`OPTIONS ${path} HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`));
      const preflight = 'Origin: https://a.test\r\nAccess-Control-Request-Method: POST\r\n';
      expect((await ask('/api/x')).content).toBe('OPTIONS /api/x');
      expect((await ask('/api/x', preflight)).content).toBe('OPTIONS /api/x');
      expect((await ask('/a.txt', preflight)).content).toBe('OPTIONS /a.txt');
      expect((await ask('/a.txt')).fields.get('allow')).toBe('GET, HEAD, OPTIONS');
    }
  });

  test('answers a preflight itself where nobody else does', async () => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'compose-')));
    onTestFinished(() => rm(root, { recursive: true }));
    const running = await start({ root, static: { cors: true } });
    onTestFinished(() => running.close());
    const fields = 'Origin: https://a.test\r\nAccess-Control-Request-Method: GET\r\nConnection: close\r\n';
    const answer = parse(await running.exchange(`OPTIONS /none HTTP/1.1\r\nHost: a\r\n${fields}\r\n`));
    expect([answer.status, answer.fields.get('access-control-allow-origin')]).toEqual([204, '*']);
  });

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

  test('serves files and scripts by extension from one root', async () => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'compose-')));
    onTestFinished(() => rm(root, { recursive: true }));
    const answering = (text: string): string => `#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n${text}'`;
    for (const name of ['app', 'both', 'list']) await mkdir(join(root, name));
    await writeFile(join(root, 'index.html'), 'home');
    await writeFile(join(root, 'app/index.sh'), answering('script index'));
    await writeFile(join(root, 'both/index.sh'), answering('script index'));
    await writeFile(join(root, 'both/index.html'), 'page index');
    await writeFile(join(root, 'list/a.txt'), 'a');
    await writeFile(join(root, 'missing.sh'), "#!/bin/sh\nprintf 'Status: 404 No\\n\\n'");
    const cgi = { root, extensions: { '.sh': '/bin/sh' }, methods: ['GET'] };
    const running = await start({ root, cgi, static: { listing: true, index: ['index.html'] } });
    onTestFinished(() => running.close());
    const answer = async (path: string, method = 'GET'): Promise<{ status: number; content: string }> => {
      const { status, content } = parse(await running.exchange(`${method} ${path} HTTP/1.0\r\n\r\n`));
      return { status, content };
    };
    expect(await answer('/')).toEqual({ status: 200, content: 'home' });
    expect(await answer('/app/')).toEqual({ status: 200, content: 'script index' });
    expect((await answer('/app')).status).toBe(301);
    expect(await answer('/both/')).toEqual({ status: 200, content: 'page index' });
    expect((await answer('/list/')).content).toContain('a.txt');
    expect((await answer('/missing.sh')).status).toBe(404);
    expect((await answer('/missing.sh', 'HEAD')).status).toBe(404);
    expect((await answer('/app/index.sh', 'DELETE')).status).toBe(405);
  });
});
