// Content of files that are not kept in memory: opened again for each response, and only if still the file described.

import { type ContentPart, FileContent } from './file-content.ts';
import { codingStream } from './coded-content.ts';
import type { Field, StaticResponse } from '../message.ts';
import { closeDescriptor, openFile } from './open-file.ts';
import { refusal } from '../refusals.ts';
import type { Representation } from './representation.ts';
import type { Settings } from '../options/settings.ts';
import { isSameState } from '../http/validators.ts';

/** Thrown when a file is no longer what the entry says: it must be looked up again. */
export class StaleEntry extends Error {}

/** The response to GET. Rejects with StaleEntry when the file has changed. */
export function wholeFromDisk(representation: Representation, settings: Settings): Promise<StaticResponse> {
  const { length, fields, source } = representation;
  const parts = [{ start: 0, end: source.stamp.size }];
  return fromDisk(representation, { status: 200, fields, parts, length }, settings);
}

/** Opens the file again, makes sure that it is still the one described, and hands its descriptor to the content. */
export async function fromDisk(
  { source, coding, length: wholeLength }: Representation,
  {
    status,
    fields,
    parts,
    length,
  }: { status: number; fields: readonly Field[]; parts: readonly ContentPart[]; length: number | undefined },
  settings: Settings,
): Promise<StaticResponse> {
  const opened = await openFile(source.segments, settings);
  if (opened.kind === 'refused' && opened.status !== 404) return refusal(opened.status, opened.cause);
  if (opened.kind !== 'file') throw new StaleEntry('the file is gone');
  if (!isSameState(source.stamp, opened.stamp)) {
    closeDescriptor(opened.descriptor);
    throw new StaleEntry('the file has changed');
  }
  const content = new FileContent(opened.descriptor, parts);
  if (coding !== undefined && wholeLength === undefined)
    return { status, fields, content: codingStream(coding, content), file: source.segments };
  return { status, fields: [...fields, ['content-length', String(length)]], content, file: source.segments };
}
