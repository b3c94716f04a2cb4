// A local redirect is a GET of another path: what belongs to the old request's content does not go along.

import { describe, expect, test } from 'vitest';
import { NO_CONTENT } from '../../src/message/request.ts';
import { redirected } from '../../src/routing/local-redirect.ts';
import { request } from '../request.ts';

describe('redirected', () => {
  test('asks for another path as a GET without content, from the top', () => {
    const before = request({
      method: 'POST',
      scriptName: '/cgi-bin',
      pathInfo: '/form',
      query: 'old=1',
      contentLength: 5,
      user: 'ada',
      authType: 'Basic',
      fields: [
        ['host', 'a'],
        ['content-length', '5'],
        ['content-type', 'text/plain'],
        ['content-encoding', 'gzip'],
        ['transfer-encoding', 'chunked'],
        ['expect', '100-continue'],
        ['trailer', 'x'],
        ['cookie', 'c=1'],
        ['authorization', 'Basic x'],
      ],
    });
    const after = redirected(before, '/done%20now?a=%2F');
    expect(after).toMatchObject({
      method: 'GET',
      target: '/done%20now?a=%2F',
      scriptName: '',
      pathInfo: '/done now',
      query: 'a=%2F',
      contentLength: 0,
      user: undefined,
      authType: undefined,
    });
    expect(after?.content).toBe(NO_CONTENT);
    expect(after?.fields.map(([name]) => name)).toEqual(['host', 'cookie', 'authorization']);
    // The client, the id and the connection are the same.
    expect(after).toMatchObject({ id: before.id, remote: before.remote, version: before.version });
    expect(after?.signal).toBe(before.signal);
  });

  test.each([
    ['/a', '/a', undefined],
    ['/a?', '/a', ''],
    ['/a?b?c', '/a', 'b?c'],
    ['/a/./b/../c', '/a/c', undefined],
    ['/%61', '/a', undefined],
    ['/?x', '/', 'x'],
    ['//a', '//a', undefined],
    ['/a#b', '/a', undefined],
    ['/a?b#c?d', '/a', 'b'],
    ['/a%23b', '/a#b', undefined],
    ['/a?q=one two\t%20', '/a', 'q=one%20two%09%20'],
    ['/a?q=\u00c3\u00a9', '/a', 'q=%C3%A9'],
    ['/a?q=\u7528\ud83d\ude00', '/a', 'q=%E7%94%A8%F0%9F%98%80'],
  ])('%s is read as %s with the query %j', (location, pathInfo, query) => {
    expect(redirected(request(), location)).toMatchObject({ pathInfo, query });
  });

  test.each(['', 'a', '#a', '?x', '/../etc/passwd', '/%00', '/%zz', '/%ff', 'http://other.org/', '/a%2Fx/../b'])(
    '%j has no reading',
    (location) => {
      expect(redirected(request(), location)).toBeUndefined();
    },
  );

  test('leaves the request that it was made of as it was', () => {
    const before = request({ method: 'PUT', pathInfo: '/x', query: 'q' });
    redirected(before, '/y');
    expect(before).toMatchObject({ method: 'PUT', pathInfo: '/x', query: 'q' });
  });
});
