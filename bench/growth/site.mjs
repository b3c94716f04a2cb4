// A large site: 100,000 pages of 2 KiB in 200 folders, one folder of 100,000 files, and a certificate for localhost.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const FOLDERS = 200;
export const PAGES_PER_FOLDER = 500;
const PAGE_BYTES = 2048;

/** Text of a page: no two are alike, and all compress as HTML does. */
function page(number) {
  const words = `<p>Page ${number} of a large site, with a number that differs: ${number * 7919}.\n`;
  return words.repeat(Math.ceil(PAGE_BYTES / words.length)).slice(0, PAGE_BYTES);
}

/** Makes the site below `folder` and returns its root. Takes some seconds and 450 MB of disk. */
export function makeLargeSite(folder) {
  const root = join(folder, 'site');
  for (let number = 0; number < FOLDERS; number++) {
    const place = join(root, `d${String(number).padStart(3, '0')}`);
    mkdirSync(place, { recursive: true });
    for (let leaf = 0; leaf < PAGES_PER_FOLDER; leaf++) {
      writeFileSync(join(place, `p${String(leaf).padStart(3, '0')}.html`), page(number * PAGES_PER_FOLDER + leaf));
    }
  }
  mkdirSync(join(root, 'flat'));
  for (let number = 0; number < FOLDERS * PAGES_PER_FOLDER; number++)
    writeFileSync(join(root, 'flat', `${number}`), '');
  writeFileSync(join(root, '1k.bin'), Buffer.alloc(1024, 'onezero\n'));
  return root;
}

/** A self-signed certificate: `{ key, cert }`, paths. */
export function makeCertificate(folder) {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  execFileSync('openssl', [...words, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key, cert };
}
