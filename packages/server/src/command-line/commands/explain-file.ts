// Which file is behind a response: the names are tried that the options allow, and what is there is named.

import { join } from 'node:path';
import type { ResponseMessage } from '../../message/message.ts';
import type { Explanation, Route } from '../../options.ts';
import { kindOf } from '../configuration/inspection.ts';
import type { Configuration, Served } from '../options/table.ts';

interface Answered {
  readonly configuration: Configuration;
  readonly response: ResponseMessage;
}

const suffixes: Readonly<Record<string, string>> = { br: '.br', gzip: '.gz', zstd: '.zst' };

/** The file and the variant of it that a response was made from, as rows of the explanation. */
export function explainFile(
  route: Route,
  { pathInfo }: Explanation,
  { configuration, response }: Answered,
): [string, string][] {
  const sites: readonly Served[] = [configuration, ...(configuration.sites ?? [])];
  const site = sites.find(({ root }) => route.name === `files in ${root}`);
  if (site?.root === undefined) return [];
  const location = response.fields.find(([name]) => name === 'location')?.[1];
  if (location !== undefined) return [['redirect', location]];
  const path = join(site.root, pathInfo);
  if (kindOf(site.root) === 'file') return [['file', site.root]];
  const { index = ['index.html'], extensions = ['html'], single = false } = { ...configuration, ...site };
  const candidates = [path, ...index.map((name) => join(path, name)), ...extensions.map((name) => `${path}.${name}`)];
  const fallback = single === false ? [] : [join(site.root, single === true ? 'index.html' : single)];
  const file = [...candidates, ...fallback].find((candidate) => kindOf(candidate) === 'file');
  if (file === undefined) return [[kindOf(path) === 'directory' ? 'listing' : 'file', path]];
  const coding = response.fields.find(([name]) => name === 'content-encoding')?.[1];
  if (coding === undefined) return [['file', file]];
  const variant = `${file}${suffixes[coding] ?? ''}`;
  const how = kindOf(variant) === 'file' ? variant : `compressed with ${coding} while it is sent`;
  return [
    ['file', file],
    ['variant', how],
  ];
}
