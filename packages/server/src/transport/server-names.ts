// Which certificate a client gets: the one of the name that it asks for in its first message (SNI, RFC 6066 §3), where there is
// one, or the default.

import { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { NamedCertificate } from '../options.ts';

/** Hosts in small letters, `*.` in front of those that stand for all below, and what belongs to them. */
export type ByName = ReadonlyMap<string, SecureContext>;

/** The context of a host: of the name itself, or else of the nearest wildcard. */
export function contextFor(byName: ByName, host: string): SecureContext | undefined {
  const name = host.toLowerCase().replace(/\.$/, '');
  const exact = byName.get(name);
  if (exact !== undefined || byName.size === 0) return exact;
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    const wild = byName.get(`*${name.slice(dot)}`);
    if (wild !== undefined) return wild;
  }
  return undefined;
}

/** What was made of a certificate. */
interface Made {
  readonly certificate: NamedCertificate;
  readonly context: SecureContext;
  /** Those in the certificate, once they have been asked for. */
  names: readonly string[] | undefined;
}

/**
 * By the text of the certificate: what is made of one takes a part of a millisecond, and among thousands few change at a time.
 */
export type MadeOf = Map<string, Made>;

/**
 * Of two certificates for one host the first counts. `before` has what was made of those that may be the same, and `made` gets what is
 * in use now. Throws what OpenSSL has against one of them.
 */
export function contextsByName(
  certificates: readonly NamedCertificate[],
  contextOf: (certificate: NamedCertificate) => SecureContext,
  made: MadeOf = new Map(),
  before?: MadeOf,
): ByName {
  const byName = new Map<string, SecureContext>();
  for (const certificate of certificates) {
    const { cert, key, passphrase } = certificate;
    const known = made.get(cert) ?? before?.get(cert);
    const isSame = known?.certificate.key === key && known.certificate.passphrase === passphrase;
    const one = isSame ? known : { certificate, context: contextOf(certificate), names: undefined };
    made.set(cert, one);
    const { context } = one;
    for (const host of certificate.hosts ?? (one.names ??= namesIn(cert))) {
      const name = host.toLowerCase().replace(/\.$/, '');
      if (!byName.has(name)) byName.set(name, context);
    }
  }
  return byName;
}

/** The names that a certificate is made out to. */
function namesIn(cert: NamedCertificate['cert']): readonly string[] {
  const { subjectAltName, subject } = new X509Certificate(cert);
  const names = [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"\s]+)/g)].map(([, name = '']) => name);
  // Certificates without alternative names are of no use to browsers; those for trying have only this.
  return names.length > 0 ? names : [...subject.matchAll(/^CN=(\S+)$/gm)].map(([, name = '']) => name);
}
