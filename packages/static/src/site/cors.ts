// The CORS protocol (WHATWG Fetch §3.3): who may read responses, and what a preflight allows.
//
// With a list of origins every response varies by Origin, also those for requests without one: a cache must not hand the
// answer for one origin to another.

import type { Field, StaticRequest, StaticResponse } from '../message.ts';
import type { CorsOptions } from '../options.ts';
import { withFields } from '../files/representation.ts';
import { fieldValue } from '../http/request-fields.ts';
import type { Complete } from '../options/shape.ts';

export type CorsSettings = Complete<CorsOptions>;

const remembered = new WeakMap<StaticResponse, Map<string, StaticResponse>>();

/** The response with what this origin may do; the same object for the same response and origin. */
export function withCors(response: StaticResponse, request: StaticRequest, cors: CorsSettings): StaticResponse {
  const origin = allowedOrigin(request, cors);
  const key = origin ?? '';
  let byOrigin = remembered.get(response);
  const known = byOrigin?.get(key);
  if (known !== undefined) return known;
  const answered = { ...response, fields: withFields(response.fields, originFields(origin, cors)) };
  // Iterable content is for one reader, so remembering its response would only keep it alive.
  if (response.content === undefined || response.content instanceof Uint8Array) {
    byOrigin ??= new Map();
    remembered.set(response, byOrigin.set(key, answered));
  }
  return answered;
}

/** What a preflight is told beside Allow; nothing unless the origin is allowed. */
export function preflightFields(request: StaticRequest, cors: CorsSettings, methods: string): readonly Field[] {
  const wanted = fieldValue(request.fields, 'access-control-request-method');
  if (wanted === undefined || allowedOrigin(request, cors) === undefined) return [];
  return [
    ['access-control-allow-methods', methods],
    ['access-control-allow-headers', cors.allowFields.join(', ')],
    ['access-control-max-age', String(cors.maxAgeSeconds)],
  ];
}

function allowedOrigin(request: StaticRequest, { origins }: CorsSettings): string | undefined {
  if (origins === '*') return '*';
  const origin = fieldValue(request.fields, 'origin');
  return origin !== undefined && origins.includes(origin) ? origin : undefined;
}

function originFields(
  origin: string | undefined,
  { origins, credentials, exposeFields }: CorsSettings,
): readonly Field[] {
  const fields: Field[] = origins === '*' ? [] : [['vary', 'origin']];
  if (origin === undefined) return fields;
  fields.push(['access-control-allow-origin', origin]);
  if (credentials) fields.push(['access-control-allow-credentials', 'true']);
  if (exposeFields.length > 0) fields.push(['access-control-expose-headers', exposeFields.join(', ')]);
  return fields;
}
