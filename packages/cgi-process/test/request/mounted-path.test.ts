import { describe, expect, test } from 'vitest';
import { mountedPath, mountSegments } from '../../src/request/mounted-path.ts';

describe('mountedPath', () => {
  test.each([
    ['/cgi-bin/a.sh/x', '/cgi-bin', '', '/cgi-bin', '/a.sh/x'],
    ['/cgi-bin', '/cgi-bin/', '', '/cgi-bin', ''],
    ['//cgi-bin//a.sh', '/cgi-bin', '', '/cgi-bin', '//a.sh'],
    ['/my%20app/a.sh', '', '/my%20app', '/my app', '/a.sh'],
    ['/caf%C3%A9/a.sh', '', '/caf%C3%A9', '/café', '/a.sh'],
    ['/caf%C3%A9/a.sh', '/café', '', '/café', '/a.sh'],
    ['/caf%c3%a9/a.sh', '/caf%C3%A9', '', '/café', '/a.sh'],
    ['/app/run/a.sh', '/run', '/app', '/app/run', '/a.sh'],
    ['/a.sh', '', '', '', '/a.sh'],
  ])('splits %s at "%s" below "%s"', (raw, mount, base, scriptName, pathInfo) => {
    expect(mountedPath(raw, mountSegments(mount), base)).toEqual({ scriptName, pathInfo });
  });

  test.each([
    ['/other', 404],
    ['/cgi-binary/a.sh', 404],
    ['/cgi-bin/../a.sh', 404],
    ['/cgi-bin//../a.sh', 404],
    ['/cgi-bin/%00', 400],
    ['/../cgi-bin/a.sh', 400],
    ['/%', 400],
  ])('answers %s with %i', (raw, status) => {
    expect(mountedPath(raw, mountSegments('/cgi-bin'))).toBe(status);
  });

  test('refuses a mount that cannot be decoded', () => {
    expect(() => mountSegments('/100%')).toThrow(/"%25"/);
  });
});
