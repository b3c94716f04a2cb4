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

type ByOrigin = Map<string, StaticResponse>;

/** By settings first: sites of one process share responses such as the bare 404, and allow different things. */
const remembered = new WeakMap<CorsSettings, WeakMap<StaticResponse, ByOrigin>>();

/** The response with what this origin may do; the same object for the same response and origin. */
export function withCors(response: StaticResponse, request: StaticRequest, cors: CorsSettings): StaticResponse {
  const origin = allowedOrigin(request, cors);
  const key = origin ?? '';
  const byResponse = responsesOf(cors);
  const byOrigin = byResponse.get(response);
  const known = byOrigin?.get(key);
  if (known !== undefined) return known;
  const answered = { ...response, fields: withFields(response.fields, originFields(origin, cors)) };
  // Iterable content is for one reader and lent content for now, so remembering its response would only keep it alive.
  if (response.isLent === true) return answered;
  if (response.content === undefined || response.content instanceof Uint8Array) {
    byResponse.set(response, (byOrigin ?? new Map()).set(key, answered));
  }
  return answered;
}

function responsesOf(cors: CorsSettings): WeakMap<StaticResponse, ByOrigin> {
  let responses = remembered.get(cors);
  if (responses === undefined) remembered.set(cors, (responses = new WeakMap()));
  return responses;
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
