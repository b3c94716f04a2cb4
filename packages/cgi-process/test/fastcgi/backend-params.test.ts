import { describe, expect, test } from 'vitest';
import { backendParams } from '../../src/fastcgi/backend-params.ts';
import type { GatewayOptions } from '../../src/fastcgi/options.ts';
import type { FoundScript } from '../../src/request/find-script.ts';
import { request } from '../mount.ts';

const found = { file: '/srv/site/shop/index.php', scriptName: '/shop/index.php', pathInfo: '/cart' } as FoundScript;

function params(options: Partial<GatewayOptions>, root: string | undefined, script = found): Record<string, string> {
  const asked = request('/shop/index.php/cart', { scriptName: '/app' });
  return backendParams(asked, { ...script, root }, { options: { address: '9000', ...options }, contentLength: 12 });
}

describe('backendParams', () => {
  test('names the script below the mount, the rest of the path and all of the content', () => {
    expect(params({}, '/srv/site')).toMatchObject({
      SCRIPT_NAME: '/app/shop/index.php',
      PATH_INFO: '/cart',
      CONTENT_LENGTH: '12',
      DOCUMENT_ROOT: '/srv/site',
      SCRIPT_FILENAME: '/srv/site/shop/index.php',
    });
  });

  test('says where the files are on the machine of the application', () => {
    expect(params({ backendRoot: '/var/www' }, '/srv/site')).toMatchObject({
      DOCUMENT_ROOT: '/var/www',
      SCRIPT_FILENAME: '/var/www/shop/index.php',
    });
    expect(params({ backendRoot: '/var/www', documentRoot: '/elsewhere' }, '/srv/site')).toMatchObject({
      DOCUMENT_ROOT: '/elsewhere',
      SCRIPT_FILENAME: '/var/www/shop/index.php',
    });
  });

  test('names no other file for PHP to run, which it would with cgi.fix_pathinfo=0', () => {
    expect(params({ root: '/srv/site' }, '/srv/site')).not.toHaveProperty('PATH_TRANSLATED');
    expect(params({ directory: '/srv/site' }, '/srv/site')).toHaveProperty('PATH_TRANSLATED', '/srv/site/cart');
    const own = { PATH_TRANSLATED: '/own' };
    expect(params({ root: '/srv/site', params: own }, '/srv/site')).toMatchObject(own);
  });

  test('names no file where none was looked for', () => {
    const application = { file: '', scriptName: '', pathInfo: '/cart' } as FoundScript;
    expect(params({}, undefined, application)).not.toHaveProperty('SCRIPT_FILENAME');
    expect(params({}, '/srv/site', application)).not.toHaveProperty('SCRIPT_FILENAME');
  });

  test('lets the mount have the last word, in bytes', () => {
    const variables = params({ params: { SCRIPT_FILENAME: '/x.php', GREETING: 'grüß' } }, '/srv/site');
    expect(variables['SCRIPT_FILENAME']).toBe('/x.php');
    expect(Buffer.from(variables['GREETING'] ?? '', 'latin1').toString('utf8')).toBe('grüß');
  });
});
