// Between URLs and names: what responses call a resource, and which path a Destination or a tag of an If field means.

import { canonicalPath } from '@onezero/static';
import type { DavRequest } from '../message.ts';
import { refused } from '../refusals.ts';
import { fieldValue } from './fields.ts';

/** What `encodeURIComponent` encodes and a path need not (RFC 3986 §3.3). */
const PLAIN: Readonly<Record<string, string>> = {
  '%40': '@',
  '%3A': ':',
  '%24': '$',
  '%2C': ',',
  '%2B': '+',
  '%3D': '=',
  '%3B': ';',
};

/** A name as a segment of a URL. */
export function encodeSegment(name: string): string {
  if (/^[\w.~-]*$/.test(name)) return name;
  return encodeURIComponent(name).replaceAll(/%(?:40|3A|24|2C|2B|3D|3B)/g, (coded) => PLAIN[coded] ?? coded);
}

/** The absolute path of a resource as responses name it; that of a collection ends with a slash. */
export function hrefOf(base: string, segments: readonly string[], isCollection: boolean): string {
  const path = segments.map((name) => `/${encodeSegment(name)}`).join('');
  return `${base}${path}${isCollection || path === '' ? '/' : ''}`;
}

/** What is before every path of a mount, encoded. */
export function baseOf({ scriptName = '' }: DavRequest): string {
  return scriptName
    .split('/')
    .map((name) => encodeSegment(name))
    .join('/')
    .replace(/\/+$/, '');
}

/** Where a URL leads below the mount, decoded; undefined when it leads elsewhere, to another host for one. */
export function pathOfUrl(url: string, request: DavRequest): string | undefined {
  const [, scheme, authority, rest] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)/i.exec(url) ?? [];
  if (scheme !== undefined && !/^https?$/i.test(scheme)) return undefined;
  if (authority !== undefined && !isOurs(authority, request)) return undefined;
  const path = authority === undefined ? url : rest === '' ? '/' : rest;
  const read = path === undefined ? undefined : canonicalPath(path)?.path;
  if (read === undefined) return undefined;
  const mount = (request.scriptName ?? '').replace(/\/{2,}/g, '/').replace(/\/$/, '');
  if (read !== mount && !read.startsWith(`${mount}/`)) return undefined;
  return read.slice(mount.length) || '/';
}

/** A proxy in front may have taken TLS off, so schemes and their usual ports are not compared. */
function isOurs(authority: string, { authority: own, fields }: DavRequest): boolean {
  const names = [own, fieldValue(fields, 'host')].filter((name) => name !== undefined);
  return names.length === 0 || names.some((name) => withoutPort(name) === withoutPort(authority));
}

function withoutPort(authority: string): string {
  return authority
    .replace(/^[^@]*@/, '')
    .replace(/:(?:80|443)?$/, '')
    .toLowerCase();
}

/** The path of the Destination field. Throws a refusal: 400 for none or one with a fragment, 502 for another server (RFC 4918 §9.8.5). */
export function destinationOf(request: DavRequest): string {
  const value = fieldValue(request.fields, 'destination');
  if (value === undefined || !/^(?:[a-z][a-z0-9+.-]*:\/\/|\/)[\x21\x22\x24-\x7e\x80-\xff]*$/i.test(value))
    throw refused(400, 'Destination is missing or no URL');
  if (canonicalPath(value.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '') || '/') === undefined)
    throw refused(400, 'the path of Destination cannot be read');
  const path = pathOfUrl(value, request);
  if (path === undefined) throw refused(502, `Destination ${value} is not of this folder`);
  return path;
}
