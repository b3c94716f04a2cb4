// Where the server can be reached.

import { join, resolve } from 'node:path';
import type { Members, Option } from './option.ts';

/** One of several certificates: paths, and hosts where they are not those in the certificate. */
export interface CertificateConfiguration {
  readonly cert: string;
  readonly key: string;
  readonly passphraseFile?: string | undefined;
  readonly hosts?: readonly string[] | undefined;
}

export interface ListeningConfiguration {
  readonly port: number;
  readonly host: string | true;
  readonly listen: readonly string[] | undefined;
  readonly strictPort: boolean;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsPassphraseFile: string | undefined;
  readonly certificates: readonly CertificateConfiguration[] | undefined;
  readonly https: boolean;
  readonly open: boolean | string;
}

const certificateMembers: Members = {
  cert: { shape: { type: 'path' }, summary: 'The certificate chain in PEM form', isRequired: true },
  key: { shape: { type: 'path' }, summary: 'The private key of the certificate (PEM)', isRequired: true },
  passphraseFile: { shape: { type: 'path' }, summary: 'A file with the passphrase of the private key' },
  hosts: {
    shape: { type: 'list', item: { type: 'text' } },
    summary: 'The host names that it is for; *.name takes all below name. Default: the names in the certificate',
  },
};

/** `cert.pem,key.pem`, or the folder where certbot keeps both. */
function readCertificatePair(text: string): unknown {
  const [cert = '', key] = text.split(',');
  return key === undefined ? { cert: join(text, 'fullchain.pem'), key: join(text, 'privkey.pem') } : { cert, key };
}

function absoluteSocket(address: string, base: string): string {
  return address.replace(/^unix:(.+)$/, (_, path: string) => `unix:${resolve(base, path)}`);
}

const GROUP = 'Where it listens';
const flag = { type: 'boolean' } as const;
const path = { type: 'path' } as const;

export const listeningOptions: Record<keyof ListeningConfiguration, Option> = {
  port: {
    group: GROUP,
    shape: { type: 'integer', minimum: 0, maximum: 65_535 },
    default: 8080,
    short: ['p'],
    environment: ['PORT'],
    placeholder: '<number>',
    summary: 'The port; 0 picks a free one. If the default is in use, the next free port is used',
  },
  host: {
    group: GROUP,
    shape: {
      type: 'either',
      shapes: [
        {
          type: 'text',
          pattern: /^(?![^:]*:\d+$|\[.*\]:)[\w.:%[\]-]+$/,
          expects: 'a host name or address (a port is --port)',
        },
        { type: 'boolean' },
      ],
    },
    default: 'localhost',
    off: 'localhost',
    short: ['H', 'a'],
    aliases: ['bind', 'address'],
    environment: ['HOST'],
    bare: true,
    takesNext: true,
    placeholder: '[address]',
    summary: 'The address to listen on; without a value, all addresses, so that other machines can connect',
  },
  listen: {
    group: GROUP,
    shape: {
      type: 'list',
      item: {
        type: 'text',
        pattern: /^(?:unix:.+|(?:(?:https?|tcp):\/\/)?(?:\[[\da-fA-F:.%]+\]|[\w.-]*)(?::\d{1,5})?\/?)$/,
        expects: 'host:port, :port, https://host:port or unix:path',
      },
    },
    settle: (addresses, base) => (addresses as readonly string[]).map((address) => absoluteSocket(address, base)),
    short: ['l'],
    placeholder: '<address>',
    summary: 'Listen on host:port, https://host:port or unix:path instead; may be repeated',
  },
  strictPort: {
    group: GROUP,
    shape: flag,
    default: false,
    bare: true,
    aliases: ['no-port-switching'],
    summary: 'Fail when the port is in use, even if it is the default',
  },
  https: {
    group: GROUP,
    shape: flag,
    default: false,
    bare: true,
    aliases: ['ssl', 'tls'],
    summary:
      'Serve HTTPS with a certificate made on the spot: by mkcert if it is set up, else one that browsers warn about',
  },
  tlsCert: {
    group: GROUP,
    shape: path,
    aliases: ['ssl-cert', 'cert'],
    placeholder: '<file>',
    perSite: true,
    summary: 'Serve HTTPS with this certificate chain (PEM), which is read again when it changes',
  },
  tlsKey: {
    group: GROUP,
    shape: path,
    aliases: ['ssl-key', 'key'],
    placeholder: '<file>',
    perSite: true,
    summary: 'The private key of the certificate (PEM)',
  },
  tlsPassphraseFile: {
    group: GROUP,
    shape: path,
    aliases: ['ssl-pass'],
    placeholder: '<file>',
    perSite: true,
    summary: 'A file with the passphrase of the private key',
  },
  certificates: {
    group: GROUP,
    flag: 'certificate',
    shape: { type: 'list', item: { type: 'object', members: certificateMembers } },
    read: readCertificatePair,
    placeholder: '<cert,key|folder>',
    summary:
      'One more certificate, for the host names in it (SNI): two files, or a folder as certbot makes it; may be repeated',
  },
  open: {
    group: GROUP,
    shape: { type: 'either', shapes: [flag, { type: 'text' }] },
    default: false,
    short: ['o'],
    bare: true,
    placeholder: '[=path]',
    summary: 'Open the browser',
  },
};
