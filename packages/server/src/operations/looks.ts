// Looks at the files of a certificate.
//
// They are looked at once in a while rather than watched: certificates are replaced by renames, by swapped symbolic
// links and by programs that write the key a moment before the certificate, and a look sees all of these alike. A pair
// that does not fit together is reported and the one in use stays; the next change is tried again.

import { statSync } from 'node:fs';
import { timerMs } from '../timer.ts';

/** Where they are: paths. */
interface Looked {
  readonly cert: string;
  readonly key: string;
  readonly passphraseFile?: string | undefined;
}

interface Looking<Read> {
  readonly since?: string | undefined;
  readonly onChange: (read: Read) => void;
  readonly onError: (error: Error) => void;
}

// As long as a renewed certificate may wait.
const LOOK_MS = 2000;

/** Calls `look` once in a while until the returned function is called. */
export function lookOften(look: () => void, intervalMs: number = LOOK_MS): () => void {
  const timer = setInterval(look, timerMs(intervalMs));
  timer.unref();
  return () => clearInterval(timer);
}

/** A look at the files: tells of a change since the one before. */
export function lookerAt<Files extends Looked, Read>(
  files: Files,
  { since, onChange, onError }: Looking<Read>,
  read: (files: Files) => Read,
): () => void {
  let seen = since ?? stampOf(files);
  return () => {
    const now = stampOf(files);
    if (now === seen) return;
    seen = now;
    let tls: Read;
    try {
      tls = read(files);
    } catch (error) {
      onError(error as Error);
      return;
    }
    onChange(tls);
  };
}

/** Text that changes when any of the files does; a file that is not there, or cannot be looked at, has a stamp as well. */
export function stampOf({ cert, key, passphraseFile }: Looked): string {
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
