// Configurations of other servers in a document root. They are not read, which whoever moves here has to learn at the start and
// not from what is missing.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

const rules = (members: string): string => `its rules are ${members} of onezero.config.json`;

/** What other servers read in their root, and what does the same here. */
const FOREIGN: Readonly<Record<string, string>> = {
  'serve.json': rules('cleanUrls, redirects, headers and fallback'),
  'now.json': rules('redirects, headers and fallback'),
  'vercel.json': rules('redirects, headers and fallback'),
  'netlify.toml': rules('redirects and headers'),
  _headers: 'its rules are headers with a glob in onezero.config.json',
  _redirects: rules('redirects'),
  '.htaccess': rules('redirects, headers, auth and errorPages'),
  '.htpasswd': 'name it with --auth-file',
  'web.config': rules('redirects, headers and types'),
  Caddyfile: 'its sites are sites of onezero.config.json',
  'staticwebapp.config.json': rules('redirects and headers'),
};

/** One line for each that lies in a root; `read` are files that are named elsewhere, and so not foreign. */
export function foreignFiles(root: string, read: ReadonlySet<string>): readonly string[] {
  return Object.entries(FOREIGN).flatMap(([name, instead]) => {
    const path = join(root, name);
    return existsSync(path) && !read.has(path) ? [`${path} is not read: ${instead}`] : [];
  });
}
