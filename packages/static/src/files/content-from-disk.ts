// Content of files that are not kept in memory: what is to be read, and the response that reads it from an open descriptor.

import { codingStream } from './coded-content.ts';
import { type ContentPart, FileContent } from './file-content.ts';
import type { OpenFile } from './open-file.ts';
import type { Representation } from './representation.ts';
import type { Storage } from './storage.ts';
import { namesContent } from '../http/validators.ts';
import type { Field, StaticResponse } from '../message.ts';

/** A response whose content has to be read from the file. */
export interface ContentPlan {
  readonly representation: Representation;
  readonly status: number;
  readonly fields: readonly Field[];
  readonly parts: readonly ContentPart[];
  /** Of the content; undefined when it is coded on its way. */
  readonly length: number | undefined;
}

/** The plan for all of a file. */
export function wholeFile(representation: Representation): ContentPlan {
  const { fields, length, source } = representation;
  return { representation, status: 200, fields, parts: [{ start: 0, end: source.stamp.size }], length };
}

/** The response for a plan, read from a file that is open in the state that the plan was made for. Takes the descriptor over. */
export function contentFromDisk(
  { representation, status, fields, parts, length }: ContentPlan,
  { descriptor }: OpenFile,
  { digests, settings }: Storage,
): StaticResponse {
  const { source, coding, file } = representation;
  const wantsDigest = status === 200 && namesContent(settings.etag);
  const tap = wantsDigest ? digests.tap(source.location, source.stamp) : undefined;
  const content = new FileContent(descriptor, source.stamp.dev, parts, tap);
  const isCoded = length === undefined && coding !== undefined;
  return {
    status,
    fields: isCoded ? fields : [...fields, ['content-length', String(length)]],
    content: isCoded ? codingStream(coding, content) : content,
    file,
  };
}
