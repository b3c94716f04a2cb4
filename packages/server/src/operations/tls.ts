// A certificate and its key from PEM files, read again when they change.

import { readFileSync } from 'node:fs';
import { checkCertificate, checkCertificateFiles, checkCertificateWatch } from '../check-options.ts';
import type { TlsOptions } from '../options.ts';
import { lookerAt, lookOften } from './looks.ts';

/** Where the certificate is. All paths. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly passphraseFile?: string | undefined;
}

export interface CertificateWatch {
  /** @default 2_000 */
  readonly intervalMs?: number | undefined;
  readonly onChange: (tls: TlsOptions) => void;
  /** What `stampOf` said before the files were last read. @default what it says now */
  readonly since?: string | undefined;
  /** The files changed and cannot be used. Called once for each change. */
  readonly onError: (error: Error) => void;
}

/** Reads the files and makes sure that key and certificate belong together. Throws an Error that says what is wrong. */
export function readCertificate(files: CertificateFiles): TlsOptions {
  checkCertificateFiles(files);
  const { cert, key, passphraseFile } = files;
  const passphrase = passphraseFile === undefined ? undefined : readText(passphraseFile).replace(/\r?\n$/, '');
  const tls = { cert: readText(cert), key: readText(key), passphrase };
  try {
    checkCertificate(tls);
    process.getBuiltinModule('node:tls').createSecureContext(tls);
  } catch (error) {
    throw new Error(`cannot use the certificate ${cert} with the key ${key}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return tls;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Looks for changes until the returned function is called. Does not keep the process alive. */
export function watchCertificate(files: CertificateFiles, watch: CertificateWatch): () => void {
  checkCertificateFiles(files);
  checkCertificateWatch(watch);
  return lookOften(lookerAt(files, watch, readCertificate), watch.intervalMs);
}
