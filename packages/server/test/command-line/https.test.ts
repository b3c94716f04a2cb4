import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run, site, start, type Started } from './command.ts';

function folderFor(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `onezero-${name}-`));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function serve(words: readonly string[], env: Readonly<Record<string, string>>): Promise<Started> {
  const folder = site({ 'index.html': 'secure' });
  const started = await start([folder.path, '--https', ...words], { env });
  onTestFinished(async () => {
    await started.stop();
    folder.remove();
  });
  return started;
}

/** The page, fetched by a client that trusts this certificate and checks the name. */
function fetchPage(port: number, host: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, ca, servername: host.includes(':') ? '' : host, headers: { host } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

// No mkcert of the machine that runs the tests may decide about them.
const PATH = '/nonexistent';

describe('--https', () => {
  test('makes a certificate that a client can trust, keeps it, and keeps its key to itself', async () => {
    const state = folderFor('state');
    const first = await serve([], { PATH, XDG_STATE_HOME: state });
    expect(first.url).toMatch(/^https:/);
    const [name = '', ...others] = readdirSync(join(state, 'onezero'));
    expect(others).toEqual([]);
    const file = join(state, 'onezero', name);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const pem = readFileSync(file, 'utf8');
    expect(await fetchPage(first.port, 'localhost', pem)).toBe('secure');
    expect(first.output.stderr).toContain(new X509Certificate(pem).fingerprint256);
    const again = await serve([], { PATH, XDG_STATE_HOME: state });
    expect(await fetchPage(again.port, 'localhost', pem)).toBe('secure');
    expect(readdirSync(join(state, 'onezero'))).toEqual([name]);
  });

  // Elsewhere only 127.0.0.1 is there.
  test.runIf(process.platform === 'linux')(
    'names the address that it listens on, unless that is every one',
    async () => {
      const namesFor = async (host: string): Promise<string | undefined> => {
        const state = folderFor('state');
        await serve(['--host', host], { PATH, XDG_STATE_HOME: state });
        const [name = ''] = readdirSync(join(state, 'onezero'));
        return new X509Certificate(readFileSync(join(state, 'onezero', name))).subjectAltName;
      };
      expect(await namesFor('127.0.0.2')).toContain('IP Address:127.0.0.2');
      expect(await namesFor('0.0.0.0')).not.toContain('IP Address:0.0.0.0');
    },
  );

  test('names what the server is reached by', async () => {
    const state = folderFor('state');
    await serve(['--hosts', 'shop.example,*.shop.example'], { PATH, XDG_STATE_HOME: state });
    const [name = ''] = readdirSync(join(state, 'onezero'));
    const certificate = new X509Certificate(readFileSync(join(state, 'onezero', name)));
    for (const host of ['localhost', 'shop.example', 'a.shop.example'])
      expect(certificate.checkHost(host)).toBeDefined();
    for (const address of ['127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBeDefined();
    expect(certificate.checkHost('other.example')).toBeUndefined();
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  test('makes another when the one that is kept is expired or broken', async () => {
    const state = folderFor('state');
    const first = await serve([], { PATH, XDG_STATE_HOME: state });
    const [name = ''] = readdirSync(join(state, 'onezero'));
    await first.stop();
    writeFileSync(join(state, 'onezero', name), 'broken');
    const next = await serve([], { PATH, XDG_STATE_HOME: state });
    const pem = readFileSync(join(state, 'onezero', name), 'utf8');
    expect(await fetchPage(next.port, 'localhost', pem)).toBe('secure');
  });

  test.skipIf(process.platform !== 'linux')('says that there is no place to keep it', async () => {
    const { code, stderr } = await run(['.', '--https', '-p', '0'], { env: { PATH, XDG_STATE_HOME: '/proc/none' } });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^Error: --https: no certificate: ENOENT.*XDG_STATE_HOME/),
    ]);
  });

  test('is one certificate for several workers', async () => {
    const state = folderFor('state');
    const { port } = await serve(['--workers', '2'], { PATH, XDG_STATE_HOME: state });
    const [name = ''] = readdirSync(join(state, 'onezero'));
    const pem = readFileSync(join(state, 'onezero', name), 'utf8');
    const pages = await Promise.all(Array.from({ length: 8 }, () => fetchPage(port, 'localhost', pem)));
    expect(new Set(pages)).toEqual(new Set(['secure']));
  });

  const hasOpenssl = isInstalled('openssl');
  test.skipIf(!hasOpenssl)('reads as a certificate to openssl', async () => {
    const state = folderFor('state');
    await serve([], { PATH, XDG_STATE_HOME: state });
    const [name = ''] = readdirSync(join(state, 'onezero'));
    const file = join(state, 'onezero', name);
    expect(
      execFileSync('openssl', ['verify', '-CAfile', file, '-purpose', 'sslserver', file], { encoding: 'utf8' }),
    ).toContain('OK');
  });

  test.skipIf(!isInstalled('mkcert'))("uses mkcert's authority where there is one", async () => {
    const [state, authority] = [folderFor('state'), folderFor('caroot')];
    const env = { XDG_STATE_HOME: state, CAROOT: authority };
    // Makes the authority; nothing is installed anywhere.
    execFileSync('mkcert', ['-cert-file', join(state, 'x'), '-key-file', join(state, 'y'), 'x.example'], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    const { port, output } = await serve([], { PATH: process.env['PATH'] ?? '', ...env });
    const root = readFileSync(join(authority, 'rootCA.pem'), 'utf8');
    expect(await fetchPage(port, 'localhost', root)).toBe('secure');
    expect(output.stderr).not.toContain('own making');
  });
});

function isInstalled(name: string): boolean {
  try {
    execFileSync('which', [name], { stdio: 'ignore' });
    return true;
  } catch {
    return process.env['CI'] !== undefined;
  }
}
