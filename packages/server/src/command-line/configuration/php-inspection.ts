// What people forget when they serve PHP: where the document root of an application is, and who it runs as.

import { extname, join } from 'node:path';
import { runsPhp } from '../options/mounts.ts';
import type { Served } from '../options/table.ts';
import { kindOf } from './file-kind.ts';

/** Folders of applications that are their document root; what is beside them is not for visitors. */
const PUBLIC_FOLDERS = ['public', 'web', 'webroot', 'public_html'];

/** Adds what is wrong with the PHP of a site, and what will surprise. */
export function inspectPhp(
  { root, php, front, hide = [], cgi = [], fastcgi = [] }: Served,
  { problems, warnings }: { readonly problems: string[]; readonly warnings: string[] },
): void {
  const runs = (extension: string): boolean =>
    (php !== undefined && php !== false) ||
    cgi.some(({ extensions = {} }) => Object.hasOwn(extensions, extension)) ||
    fastcgi.some((mount) => mount.root !== undefined);
  if (typeof front === 'string' && !runs(extname(front))) {
    problems.push(`no program runs the front controller ${front}: add --php, or --cgi ${extname(front)}=program`);
  } else if (typeof front === 'string' && root !== undefined && kindOf(join(root, front)) !== 'file') {
    warnings.push(`${front}, which answers unknown paths, is not in ${root}`);
  }
  if (root !== undefined && !runs('.php') && !hide.some((glob) => glob.endsWith('.php')))
    warnings.push(...readable(root));
  if (php === undefined || php === false) {
    for (const { extensions = {}, root: own = root } of cgi) {
      if (own !== undefined && runsPhp(extensions))
        warnings.push(...surprises(own, `--cgi .php=${extensions['.php']}`));
    }
    return;
  }
  const own = typeof php === 'object' ? php : {};
  const place = own.root ?? root;
  if (place === undefined) problems.push('PHP needs a directory: name a root');
  else warnings.push(...surprises(place, '--php'));
  if (process.getuid?.() === 0 && own.uid === undefined && place !== undefined) {
    warnings.push(
      `PHP in ${place} will run as root where it is started here; start onezero as another user, or give php a uid in the configuration file`,
    );
  }
}

/** PHP that nothing runs is sent as text, passwords and all. */
function readable(root: string): readonly string[] {
  if (kindOf(join(root, 'index.php')) !== 'file') return [];
  return [`visitors can read the sources of PHP in ${root}: run them with --php, or keep them with --hide '**/*.php'`];
}

function surprises(root: string, flag: string): readonly string[] {
  if (kindOf(join(root, 'index.php')) === 'file') return [];
  const folder = PUBLIC_FOLDERS.find((name) => kindOf(join(root, name, 'index.php')) === 'file');
  if (folder === undefined) return [];
  return [`${root} has its index.php in ${folder}: to serve that alone, onezero ${join(root, folder)} ${flag}`];
}
