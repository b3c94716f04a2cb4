import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { TlsOptions } from '../../src/options.ts';
import { readCertificate, watchCertificate } from '../../src/operations/tls.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
let directory: string;

function make(name: string, passphrase?: string): void {
  const protection = passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`];
  const key = join(directory, `${name}.key`);
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...kind, ...protection, '-keyout', key, '-out', join(directory, `${name}.pem`), ...subject],
    { stdio: 'ignore' },
  );
}

function files(name: string): { cert: string; key: string } {
  return { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
}

describe.skipIf(!hasOpenssl && process.env['CI'] === undefined)('certificates', () => {
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'onezero-tls-'));
    for (const name of ['one', 'two']) make(name);
    make('locked', 'secret');
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('are read with their passphrase', () => {
    writeFileSync(join(directory, 'passphrase'), 'secret\n');
    expect(readCertificate({ ...files('locked'), passphraseFile: join(directory, 'passphrase') }).passphrase).toBe(
      'secret',
    );
    expect(() => readCertificate(files('locked'))).toThrow(/cannot use .*locked\.key: the key needs a passphrase$/);
    writeFileSync(join(directory, 'passphrase'), 'other\n');
    const other = { ...files('locked'), passphraseFile: join(directory, 'passphrase') };
    expect(() => readCertificate(other)).toThrow(/locked\.key: the passphrase does not fit the key$/);
  });

  test('are refused when missing, broken or of another key', () => {
    writeFileSync(join(directory, 'broken.pem'), 'nonsense');
    expect(() => readCertificate(files('missing'))).toThrow(/cannot read .*missing\.pem: ENOENT/);
    expect(() => readCertificate({ ...files('one'), cert: join(directory, 'broken.pem') })).toThrow(
      /cannot use the certificate .*broken\.pem with .*: the certificate has no -----BEGIN CERTIFICATE-----$/,
    );
    expect(() => readCertificate({ ...files('one'), key: files('one').cert })).toThrow(
      /the key has no -----BEGIN PRIVATE KEY-----$/,
    );
    expect(() => readCertificate({ ...files('one'), key: files('two').key })).toThrow(
      /cannot use .*of another certificate/,
    );
    // Between an old key of one kind and a new certificate of another, both are taken, and no handshake succeeds.
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(directory, 'rsa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect(() => readCertificate({ ...files('one'), key: join(directory, 'rsa.key') })).toThrow(
      /of another certificate/,
    );
    // As a full disk, or a program that is just writing it, leaves it.
    writeFileSync(join(directory, 'empty.key'), '');
    expect(() => readCertificate({ ...files('one'), key: join(directory, 'empty.key') })).toThrow(
      /the key has no -----BEGIN/,
    );
  });

  test('are looked at once a month where that is wanted', () => {
    vi.useFakeTimers();
    let looks = 0;
    const look = (): void => void (looks += 1);
    const stop = watchCertificate(files('one'), {
      intervalMs: 30 * 86_400_000,
      since: '',
      onChange: look,
      onError: look,
    });
    vi.advanceTimersByTime(60_000);
    expect(looks).toBe(0);
    stop();
    vi.useRealTimers();
  });

  test('are read again when they change, and kept when the change is no good', async () => {
    const live = files('live');
    const copy = (from: string, kinds: readonly ('cert' | 'key')[]): void => {
      for (const kind of kinds) copyFileSync(files(from)[kind], live[kind]);
    };
    copy('one', ['cert', 'key']);
    const events: (TlsOptions | Error)[] = [];
    let wake: (() => void) | undefined;
    const next = async (): Promise<TlsOptions | Error | undefined> => {
      if (events.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return events.shift();
    };
    const see = (event: TlsOptions | Error): void => {
      events.push(event);
      wake?.();
    };
    const stop = watchCertificate(live, { intervalMs: 5, onChange: see, onError: see });
    copy('two', ['cert']);
    expect(await next()).toBeInstanceOf(Error);
    copy('two', ['key']);
    expect(await next()).toMatchObject({ cert: readCertificate(files('two')).cert });
    stop();
  });
});
