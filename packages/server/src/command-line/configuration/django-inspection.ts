// What people forget when they leave Django's runserver: it serves static files by itself, and no other server does.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Served } from '../options/table.ts';
import { unlessRefused } from '../../paths.ts';

/** A warning for each Django project whose static files nothing serves, and for one that is not run at all. */
export function inspectDjango(site: Served & { readonly sites?: readonly unknown[] | undefined }): readonly string[] {
  const { wsgi = [], asgi = [], app = [], root, mount = {}, sites = [] } = site;
  const isServed = root !== undefined || Object.keys(mount).length + sites.length > 0;
  const folders = [...wsgi, ...asgi, ...app].map(({ application, ...options }) => {
    const cwd = typeof options['cwd'] === 'string' ? options['cwd'] : process.cwd();
    const place = resolve(cwd, application.replace(/:[^/]*$/, ''));
    // A module, a folder, or a file in the package of the settings.
    const around = application.includes('/') ? [join(place, '../..')] : [];
    return [place, ...around, cwd].find(isProject) ?? cwd;
  });
  if (folders.length === 0 && root !== undefined && isProject(root))
    return [
      `visitors can read the sources of the Django project in ${root}, and its database: to run it, onezero --app ${root}`,
    ];
  return isServed ? [] : [...new Set(folders)].flatMap(hintFor);
}

function hintFor(folder: string): readonly string[] {
  if (!isProject(folder)) return [];
  for (const name of packagesIn(folder)) {
    const settings = textOf(join(folder, name, 'settings.py'));
    // WhiteNoise serves them from the application.
    if (settings?.includes('django.contrib.staticfiles') !== true || /whitenoise/i.test(settings)) continue;
    const isNamed = /^STATIC_ROOT\b/m.test(settings);
    const first = isNamed ? '' : `set STATIC_ROOT = BASE_DIR / 'staticfiles' in ${name}/settings.py, `;
    return [
      `the admin will have no style, as only runserver serves the static files of Django: ${first}run manage.py collectstatic, and add --mount /static=staticfiles`,
    ];
  }
  return [];
}

function isProject(folder: string): boolean {
  return textOf(join(folder, 'manage.py'))?.includes('django') === true;
}

function packagesIn(folder: string): readonly string[] {
  const entries = unlessRefused(() => readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Undefined for what cannot be read: the application says so itself, if it needs it. */
function textOf(path: string): string | undefined {
  return unlessRefused(() => readFileSync(path, 'utf8'));
}
