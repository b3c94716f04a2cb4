// The certificate of `--https`: mkcert's where mkcert has an authority on this machine, which browsers trust then; otherwise
// one that signs itself. It is kept, so that a browser is asked once, and made anew before it expires or when names are added.

import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { selfSigned } from '../../operations/self-signed.ts';
import { isExposed } from '../configuration/inspection.ts';
import type { Resolved } from '../configuration/configuration.ts';
import type { Configuration } from '../options/table.ts';
import { addressesOf, interfaceAddresses } from './listeners.ts';

const DAY_MS = 86_400_000;

// What browsers take at most from an authority; longer is of no use.
const VALID_DAYS = 397;
const RENEW_DAYS = 30;

/** The configuration with a certificate where HTTPS is asked for without one; a warning says what kind it is. */
export function withMadeCertificate(resolved: Resolved): Resolved {
  const { configuration, problems } = resolved;
  if (problems.length > 0 || !configuration.https || configuration.tlsCert !== undefined) return resolved;
  try {
    const { file, isTrusted } = keptCertificate(namesOf(configuration));
    const warning = `the certificate is of this server's own making (SHA-256 ${fingerprint(file)}): browsers warn; mkcert makes one that they trust`;
    return {
      ...resolved,
      configuration: { ...configuration, tlsCert: file, tlsKey: file },
      warnings: isTrusted ? resolved.warnings : [...resolved.warnings, warning],
    };
  } catch (error) {
    const problem = `--https: no certificate: ${(error as Error).message}; XDG_STATE_HOME names the folder where it is kept`;
    return { ...resolved, problems: [...resolved.problems, problem] };
  }
}

/** The names and addresses by which this server is reached. */
function namesOf(configuration: Configuration): readonly string[] {
  const { serverName, hosts = [], sites = [] } = configuration;
  const own = ['localhost', '*.localhost', '127.0.0.1', '::1'];
  const machine = isExposed(configuration)
    ? [hostname(), `${hostname()}.local`, ...interfaceAddresses().flatMap((one) => (one.internal ? [] : [one.address]))]
    : [];
  const listening = addressesOf(configuration).map(({ host }) => host);
  const named = [serverName, ...hosts, ...sites.map(({ host }) => host)].map((name) => name?.replace(/:\d+$/, ''));
  const all = [...own, ...machine, ...listening, ...named].filter((name) => name !== undefined);
  return [...new Set(all)].filter((name) => /^(?![0.:]+$)(?:(?:\*\.)?[\w.-]+|[\da-f:.]+)$/i.test(name));
}

function keptCertificate(names: readonly string[]): { readonly file: string; readonly isTrusted: boolean } {
  const authority = mkcertAuthority();
  const folder = join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'onezero');
  const key = createHash('sha256')
    .update(JSON.stringify([names, authority]))
    .digest('hex');
  const file = join(folder, `certificate-${key.slice(0, 16)}.pem`);
  if (!isUsable(file)) {
    makeFolder(folder);
    const pem = authority === undefined ? ownPair(names) : mkcertPair(names);
    // Whole at once: another process may start meanwhile.
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, pem, { mode: 0o600 });
    chmodSync(unfinished, 0o600);
    renameSync(unfinished, file);
  }
  return { file, isTrusted: authority !== undefined };
}

/** One by one: Node's own way never ends where a folder is that takes none, such as /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    // Another process may have been quicker.
    if (!existsSync(folder)) throw error;
  }
}

function isUsable(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    const { validTo } = new X509Certificate(readFileSync(file));
    return Date.parse(validTo) - Date.now() > RENEW_DAYS * DAY_MS;
  } catch (error) {
    // What cannot be read as a certificate is replaced.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

function ownPair(names: readonly string[]): string {
  // Clocks of phones differ.
  const from = new Date(Date.now() - DAY_MS);
  const { cert, key } = selfSigned(names, from, new Date(from.getTime() + VALID_DAYS * DAY_MS));
  return cert + key;
}

/** The certificate of mkcert's authority, if mkcert is installed and has one. */
function mkcertAuthority(): string | undefined {
  try {
    const folder = execFileSync('mkcert', ['-CAROOT'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    if (!existsSync(join(folder, 'rootCA-key.pem'))) return undefined;
    return readFileSync(join(folder, 'rootCA.pem'), 'utf8');
  } catch (error) {
    // Not installed, or its authority is another user's.
    if (error instanceof Error && ('code' in error || 'status' in error)) return undefined;
    throw error;
  }
}

function mkcertPair(names: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-mkcert-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    execFileSync('mkcert', ['-cert-file', cert, '-key-file', key, ...names], { stdio: 'ignore', timeout: 30_000 });
    return readFileSync(cert, 'utf8') + readFileSync(key, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fingerprint(file: string): string {
  return new X509Certificate(readFileSync(file)).fingerprint256;
}
