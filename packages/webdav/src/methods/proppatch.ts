// PROPPATCH (RFC 4918 §9.2): all of its steps, or none.

import type { Folder } from '../folder.ts';
import type { DavRequest, DavResponse } from '../message.ts';
import { type Change, changesIn, readContent } from '../protocol/contents.ts';
import { baseOf, hrefOf } from '../protocol/href.ts';
import { refused, XML_TYPE } from '../refusals.ts';
import { found, type Found, subjectOf, withPlace } from '../store/place.ts';
import { type Property, readProperties, writeProperties } from '../store/records.ts';
import { keyOf, type QName } from '../xml/element.ts';
import { escapeXml, writeElement, writeName, XML_DECLARATION } from '../xml/writer.ts';
import { checkConditions, checkLocks } from './conditions.ts';
import { isLive } from './live-properties.ts';

export async function proppatch(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const changes = changesIn(await readContent(request, folder.settings.maxXmlBytes));
  const isProtected = changes.some(({ property }) => isLive(property));
  return folder.turn.run(() =>
    withPlace(folder.tree, request.pathInfo, async (place) => {
      const target = found(place);
      await checkConditions(folder, request, target);
      checkLocks(folder, request, { path: target.path, isDeep: false, changesParent: false });
      if (!isProtected) await apply(folder, target, changes);
      const href = hrefOf(baseOf(request), target.segments, target.stats.isDirectory());
      return { status: 207, fields: [XML_TYPE], content: Buffer.from(resultOf(href, changes, isProtected)) };
    }),
  );
}

async function apply(folder: Folder, target: Found, changes: readonly Change[]): Promise<void> {
  const subject = subjectOf(target, folder.tree);
  const { maxPropertyBytes, fsync } = folder.settings;
  const properties = new Map<string, Property>();
  for (const property of await readProperties(subject)) properties.set(keyOf(property), property);
  for (const change of changes) {
    const { namespace, name } = change.property;
    if (change.kind === 'remove') properties.delete(keyOf(change.property));
    else properties.set(keyOf(change.property), { namespace, name, xml: writeElement(change.property) });
  }
  const all = [...properties.values()];
  const bytes = all.reduce((sum, { xml }) => sum + Buffer.byteLength(xml), 0);
  if (bytes > maxPropertyBytes) throw refused(507, `the properties have more than ${maxPropertyBytes} bytes`);
  await writeProperties(subject, all, fsync);
}

function resultOf(href: string, changes: readonly Change[], isProtected: boolean): string {
  const names = [...new Map(changes.map(({ property }): [string, QName] => [keyOf(property), property])).values()];
  const groups = isProtected
    ? [
        propstat(names.filter(isLive), '403 Forbidden', PROTECTED),
        propstat(
          names.filter((name) => !isLive(name)),
          '424 Failed Dependency',
        ),
      ]
    : [propstat(names, '200 OK')];
  const response = `<D:response><D:href>${escapeXml(href)}</D:href>${groups.join('')}</D:response>`;
  return `${XML_DECLARATION}<D:multistatus xmlns:D="DAV:">\n${response}\n</D:multistatus>\n`;
}

const PROTECTED = '<D:error><D:cannot-modify-protected-property/></D:error>';

function propstat(names: readonly QName[], status: string, error = ''): string {
  if (names.length === 0) return '';
  const properties = names.map((name) => writeName(name)).join('');
  return `<D:propstat><D:prop>${properties}</D:prop><D:status>HTTP/1.1 ${status}</D:status>${error}</D:propstat>`;
}
