// Where the certificates are that a configuration names: the one for everybody, those of sites, and those for the names in them.

import type { CertificatePlace } from '../../operations/certificates.ts';
import type { Configuration, Served } from '../options/table.ts';

type Naming = Pick<Configuration, 'tlsCert' | 'tlsKey' | 'tlsPassphraseFile' | 'certificates' | 'sites'>;

/** All of them, the default first. What lacks its half is left out. */
export function certificatePlaces({ certificates = [], sites = [], ...own }: Naming): readonly CertificatePlace[] {
  return [...pairOf(own), ...sites.flatMap((site) => pairOf(site, site.host)), ...certificates];
}

function pairOf(
  { tlsCert: cert, tlsKey: key, tlsPassphraseFile: passphraseFile }: Served,
  host?: string,
): readonly CertificatePlace[] {
  if (cert === undefined || key === undefined) return [];
  return [{ cert, key, passphraseFile, hosts: host === undefined ? undefined : [host] }];
}
