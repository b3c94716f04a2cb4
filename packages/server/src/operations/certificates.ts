// Several certificates, each from files of its own and read again each by itself: one that is missing or broken takes nothing
// from the others. Those of its names get the certificate it had before, or else the default, until its files are good.

import type { NamedCertificate, TlsOptions } from '../options.ts';
import { type CertificateFiles, readCertificate, stampOf, watchCertificate } from './tls.ts';

/** Where a certificate is, and for which hosts it is where that is not for the names in it. */
export interface CertificatePlace extends CertificateFiles {
  readonly hosts?: readonly string[] | undefined;
}

interface Held {
  readonly place: CertificatePlace;
  /** What the files were like before they were read. */
  readonly stamp: string;
  tls: TlsOptions | undefined;
}

export class Certificates {
  readonly #held: readonly Held[];
  readonly #report: (line: string) => void;
  #stops: readonly (() => void)[] = [];

  /**
   * Reads them all; what cannot be used is reported, and in its place stays what `before` had. Throws what is wrong with the
   * first when none can be used.
   */
  constructor(places: readonly CertificatePlace[], report: (line: string) => void, before?: Certificates) {
    this.#report = report;
    const failures: { held: Held; error: Error }[] = [];
    this.#held = places.map((place) => {
      const held: Held = { place, stamp: stampOf(place), tls: undefined };
      try {
        held.tls = readCertificate(place);
      } catch (error) {
        held.tls = before?.of(place);
        failures.push({ held, error: error as Error });
      }
      return held;
    });
    if (failures[0] !== undefined && this.#held.every(({ tls }) => tls === undefined)) throw failures[0].error;
    for (const { held, error } of failures) this.#complain(held, error);
  }

  /** What the certificate in these files is now; undefined when it cannot be used, or is not among these. */
  of({ cert, key, passphraseFile }: CertificatePlace): TlsOptions | undefined {
    return this.#held.find(
      ({ place }) => place.cert === cert && place.key === key && place.passphraseFile === passphraseFile,
    )?.tls;
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

  /** Looks for changes until `close`; tells what is used from then on. */
  watch(onChange: (tls: TlsOptions) => void): void {
    this.#stops = this.#held.map((held) =>
      watchCertificate(held.place, {
        since: held.stamp,
        onChange: (tls) => {
          held.tls = tls;
          onChange(this.tls);
        },
        onError: (error) => this.#complain(held, error),
      }),
    );
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  #complain({ tls }: Held, { message }: Error): void {
    const instead =
      tls === undefined ? 'the default certificate is used in its place' : 'the old certificate stays in use';
    this.#report(`Error: ${instead}: ${message}`);
  }
}
