import { describe, expect, test } from 'vitest';
import { metaVariables } from '../../src/index.ts';
import { request } from '../mount.ts';

describe('metaVariables', () => {
  test('names a request whole', () => {
    const variables = metaVariables(
      request('/a b', {
        method: 'GET',
        target: '/cgi-bin/x.cgi/a%20b?q=1',
        scriptName: '/cgi-bin/x.cgi',
        query: 'q=1',
        fields: [
          ['host', 'example.org:8080'],
          ['x-one', '1'],
        ],
        id: 'r1',
      }),
      { documentRoot: '/srv/', scriptFilename: '/srv/cgi-bin/x.cgi' },
    );
    expect(variables).toEqual({
      GATEWAY_INTERFACE: 'CGI/1.1',
      REQUEST_METHOD: 'GET',
      SERVER_PROTOCOL: 'HTTP/1.1',
      QUERY_STRING: 'q=1',
      REQUEST_URI: '/cgi-bin/x.cgi/a%20b?q=1',
      REQUEST_SCHEME: 'http',
      REDIRECT_STATUS: '200',
      UNIQUE_ID: 'r1',
      SCRIPT_NAME: '/cgi-bin/x.cgi',
      SCRIPT_FILENAME: '/srv/cgi-bin/x.cgi',
      PATH_INFO: '/a b',
      PATH_TRANSLATED: '/srv/a b',
      DOCUMENT_ROOT: '/srv/',
      SERVER_NAME: 'example.org',
      SERVER_PORT: '8080',
      SERVER_ADDR: '192.0.2.2',
      SERVER_SOFTWARE: 'onezero',
      REMOTE_ADDR: '192.0.2.1',
      REMOTE_PORT: '4000',
      HTTP_HOST: 'example.org:8080',
      HTTP_X_ONE: '1',
    });
  });

  test.each([
    ['nobody was asked', {}, {}],
    ['this server authenticated', { user: 'ann', authType: 'Basic' }, { REMOTE_USER: 'ann', AUTH_TYPE: 'Basic' }],
    ['only a type is known', { authType: 'Basic' }, {}],
  ])('tells the user when %s', (_, changes, expected) => {
    const { REMOTE_USER, AUTH_TYPE } = metaVariables(request('/', changes));
    expect({ REMOTE_USER, AUTH_TYPE }).toEqual({ REMOTE_USER: undefined, AUTH_TYPE: undefined, ...expected });
  });

  test.each([
    ['no content', {}, undefined],
    ['content of a length', { contentLength: 1000 }, '1000'],
    ['content of length 0 that was announced', { contentLength: 0, fields: [['content-length', '0']] }, '0'],
    ['content without length', { contentLength: undefined, fields: [['transfer-encoding', 'chunked']] }, undefined],
  ] as const)('gives CONTENT_LENGTH for %s', (_, changes, expected) => {
    expect(metaVariables(request('/', changes))['CONTENT_LENGTH']).toBe(expected);
  });

  test('gives the length that was found out', () => {
    expect(metaVariables(request('/', { contentLength: undefined }), { contentLength: 7 })['CONTENT_LENGTH']).toBe('7');
  });

  test('gives CONTENT_TYPE as it came, or not at all', () => {
    const type = 'multipart/form-data; boundary="a b"';
    expect(metaVariables(request('/', { fields: [['content-type', type]] }))['CONTENT_TYPE']).toBe(type);
    expect(metaVariables(request('/'))).not.toHaveProperty('CONTENT_TYPE');
  });

  test('leaves PATH_INFO and PATH_TRANSLATED out without a path', () => {
    const variables = metaVariables(request(''), { documentRoot: '/srv' });
    expect(variables).not.toHaveProperty('PATH_INFO');
    expect(variables).not.toHaveProperty('PATH_TRANSLATED');
  });

  test('writes text as the bytes of its UTF-8', () => {
    expect(metaVariables(request('/ü', { user: '☃' }))).toMatchObject({ PATH_INFO: '/Ã¼', REMOTE_USER: 'â\x98\x83' });
  });

  test('always sets QUERY_STRING, byte for byte', () => {
    expect(metaVariables(request('/'))['QUERY_STRING']).toBe('');
    expect(metaVariables(request('/', { query: 'a%20b=%C3%BC&c?d/e' }))['QUERY_STRING']).toBe('a%20b=%C3%BC&c?d/e');
  });

  test.each([
    ['example.org', 'example.org'],
    ['example.org:80', 'example.org'],
    ['[2001:db8::1]:80', '[2001:db8::1]'],
    ['[2001:db8::1]', '[2001:db8::1]'],
    [undefined, '192.0.2.2'],
  ])('takes SERVER_NAME from %s', (authority, name) => {
    expect(metaVariables(request('/', { authority }))['SERVER_NAME']).toBe(name);
  });

  test('never has an empty SERVER_NAME', () => {
    const local = { address: '::1', port: 80 };
    expect(metaVariables(request('/', { authority: undefined, local }))['SERVER_NAME']).toBe('[::1]');
    const configured = metaVariables(request('/', { authority: undefined, local }), { serverName: 'here' });
    expect(configured['SERVER_NAME']).toBe('here');
  });

  test('has a port and an address for a Unix socket', () => {
    const local = { address: '/run/onezero.sock', port: 0 };
    expect(metaVariables(request('/', { local, remote: { address: '', port: 0 } }))).toMatchObject({
      SERVER_PORT: '80',
      SERVER_ADDR: '127.0.0.1',
      REMOTE_ADDR: '127.0.0.1',
    });
  });

  test('undresses IPv4 in IPv6', () => {
    expect(metaVariables(request('/', { remote: { address: '::ffff:10.0.0.1', port: 1 } }))['REMOTE_ADDR']).toBe(
      '10.0.0.1',
    );
  });

  test('says HTTPS only under TLS', () => {
    expect(metaVariables(request('/', { scheme: 'https' }))).toMatchObject({ HTTPS: 'on', REQUEST_SCHEME: 'https' });
    expect(metaVariables(request('/'))).not.toHaveProperty('HTTPS');
  });

  test('gives the version of the request', () => {
    expect(metaVariables(request('/', { version: '0.9' }))['SERVER_PROTOCOL']).toBe('HTTP/0.9');
  });

  test('joins repeated fields, cookies with a semicolon', () => {
    const fields = [
      ['x-d', '1'],
      ['cookie', 'a=1'],
      ['x-d', '2'],
      ['cookie', 'b=2'],
      ['x-empty', ''],
    ] as const;
    expect(metaVariables(request('/', { fields }))).toMatchObject({
      HTTP_X_D: '1, 2',
      HTTP_COOKIE: 'a=1; b=2',
      HTTP_X_EMPTY: '',
    });
  });

  test.each([
    'proxy',
    'content-length',
    'content-type',
    'connection',
    'keep-alive',
    'te',
    'transfer-encoding',
    'upgrade',
    'x_user',
    'content_length',
    'x.user',
    'x user',
    'x=y',
    'x\ny',
    '',
    'authorization',
    'proxy-authorization',
  ])('withholds the field %j', (name) => {
    const before = Object.keys(metaVariables(request('/')));
    const after = Object.keys(metaVariables(request('/', { fields: [[name, 'x']] })));
    expect(
      after.filter((key) => key.startsWith('HTTP_') || !['CONTENT_TYPE', 'CONTENT_LENGTH', ...before].includes(key)),
    ).toEqual([]);
  });

  test('does not let a twin with underscore speak for a field', () => {
    const twin = ['x_user', 'mallory'] as const;
    const real = ['x-user', 'ann'] as const;
    expect(metaVariables(request('/', { fields: [twin, real] }))['HTTP_X_USER']).toBe('ann');
    expect(metaVariables(request('/', { fields: [real, twin] }))['HTTP_X_USER']).toBe('ann');
  });

  test('passes the credentials when asked to', () => {
    const fields = [['authorization', 'Bearer x']] as const;
    expect(metaVariables(request('/', { fields }), { passAuthorization: true })['HTTP_AUTHORIZATION']).toBe('Bearer x');
  });

  test.each(['path', 'document-root', 'ld-preload', 'request-method', 'remote-user'])(
    'lets the field %s become nothing but an HTTP_ variable',
    (name) => {
      const variable = name.toUpperCase().replaceAll('-', '_');
      const before = metaVariables(request('/'));
      const after = metaVariables(request('/', { fields: [[name, 'evil']] }));
      expect(after[variable]).toBe(before[variable]);
      expect(after[`HTTP_${variable}`]).toBe('evil');
    },
  );

  test('passes what git needs', () => {
    const fields = [
      ['git-protocol', 'version=2'],
      ['content-encoding', 'gzip'],
    ] as const;
    expect(metaVariables(request('/', { fields }))).toMatchObject({
      HTTP_GIT_PROTOCOL: 'version=2',
      HTTP_CONTENT_ENCODING: 'gzip',
    });
  });
});
