// request-target = origin-form / absolute-form / authority-form / asterisk-form   (RFC 9112 §3.2)
//
// The scanner let only printable ASCII without "#" pass. This file decides which form a target has, and whether its method
// allows that form.

import { isAuthority } from './grammar.ts';
import type { TargetForm } from './message.ts';

/** A request-target taken apart. */
export interface Target {
  readonly form: TargetForm;
  /** Undefined where it is the target as it stands. */
  readonly pathAndQuery: string | undefined;
  /** Undefined where the target does not name one. */
  readonly authority: string | undefined;
}

/** The form that nearly every target has. */
export const ORIGIN: Target = { form: 'origin', pathAndQuery: undefined, authority: undefined };
const ASTERISK: Target = { form: 'asterisk', pathAndQuery: undefined, authority: undefined };

/** Returns undefined for a target that has no valid form, or one that its method excludes. */
export function readTarget(method: string, target: string): Target | undefined {
  if (method === 'CONNECT') return readAuthorityForm(target);
  if (target.startsWith('/')) return ORIGIN;
  if (target === '*') return method === 'OPTIONS' ? ASTERISK : undefined;
  return readAbsoluteForm(method, target);
}

/** uri-host ":" port, both given (RFC 9112 §3.2.3). */
function readAuthorityForm(target: string): Target | undefined {
  if (!/:[0-9]+$/.test(target) || !isAuthority(target)) return undefined;
  return { form: 'authority', pathAndQuery: '', authority: target };
}

/** An http or https URI. One without a path asks for `/`, or with OPTIONS for `*` (RFC 9112 §3.2.4). */
function readAbsoluteForm(method: string, target: string): Target | undefined {
  const parts = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  if (parts === null || !isAuthority(parts[1] as string)) return undefined;
  const rest = parts[2] as string;
  const empty = method === 'OPTIONS' ? '*' : '/';
  const pathAndQuery = rest === '' ? empty : rest.startsWith('/') ? rest : `/${rest}`;
  return { form: 'absolute', pathAndQuery, authority: parts[1] };
}
