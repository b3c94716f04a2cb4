// Several certificates, each from files of its own and read again each by itself: one that is missing or broken takes nothing
// from the others. Those of its names get the certificate it had before, or else the default, until its files are good.

import type { NamedCertificate, TlsOptions } from '../options.ts';
import { lookerAt, lookOften, stampOf } from './looks.ts';
import { type CertificateFiles, readCertificate } from './tls.ts';

/** Where a certificate is, and for which hosts it is where that is not for the names in it. */
export interface CertificatePlace extends CertificateFiles {
  readonly hosts?: readonly string[] | undefined;
}

interface Held {
  readonly place: CertificatePlace;
  /** What the files were like before they were read. */
  readonly stamp: string;
  /** Whether `tls` is what they held then. */
  isAsRead: boolean;
  tls: TlsOptions | undefined;
}

export class Certificates {
  readonly #held: readonly Held[];
  readonly #byFiles: ReadonlyMap<string, Held>;
  readonly #report: (line: string) => void;
  #stop: () => void = () => {};

  /**
   * Reads all that `before` does not have as they are; what cannot be used is reported, and in its place stays what that had. Throws
   * what is wrong with the first when none can be used.
   */
  constructor(places: readonly CertificatePlace[], report: (line: string) => void, before?: Certificates) {
    this.#report = report;
    const failures: { held: Held; error: Error }[] = [];
    this.#held = places.map((place) => {
      const stamp = stampOf(place);
      const known = before === undefined ? undefined : before.#byFiles.get(nameOf(place));
      const isAsRead = known?.isAsRead === true && known.stamp === stamp;
      const held: Held = { place, stamp, isAsRead, tls: known?.tls };
      if (isAsRead) return held;
      try {
        held.tls = readCertificate(place);
        held.isAsRead = true;
      } catch (error) {
        failures.push({ held, error: error as Error });
      }
      return held;
    });
    this.#byFiles = new Map(this.#held.map((held) => [nameOf(held.place), held]));
    if (failures[0] !== undefined && this.#held.every(({ tls }) => tls === undefined)) throw failures[0].error;
    for (const { held, error } of failures) this.#complain(held, error);
  }

  /** What the certificate in these files is now; undefined when it cannot be used, or is not among these. */
  of(place: CertificatePlace): TlsOptions | undefined {
    return this.#byFiles.get(nameOf(place))?.tls;
  }

  /** The first that can be used is the default. */
  get tls(): TlsOptions {
    const good = this.#held.filter((held): held is Held & { tls: TlsOptions } => held.tls !== undefined);
    const [first] = good;
    if (first === undefined) throw new Error('no certificate can be used');
    if (this.#held.length === 1) return first.tls;
    // The default is for its own names as well: another may have a wildcard for them.
    const others = good.map(({ place: { hosts }, tls }): NamedCertificate => ({ ...tls, hosts }));
    return { ...first.tls, others };
  }

  /** Looks for changes until `close`; tells what is used from then on, once for all that are found at one time. */
  watch(onChange: (tls: TlsOptions) => void): void {
    let hasChanged = false;
    const looks = this.#held.map((held) =>
      lookerAt(
        held.place,
        {
          since: held.stamp,
          onChange: (tls) => {
            Object.assign(held, { tls, isAsRead: false });
            hasChanged = true;
          },
          onError: (error) => {
            held.isAsRead = false;
            this.#complain(held, error);
          },
        },
        readCertificate,
      ),
    );
    this.#stop = lookOften(() => {
      for (const look of looks) look();
      if (!hasChanged) return;
      hasChanged = false;
      onChange(this.tls);
    });
  }

  close(): void {
    this.#stop();
  }

  #complain({ tls }: Held, { message }: Error): void {
    const instead =
      tls === undefined ? 'the default certificate is used in its place' : 'the old certificate stays in use';
    this.#report(`Error: ${instead}: ${message}`);
  }
}

function nameOf({ cert, key, passphraseFile = '' }: CertificatePlace): string {
  return `${cert}\0${key}\0${passphraseFile}`;
}
