import { afterAll, describe, expect, test } from 'vitest';
import type { CgiOptions, CgiResponder, CgiResponse, Field } from '../src/index.ts';
import { cgi, CgiError } from '../src/index.ts';
import { chunks, field, plain, request, Scripts, text } from './mount.ts';

const scripts = new Scripts({
  // What the script was given, not what its own shell makes of it.
  'print-environment': plain("if [ -r /proc/$$/environ ]; then tr '\\000' '\\n' </proc/$$/environ; else env; fi"),
  'print-arguments': plain('printf "%s\\n" "$@"'),
  'print-directory': plain('pwd'),
  'sub/print-directory': plain('pwd; printf "%s\\n" "$SCRIPT_NAME" "$PATH_INFO"'),
  'print-umask': plain('umask'),
  'print-name': plain('echo "$0"'),
  echo: plain('cat'),
  'echo-device': plain('cat /dev/stdin'),
  'count-content': plain('echo "CL=$CONTENT_LENGTH read=$(wc -c)"'),
  'ignore-content': plain('echo ok'),
  'close-stdin-early': plain('exec 0<&-; echo ok'),
  'echo-while-reading': plain('exec cat'),
  'write-stderr': plain('echo one >&2; printf two >/dev/stderr; echo out'),
  'write-much-stderr':
    '#!/bin/sh\nhead -c 1000000 /dev/zero | tr "\\0" x >&2\necho Content-Type: a/b\necho\necho out\n',
  'exit-3': plain('echo out; exit 3'),
  'die-before-header': '#!/bin/sh\necho oops >&2\nexit 3\n',
  'die-in-header': '#!/bin/sh\necho Content-Type: a/b\nexit 3\n',
  'kill-self-before-header': '#!/bin/sh\nkill -KILL $$\n',
  'kill-self-after-header': plain('echo part; kill -KILL $$'),
  'kill-self-after-much': plain('head -c 300000 /dev/zero; kill -KILL $$'),
  'write-nothing': '#!/bin/sh\n',
  'bad-header': '#!/bin/sh\necho nonsense\necho\n',
  'too-long-header': '#!/bin/sh\nprintf "A: "; head -c 70000 /dev/zero | tr "\\0" x; echo; echo\n',
  'endless-header':
    '#!/bin/sh\nwhile :; do echo "A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"; done\n',
  'set-transfer-encoding': '#!/bin/sh\necho Transfer-Encoding: chunked\necho\n',
  'set-length-2': '#!/bin/sh\nprintf "Content-Length: 2\\n\\nhello"\n',
  'set-length-10': '#!/bin/sh\nprintf "Content-Length: 10\\n\\nhello"\n',
  'set-length-5': '#!/bin/sh\nprintf "Content-Length: 5\\n\\nhello"\n',
  'set-status': '#!/bin/sh\nprintf "Status: 404 Nope\\nContent-Type: text/plain\\n\\nmine"\n',
  'only-status': '#!/bin/sh\nprintf "Status: 404 Nope\\n\\n"\n',
  'no-content': '#!/bin/sh\nprintf "Status: 204 x\\nContent-Length: 3\\n\\nabc"\n',
  'local-redirect': '#!/bin/sh\nprintf "Location: /other?x=1\\n\\n"\n',
  'client-redirect': '#!/bin/sh\nprintf "Location: http://example.org/\\n\\n"\n',
  'two-cookies': '#!/bin/sh\nprintf "Set-Cookie: a\\nSet-Cookie: b\\nContent-Type: a/b\\n\\n"\n',
  'no-type': '#!/bin/sh\nprintf "X: y\\n\\n<script>"\n',
  'nph-whole': '#!/bin/sh\nprintf "HTTP/1.0 299 Mine\\r\\nX: y\\r\\n\\r\\nraw"\n',
  'close-stdout-early': plain('echo out; exec >&- 2>&-; sleep 1000.3'),
  'leave-child-behind': plain('sleep 0.1 >/dev/null 2>&1 & echo out'),
  'not-executable.txt': plain('echo secret'),
  'bad-interpreter': '#!/no/such/interpreter\necho secret\n',
  'touch-file': plain('touch ran; echo ok'),
  '.hidden': plain('echo secret'),
});
const responders: CgiResponder[] = [];
afterAll(async () => {
  await Promise.all(responders.map(async (respond) => respond.close()));
  scripts.remove();
});

type Options = Omit<Extract<CgiOptions, { directory: string }>, 'directory'>;

function responder(options: Options = {}): CgiResponder {
  const respond = cgi({ directory: scripts.path, passEnv: [], log: () => {}, ...options });
  responders.push(respond);
  return respond;
}

function causeOf(response: CgiResponse): CgiError {
  expect(response.cause).toBeInstanceOf(CgiError);
  return response.cause as CgiError;
}

async function failure(content: Promise<unknown>): Promise<string> {
  try {
    await content;
  } catch (error) {
    if (error instanceof CgiError) return error.code;
    throw error;
  }
  return 'whole';
}

/** What is wrong with an answer, told by its status or by its content that breaks off. */
async function brokenBy(response: CgiResponse): Promise<string> {
  return response.status === 502 ? causeOf(response).code : failure(text(response));
}

describe.each(['shell', 'direct'] as const)('cgi with the %s spawner', (spawner) => {
  const respond = responder({ spawner });

  test('answers with what a script writes', async () => {
    const response = await respond(request('/ignore-content'));
    expect(response).toMatchObject({ status: 200, fields: [['content-type', 'text/plain']] });
    expect(await text(response)).toBe('ok\n');
  });

  test('gives a script its environment and nothing else', async () => {
    process.env['ONEZERO_SECRET'] = 'x';
    const response = await respond(request('/print-environment/a', { fields: [['x-quote', `'"$(id)\`id\`\\`]] }));
    const variables = (await text(response)).trim().split('\n').sort();
    expect(variables.filter((line) => !line.startsWith('PWD='))).toEqual([
      `DOCUMENT_ROOT=${scripts.path}`,
      'GATEWAY_INTERFACE=CGI/1.1',
      `HTTP_X_QUOTE='"$(id)\`id\`\\`,
      'PATH_INFO=/a',
      `PATH_TRANSLATED=${scripts.path}/a`,
      'QUERY_STRING=',
      'REDIRECT_STATUS=200',
      'REMOTE_ADDR=192.0.2.1',
      'REMOTE_PORT=4000',
      'REQUEST_METHOD=GET',
      'REQUEST_SCHEME=http',
      'REQUEST_URI=/cgi-bin/print-environment/a',
      `SCRIPT_FILENAME=${scripts.path}/print-environment`,
      'SCRIPT_NAME=/cgi-bin/print-environment',
      'SERVER_ADDR=192.0.2.2',
      'SERVER_NAME=example.org',
      'SERVER_PORT=8080',
      'SERVER_PROTOCOL=HTTP/1.1',
      'SERVER_SOFTWARE=onezero',
    ]);
  });

  test.each([
    ['UTF-8 bytes in a field', [['x', 'Ã¼']], 'HTTP_X=Ã¼'],
    ['what looks like a function', [['x', '() { :;}; echo evil']], 'HTTP_X=() { :;}; echo evil'],
  ] as const)('passes %s as data', async (_, fields, line) => {
    expect(await text(await respond(request('/print-environment', { fields })))).toContain(`${line}\n`);
  });

  test('passes a path of several lines', async () => {
    const pathInfo = "/print-environment/a\nEVIL=1'\n";
    expect(await text(await respond(request(pathInfo)))).toContain("PATH_INFO=/a\nEVIL=1'\n\n");
  });

  test.each(['GET', 'HEAD', 'BREW', 'get', 'DELETE'])('passes the method %s as it is', async (method) => {
    const response = await respond(request('/print-environment', { method }));
    expect(await text(response)).toContain(`REQUEST_METHOD=${method}\n`);
  });

  test('starts a script in its directory', async () => {
    expect(await text(await respond(request('/print-directory')))).toBe(`${scripts.path}\n`);
    expect(await text(await respond(request('/sub/print-directory/pi')))).toBe(
      `${scripts.path}/sub\n/cgi-bin/sub/print-directory\n/pi\n`,
    );
  });

  test('calls a script by its path', async () => {
    expect(await text(await respond(request('/print-name')))).toBe(`${scripts.path}/print-name\n`);
  });

  test('takes directory, umask, arguments and wrapper from the options', async () => {
    const other = responder({ spawner, cwd: '/', umask: 0o027, args: ['a b', "c'd"], wrapper: ['env', 'WRAPPED=1'] });
    expect(await text(await other(request('/print-directory')))).toBe('/\n');
    expect(await text(await other(request('/print-umask')))).toBe('0027\n');
    expect(await text(await other(request('/print-arguments')))).toBe("a b\nc'd\n");
    expect(await text(await other(request('/print-environment')))).toContain('WRAPPED=1\n');
  });

  test('takes the environment from a map or a function', async () => {
    const map = responder({ spawner, env: { GIT_PROJECT_ROOT: '/srv', SERVER_SOFTWARE: 'ü' } });
    const output = await text(await map(request('/print-environment', { fields: [['git-project-root', 'evil']] })));
    expect(output).toContain('GIT_PROJECT_ROOT=/srv\n');
    expect(output).toContain('SERVER_SOFTWARE=Ã¼\n');
    const made = responder({ spawner, env: async ({ method }) => ({ METHOD: method }) });
    expect(await text(await made(request('/print-environment')))).toContain('METHOD=GET\n');
  });

  test.each(['echo', 'echo-device'])('gives %s its content', async (name) => {
    expect(await text(await respond(request(`/${name}`, { content: 'hello \0\xff' })))).toBe('hello \0Ã¿');
  });

  test('gives a script without content an empty input', async () => {
    expect(await text(await respond(request('/echo')))).toBe('');
    expect(await text(await respond(request('/echo', { content: '' })))).toBe('');
  });

  test('gives chunked content with its length', async () => {
    const response = await respond(request('/count-content', { content: chunks(300, 10_000) }));
    expect(await text(response)).toBe('CL=3000000 read=3000000\n');
  });

  test('streams content of a length', async () => {
    const content = chunks(300, 10_000);
    const response = await respond(request('/count-content', { content, contentLength: 3_000_000 }));
    expect(await text(response)).toBe('CL=3000000 read=3000000\n');
  });

  test('reads and writes at once', async () => {
    const response = await respond(
      request('/echo-while-reading', { content: chunks(300, 10_000), contentLength: 3_000_000 }),
    );
    expect((await text(response)).length).toBe(3_000_000);
  });

  test.each(['ignore-content', 'close-stdin-early'])('lets %s answer without reading', async (name) => {
    const response = await respond(request(`/${name}`, { content: chunks(300, 10_000), contentLength: 3_000_000 }));
    expect(await text(response)).toBe('ok\n');
  });

  test('gives standard error to the sink, line by line', async () => {
    const lines: string[] = [];
    const other = responder({ spawner, log: ({ line, script, request: id }) => lines.push(`${script} ${id} ${line}`) });
    expect(await text(await other(request('/write-stderr', { id: 'r1' })))).toBe('out\n');
    await expect.poll(() => lines).toEqual(['one', 'two'].map((line) => `${scripts.path}/write-stderr r1 ${line}`));
  });

  test('reads any amount of standard error', async () => {
    let count = 0;
    const other = responder({ spawner, log: ({ line }) => (count += line.length) });
    expect(await text(await other(request('/write-much-stderr')))).toBe('out\n');
    await expect.poll(() => count).toBeGreaterThan(60_000);
    expect(count).toBeLessThan(70_000);
  });

  test('survives a sink that throws', async () => {
    const other = responder({
      spawner,
      log: () => {
        throw new Error('broken sink');
      },
    });
    expect(await text(await other(request('/write-stderr')))).toBe('out\n');
  });

  test.each([
    ['die-before-header', 'no-output', 'exited with code 3'],
    ['die-in-header', 'bad-header', 'exited with code 3'],
    ['kill-self-before-header', 'no-output', 'SIGKILL'],
    ['write-nothing', 'no-output', 'exited with code 0'],
    ['bad-header', 'bad-header', 'nonsense'],
    ['too-long-header', 'bad-header', '65536'],
    ['endless-header', 'bad-header', '65536'],
    ['set-transfer-encoding', 'bad-header', 'Transfer-Encoding'],
  ])('answers 502 when a script is like %s', async (name, code, message) => {
    const response = await respond(request(`/${name}`));
    expect(response.status).toBe(502);
    expect(response.content).toBeUndefined();
    expect(causeOf(response).code).toBe(code);
    expect(causeOf(response).message).toContain(message);
  });

  test('keeps the end of standard error for the log', async () => {
    expect(causeOf(await respond(request('/die-before-header'))).stderr).toBe('oops\n');
  });

  test('has a whole answer from a script that exits with a code', async () => {
    expect(await text(await respond(request('/exit-3')))).toBe('out\n');
  });

  test('breaks an answer off when a signal did', async () => {
    expect(await failure(text(await respond(request('/kill-self-after-much'))))).toBe('killed');
    expect(await brokenBy(await respond(request('/kill-self-after-header')))).toBe('killed');
  });

  test('holds a script to its length', async () => {
    expect(await text(await respond(request('/set-length-2')))).toBe('he');
    expect(await text(await respond(request('/set-length-5')))).toBe('hello');
    expect(await brokenBy(await respond(request('/set-length-10')))).toBe('content-cut');
    expect(field(await respond(request('/set-length-5')), 'content-length')).toBe('5');
  });

  test('passes status, reason and fields on', async () => {
    const response = await respond(request('/set-status'));
    expect(response).toMatchObject({ status: 404, reason: 'Nope' });
    expect(response.cause).toBeUndefined();
    expect(await text(response)).toBe('mine');
    expect(await respond(request('/only-status'))).toMatchObject({ status: 404, content: expect.anything() });
    expect((await respond(request('/two-cookies'))).fields.filter(([name]) => name === 'set-cookie')).toHaveLength(2);
  });

  test('has no content where there is none', async () => {
    expect(await respond(request('/no-content'))).toEqual({ status: 204, reason: 'x', fields: [] });
  });

  test('does not let a browser guess a type', async () => {
    expect(field(await respond(request('/no-type')), 'x-content-type-options')).toBe('nosniff');
  });

  test('redirects', async () => {
    expect(await respond(request('/local-redirect'))).toMatchObject({ status: 302, localRedirect: '/other?x=1' });
    const client = await respond(request('/client-redirect'));
    expect(client).toMatchObject({ status: 302, fields: [['location', 'http://example.org/']] });
    const refusing = await responder({ spawner, localRedirect: false })(request('/local-redirect'));
    expect(refusing).toMatchObject({ status: 302, fields: [['location', '/other?x=1']] });
    expect(refusing).not.toHaveProperty('localRedirect');
  });

  test('passes an unparsed response on when asked to', async () => {
    const response = await responder({ spawner, nph: 'name' })(request('/nph-whole'));
    expect(response.nonParsed).toBe(true);
    expect(await text(response)).toBe('HTTP/1.0 299 Mine\r\nX: y\r\n\r\nraw');
    const parsed = await respond(request('/nph-whole'));
    expect(parsed).toMatchObject({ status: 299, reason: 'Mine', fields: [['x', 'y'], expect.anything()] });
  });

  test('ends an answer when its script closes it', async () => {
    expect(await text(await respond(request('/leave-child-behind')))).toBe('out\n');
  });

  test.each([
    ['/no-such-script', 404, 'script-not-found'],
    ['/', 403, 'script-forbidden'],
    ['', 403, 'script-forbidden'],
    ['/sub', 403, 'script-forbidden'],
    ['/not-executable.txt', 403, 'script-forbidden'],
    ['/.hidden', 404, 'script-not-found'],
    ['/../echo', 404, 'script-not-found'],
    ['/sub/../echo', 404, 'script-not-found'],
    ['/echo\0.txt', 404, 'script-not-found'],
    ['/bad-interpreter', 500, 'start-failed'],
  ])('refuses %j', async (pathInfo, status, code) => {
    const response = await respond(request(pathInfo));
    expect(response.status).toBe(status);
    expect(causeOf(response).code).toBe(code);
  });

  test('refuses two types of one content, and takes the same twice', async () => {
    const post = (types: readonly string[]): Promise<CgiResponse> =>
      respond(request('/echo', { content: 'a', fields: types.map((type): Field => ['content-type', type]) }));
    expect(await post(['text/plain', 'text/html'])).toMatchObject({ status: 400, cause: { code: 'type-repeated' } });
    expect(await post(['text/plain', 'text/plain'])).toMatchObject({ status: 200 });
  });

  test('refuses a field that no process can be given', async () => {
    const response = await respond(request('/echo', { fields: [['x', 'y'.repeat(140_000)]] }));
    expect(response.status).toBe(431);
    expect(await text(await respond(request('/ignore-content')))).toBe('ok\n');
  });

  test('keeps fifty answers apart', async () => {
    const tokens = Array.from({ length: 50 }, (_, index) => `token-${index}`);
    const answers = await Promise.all(
      tokens.map(async (token) => text(await respond(request('/echo', { content: token })))),
    );
    expect(answers).toEqual(tokens);
  });
});

describe('cgi', () => {
  test('makes no arguments of a query by default', async () => {
    const response = await responder()(request('/print-arguments', { query: 'a+b' }));
    expect(await text(response)).toBe('\n');
  });

  test.each([
    ['a+b%20c', 'GET', ['a', 'b c']],
    ['a%3Db', 'GET', ['a=b']],
    ['a=b+c', 'GET', ['']],
    ['a+b', 'POST', ['']],
    ['-s', 'GET', ['']],
    ['%2ds', 'GET', ['']],
    ['a+-s', 'GET', ['']],
    ['a+%00', 'GET', ['']],
    ['a+%zz', 'GET', ['']],
    ["$(id)+;id+'", 'GET', ['$(id)', ';id', "'"]],
  ])('makes arguments of ?%s for %s when asked to', async (query, method, words) => {
    const response = await responder({ queryArgs: true })(request('/print-arguments', { query, method }));
    expect(await text(response)).toBe(`${words.join('\n')}\n`);
  });

  test('refuses a method outside its list', async () => {
    const response = await responder({ methods: ['GET', 'HEAD'] })(request('/touch-file', { content: 'x' }));
    expect(response).toMatchObject({ status: 405, fields: [['allow', 'GET, HEAD']] });
    expect(scripts.has('ran')).toBe(false);
  });

  test('refuses content that is too long before it starts a script', async () => {
    const respond = responder({ limits: { maxContentBytes: 1000 } });
    expect(await respond(request('/touch-file', { content: 'x'.repeat(1001) }))).toMatchObject({ status: 413 });
    expect(await respond(request('/touch-file', { content: chunks(2, 600) }))).toMatchObject({ status: 413 });
    const huge = request('/touch-file', { content: chunks(1, 1), contentLength: 10 ** 12 });
    expect(await respond(huge)).toMatchObject({ status: 413 });
    expect(scripts.has('ran')).toBe(false);
  });

  test('refuses chunked content when told to', async () => {
    const respond = responder({ chunked: 'reject' });
    expect(await respond(request('/echo', { content: chunks(1, 1) }))).toMatchObject({ status: 411 });
  });

  test('does not start a script whose content breaks off', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('part');
      throw new Error('connection reset');
    }
    for (const contentLength of [undefined, 100]) {
      const response = await responder()(request('/touch-file', { content: broken(), contentLength }));
      expect(response.status).toBe(400);
    }
    expect(scripts.has('ran')).toBe(false);
  });

  test('does not start a script whose content is shorter than announced', async () => {
    const response = await responder()(request('/touch-file', { content: chunks(1, 5), contentLength: 6 }));
    expect(response.status).toBe(400);
    expect(scripts.has('ran')).toBe(false);
  });

  test('collects all content first when told to', async () => {
    const respond = responder({ spool: 'always' });
    const response = await respond(
      request('/count-content', { content: chunks(300, 10_000), contentLength: 3_000_000 }),
    );
    expect(await text(response)).toBe('CL=3000000 read=3000000\n');
  });

  test('names what the options ask for in vain', () => {
    expect(() => cgi({ directory: '/no/such' })).toThrow('cgi: directory /no/such does not exist');
    expect(() => cgi({ script: '/no/such' })).toThrow('cgi: script /no/such does not exist');
    const file = import.meta.filename;
    expect(() => cgi({ directory: file })).toThrow(`cgi: directory ${file} is not a directory`);
    expect(() => cgi({ root: file, extensions: { '.cgi': null } })).toThrow(`cgi: root ${file} is not a directory`);
    expect(() => cgi({ root: scripts.path, extensions: { '.x': 'no-such-command' } })).toThrow('no-such-command');
    expect(() => cgi({ directory: scripts.path, wrapper: ['no-such-command'] })).toThrow('no-such-command');
  });
});
