// Which script a request would run, found by name and not run.

import { dirname, extname, join } from 'node:path';
import type { Explanation } from '../../options.ts';
import { kindOf } from '../configuration/inspection.ts';
import type { CgiConfiguration } from '../options/cgi.ts';
import type { Configuration, Served } from '../options/table.ts';

/** What would run, and with which part of the path; undefined when no script is there. */
export function scriptFor(
  configuration: Configuration,
  { route, scriptName, pathInfo }: Explanation,
): Record<string, string> | undefined {
  const sites: readonly Served[] = [configuration, ...(configuration.sites ?? [])];
  for (const site of sites) {
    const mounts: readonly CgiConfiguration[] = [
      ...(site.cgi ?? []),
      ...(site.cgiBin === undefined ? [] : [{ directory: site.cgiBin }]),
    ];
    for (const mount of mounts) {
      const where = mount.directory ?? mount.script ?? mount.root ?? site.root ?? '';
      if (route?.name !== `scripts in ${where}`) continue;
      const found =
        mount.script === undefined ? walk(where, pathInfo, mount.extensions) : { script: mount.script, rest: pathInfo };
      if (found !== undefined) return described(found, mount, `${scriptName}${pathInfo}`);
    }
  }
  return undefined;
}

interface FoundScript {
  readonly script: string;
  /** What of the path is behind the script's name. */
  readonly rest: string;
}

/** The first regular file on the way down, which must have one of the extensions if there are any. */
function walk(
  directory: string,
  pathInfo: string,
  extensions: CgiConfiguration['extensions'],
): FoundScript | undefined {
  const segments = pathInfo.split('/').filter((segment) => segment !== '');
  let path = directory;
  for (const [index, segment] of segments.entries()) {
    path = join(path, segment);
    if (kindOf(path) !== 'file') continue;
    if (extensions !== undefined && !Object.hasOwn(extensions, extname(segment))) return undefined;
    const rest = segments.slice(index + 1).map((one) => `/${one}`);
    return { script: path, rest: rest.join('') };
  }
  return undefined;
}

function described({ script, rest }: FoundScript, mount: CgiConfiguration, path: string): Record<string, string> {
  const interpreter = mount.extensions?.[extname(script)];
  return {
    run: typeof interpreter === 'string' ? `${interpreter} ${script}` : script,
    in: typeof mount['cwd'] === 'string' ? mount['cwd'] : dirname(script),
    with: `SCRIPT_NAME=${path.slice(0, path.length - rest.length)} PATH_INFO=${rest}`,
  };
}
