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

/** Of two certificates for one host the first counts. Throws what OpenSSL has against one of them. */
export function contextsByName(
  certificates: readonly NamedCertificate[],
  contextOf: (certificate: NamedCertificate) => SecureContext,
): ByName {
  const byName = new Map<string, SecureContext>();
  for (const certificate of certificates) {
    const context = contextOf(certificate);
    for (const host of hostsOf(certificate)) {
      const name = host.toLowerCase().replace(/\.$/, '');
      if (!byName.has(name)) byName.set(name, context);
    }
  }
  return byName;
}

/** The hosts that were given, or else the names that the certificate is made out to. */
function hostsOf({ hosts, cert }: NamedCertificate): readonly string[] {
  if (hosts !== undefined) return hosts;
  const { subjectAltName, subject } = new X509Certificate(cert);
  const names = [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"\s]+)/g)].map(([, name = '']) => name);
  // Certificates without alternative names are of no use to browsers; those for trying have only this.
  return names.length > 0 ? names : [...subject.matchAll(/^CN=(\S+)$/gm)].map(([, name = '']) => name);
}
