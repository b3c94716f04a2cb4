// Basic authentication (RFC 7617; RFC 1945 §11.1): which rule protects a request, and whether the name and password that
// came with it are good. It goes before routing and sees the canonical path, so no spelling of a path goes round it.
//
// A rule protects by the longest path that matches; within one path the first that names the method. A name that nobody
// has costs the same hash as one that exists. What was found good is remembered as a keyed digest together with the stored
// hash, so a good client pays for its hash once and a changed hash forgets it.

import { createHmac, randomBytes } from 'node:crypto';
import { firstField } from '../message/fields.ts';
import type { Field, RequestMessage } from '../message/message.ts';
import { methodSet, type MethodRegistry } from '../methods.ts';
import type { AuthRule } from '../options.ts';
import { usersOf, watchHtpasswd, type Users } from './htpasswd.ts';
import { hashProblem, verifyPassword } from './password-hash.ts';
import { matchPrefix, prefixSegments } from './prefix.ts';

/** Let in (as `user`, or unasked when undefined), or refused with a challenge, or too many are waiting to be checked. */
export type Verdict =
  | { readonly outcome: 'open' }
  | { readonly outcome: 'allowed'; readonly user: string }
  | { readonly outcome: 'refused'; readonly challenge: Field }
  | { readonly outcome: 'busy' };

type Protected = Pick<RequestMessage, 'method' | 'pathInfo' | 'fields'>;

export interface Authentication {
  check(request: Protected): Verdict | Promise<Verdict>;
  /** The rule that would be asked. */
  ruleFor(request: Pick<Protected, 'method' | 'pathInfo'>): AuthRule | undefined;
}

type Checked = boolean | 'busy';
type Check = (user: string, password: string) => Checked | Promise<Checked>;

interface Entry {
  readonly rule: AuthRule;
  readonly segments: readonly string[];
  readonly methods: ReadonlySet<string> | undefined;
  readonly challenge: Field;
  readonly check: Check;
}

// Hashing is meant to be slow. Beyond these, guessing passwords would keep everybody else waiting.
const CHECKS_AT_ONCE = 4;
const CHECKS_WAITING = 64;
const REMEMBERED = 1000;

const OPEN: Verdict = { outcome: 'open' };

/** Compiles the rules; reads their files. Throws a TypeError for what cannot be used. */
export function authentication(rules: readonly AuthRule[], registry: MethodRegistry): Authentication {
  const gate = new Gate();
  const entries = rules.map((rule) => compile(rule, registry, gate));
  entries.sort((a, b) => b.segments.length - a.segments.length);
  const find = ({ method, pathInfo }: Pick<Protected, 'method' | 'pathInfo'>): Entry | undefined =>
    entries.find(({ segments, methods }) => (methods?.has(method) ?? true) && matchPrefix(segments, pathInfo) !== -1);
  return {
    ruleFor: (request) => find(request)?.rule,
    check(request) {
      const entry = entries.length === 0 ? undefined : find(request);
      if (entry === undefined) return OPEN;
      const refused: Verdict = { outcome: 'refused', challenge: entry.challenge };
      const credentials = readCredentials(request.fields);
      if (credentials === undefined) return refused;
      const { user, password } = credentials;
      const verdict = (checked: Checked): Verdict => {
        if (checked === 'busy') return { outcome: 'busy' };
        return checked ? { outcome: 'allowed', user } : refused;
      };
      const checked = entry.check(user, password);
      return typeof checked === 'object' ? checked.then(verdict) : verdict(checked);
    },
  };
}

function compile(rule: AuthRule, registry: MethodRegistry, gate: Gate): Entry {
  const realm = rule.realm ?? 'onezero';
  if (!/^[\x20-\x7e]*$/.test(realm)) throw new TypeError('auth: a realm is printable ASCII');
  return {
    rule,
    segments: prefixSegments(rule.path ?? '/'),
    methods: rule.methods === undefined ? undefined : methodSet(rule.methods, registry),
    challenge: ['www-authenticate', `Basic realm="${realm.replaceAll(/["\\]/g, '\\$&')}", charset="UTF-8"`],
    check: checkOf(rule.users, gate),
  };
}

function checkOf(users: AuthRule['users'], gate: Gate): Check {
  if (typeof users === 'function') {
    return async (user, password) => {
      const isGood: unknown = await users(user, password);
      return isGood === true;
    };
  }
  const record = users as Readonly<Record<string, string>>;
  const { file, ...others } = record;
  const namesFile = file !== undefined && Object.keys(others).length === 0 && hashProblem(file) !== undefined;
  if (namesFile) return rememberedCheck(watchHtpasswd(file), gate);
  const map = usersOf(record);
  return rememberedCheck(() => map, gate);
}

function rememberedCheck(current: () => Users, gate: Gate): Check {
  const key = randomBytes(32);
  const good = new Set<string>();
  return (user, password) => {
    const users = current();
    const stored = users.get(user);
    // With nobody to compare with, any hash of the same kind and cost serves as the stand-in.
    const compared = stored ?? users.values().next().value;
    if (compared === undefined) return false;
    const digest = createHmac('sha256', key).update(`${compared}\0${user}\0${password}`).digest('base64');
    if (stored !== undefined && good.has(digest)) return true;
    return gate.run(async () => {
      const matches = await verifyPassword(password, compared);
      if (!matches || stored === undefined) return false;
      if (good.size >= REMEMBERED) good.clear();
      good.add(digest);
      return true;
    });
  };
}

/** The name and password of `Authorization: Basic`, or undefined when there is nothing usable. */
export function readCredentials(fields: readonly Field[]): { user: string; password: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/._~-]+=*)$/i.exec(firstField(fields, 'authorization') ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon === -1 || /[\0-\x1f\x7f]/.test(text)) return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Lets some checks run, some wait, and turns the rest away. */
class Gate {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  async run(check: () => Promise<boolean>): Promise<Checked> {
    if (this.#running >= CHECKS_AT_ONCE) {
      if (this.#waiting.length >= CHECKS_WAITING) return 'busy';
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
    try {
      return await check();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}
