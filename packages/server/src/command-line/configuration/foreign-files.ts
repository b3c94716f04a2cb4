// Configurations of other servers in a document root. They are not read, which whoever moves here has to learn at the start and
// not from what is missing.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What other servers read in their root, and what does the same here. */
const FOREIGN: Readonly<Record<string, string>> = {
  'serve.json': 'its rules are cleanUrls, redirects, headers and fallback of onezero.config.json',
  'now.json': 'its rules are redirects, headers and fallback of onezero.config.json',
  'vercel.json': 'its rules are redirects, headers and fallback of onezero.config.json',
  'netlify.toml': 'its rules are redirects and headers of onezero.config.json',
  _headers: 'its rules are headers with a glob in onezero.config.json',
  _redirects: 'its rules are redirects of onezero.config.json',
  '.htaccess': 'its rules are redirects, headers, auth and errorPages of onezero.config.json',
  '.htpasswd': 'name it with --auth-file',
  'web.config': 'its rules are redirects, headers and types of onezero.config.json',
  Caddyfile: 'its sites are sites of onezero.config.json',
  'staticwebapp.config.json': 'its rules are redirects and headers of onezero.config.json',
};

/** One line for each that lies in a root; `read` are files that are named elsewhere, and so not foreign. */
export function foreignFiles(root: string, read: ReadonlySet<string>): readonly string[] {
  return Object.entries(FOREIGN).flatMap(([name, instead]) => {
    const path = join(root, name);
    return existsSync(path) && !read.has(path) ? [`${path} is not read: ${instead}`] : [];
  });
}
