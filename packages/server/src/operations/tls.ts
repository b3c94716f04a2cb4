// A certificate and its key from PEM files, read again when they change.
//
// The files are looked at once in a while rather than watched: certificates are replaced by renames, by swapped symbolic
// links and by programs that write the key a moment before the certificate, and a look sees all of these alike. A pair
// that does not fit together is reported and the one in use stays; the next change is tried again.

import { readFileSync, statSync } from 'node:fs';
import { checkCertificateFiles, checkCertificateWatch } from '../check-options.ts';
import type { TlsOptions } from '../options.ts';
import { timerMs } from '../timer.ts';

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
    // Node does without an empty one, and then no handshake succeeds.
    if (tls.key === '') throw new Error('the key is empty');
    // Loaded when it is used: it takes as long as all the rest of a start.
    process.getBuiltinModule('node:tls').createSecureContext(tls);
    const { createPrivateKey, X509Certificate } = process.getBuiltinModule('node:crypto');
    // A key of another kind than the certificate's is kept beside it, and then no handshake succeeds either.
    if (!new X509Certificate(tls.cert).checkPrivateKey(createPrivateKey(tls)))
      throw new Error('the key is of another kind');
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

// As long as a renewed certificate may wait.
const LOOK_MS = 2000;

/** Looks for changes until the returned function is called. Does not keep the process alive. */
export function watchCertificate(files: CertificateFiles, watch: CertificateWatch): () => void {
  checkCertificateFiles(files);
  checkCertificateWatch(watch);
  return lookOften(lookerAt(files, watch), watch.intervalMs);
}

/** Calls `look` once in a while until the returned function is called. */
export function lookOften(look: () => void, intervalMs: number = LOOK_MS): () => void {
  const timer = setInterval(look, timerMs(intervalMs));
  timer.unref();
  return () => clearInterval(timer);
}

/** A look at the files: tells of a change since the one before. */
export function lookerAt(files: CertificateFiles, { since, onChange, onError }: CertificateWatch): () => void {
  let seen = since ?? stampOf(files);
  return () => {
    const now = stampOf(files);
    if (now === seen) return;
    seen = now;
    let tls: TlsOptions;
    try {
      tls = readCertificate(files);
    } catch (error) {
      onError(error as Error);
      return;
    }
    onChange(tls);
  };
}

/** Text that changes when any of the files does; a file that is not there, or cannot be looked at, has a stamp as well. */
export function stampOf({ cert, key, passphraseFile }: CertificateFiles): string {
  const stamps = [cert, key, passphraseFile ?? ''].map((path) => {
    if (path === '') return '-';
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
      return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      return code;
    }
  });
  return stamps.join(' ');
}
