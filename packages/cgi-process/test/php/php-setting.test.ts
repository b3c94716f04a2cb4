import { describe, expect, test } from 'vitest';
import { settingIn, settingOf } from '../../src/php/php-setting.ts';
import { isInstalled } from '../mount.ts';

describe('settingIn', () => {
  test.each([
    ['a => b => c\nupload_tmp_dir => /large => /large\n', '/large'],
    ['upload_tmp_dir => no value => no value\n', undefined],
    ['no_upload_tmp_dir => /other => /other\n', undefined],
    ['<tr><td class="e">upload_tmp_dir</td><td class="v">/large</td><td class="v">/large</td></tr>', '/large'],
    ['<tr><td class="e">upload_tmp_dir</td><td class="v"><i>no value</i></td></tr>', undefined],
    ['', undefined],
  ])('reads %j', (told, value) => {
    expect(settingIn(told, 'upload_tmp_dir')).toBe(value);
  });
});

describe('settingOf', () => {
  test.skipIf(!isInstalled('php-cgi', '-v'))('asks PHP', async () => {
    const options = { env: { PATH: process.env['PATH'] } };
    expect(await settingOf('php-cgi', ['memory_limit'], options)).toMatch(/^-?\d+[KMG]?$/);
    expect(await settingOf('php-cgi', ['no_such_setting', 'memory_limit'], options)).toMatch(/^-?\d+[KMG]?$/);
    expect(await settingOf('php-cgi', ['no_such_setting'], options)).toBeUndefined();
  });

  test('knows nothing of what is no PHP', async () => {
    expect(await settingOf('/no/such/php', ['memory_limit'], {})).toBeUndefined();
    expect(await settingOf('false', ['memory_limit'], {})).toBeUndefined();
  });
});
