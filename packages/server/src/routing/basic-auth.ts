// Basic authentication (RFC 7617; RFC 1945 §11.1): which rule protects a request, and whether the name and password that
// came with it are good. It goes before routing and sees the canonical path, so no spelling of a path goes round it.
//
// A rule protects by the longest path that matches; within one path the first that names the method. A wrong password costs
// the same whether its user exists or not: one hash of every class in the file. What was found good is remembered as a keyed
// digest together with the stored hash, so a good client pays for its hash once and a changed hash forgets it.

import { createHmac, randomBytes } from 'node:crypto';
import { firstField } from '../message/fields.ts';
import type { Field, RequestMessage } from '../message/message.ts';
import { methodSet, type MethodRegistry } from '../methods.ts';
import type { AuthRule } from '../options.ts';
import { FailedLogins } from './failed-logins.ts';
import { usersOf, watchHtpasswd, type Users } from './htpasswd.ts';
import { type Checked, checkPassword } from './password-checks.ts';
import { hashClass, hashProblem } from './password-hash.ts';
import { warnOnce } from '../warn-once.ts';
import { matchPrefix, prefixIndex, prefixSegments } from './prefix.ts';

/** Let in (as `user`, or unasked when undefined), or refused with a challenge, or too many are waiting to be checked. */
export type Verdict =
  | { readonly outcome: 'open' }
  | { readonly outcome: 'allowed'; readonly user: string }
  | { readonly outcome: 'refused'; readonly challenge: Field }
  | { readonly outcome: 'busy' };

type Protected = Pick<RequestMessage, 'method' | 'pathInfo' | 'fields' | 'remote'>;

export interface Authentication {
  check(request: Protected): Verdict | Promise<Verdict>;
  /** The rule that would be asked. */
  ruleFor(request: Pick<Protected, 'method' | 'pathInfo'>): AuthRule | undefined;
  /** Whether a rule is for this very path. */
  has(request: Pick<Protected, 'method' | 'pathInfo'>): boolean;
  /** The paths of rules for what lies below a path; without a method, of those for any. */
  below(request: { readonly method?: string; readonly pathInfo: string }): readonly string[];
}

interface Check {
  /** Whether they were found good before. */
  isKnown(user: string, password: string): boolean;
  ask(user: string, password: string, address: string): Checked | Promise<Checked>;
}

interface Entry {
  readonly rule: AuthRule;
  readonly segments: readonly string[];
  readonly methods: ReadonlySet<string> | undefined;
  readonly challenge: Field;
  readonly check: Check;
}

const REMEMBERED = 1000;

const OPEN: Verdict = { outcome: 'open' };

/** Compiles the rules; reads their files. Throws a TypeError for what cannot be used. */
export function authentication(rules: readonly AuthRule[], registry: MethodRegistry): Authentication {
  const entries = rules.map((rule) => compile(rule, registry));
  const failures = new FailedLogins();
  entries.sort((a, b) => b.segments.length - a.segments.length);
  const candidatesOf = prefixIndex(entries.map(({ segments }, number) => [number, segments]));
  const find = ({ method, pathInfo }: Pick<Protected, 'method' | 'pathInfo'>): Entry | undefined => {
    const matches = ({ segments, methods }: Entry): boolean =>
      (methods?.has(method) ?? true) && matchPrefix(segments, pathInfo) !== -1;
    for (const number of candidatesOf(pathInfo)) {
      const entry = entries[number];
      if (entry !== undefined && matches(entry)) return entry;
    }
    return undefined;
  };
  return {
    ruleFor: (request) => find(request)?.rule,
    has(request) {
      const segments = find(request)?.segments;
      return segments !== undefined && matchPrefix(segments, request.pathInfo) === request.pathInfo.length;
    },
    below({ method, pathInfo }) {
      const names = pathInfo.split('/').filter((name) => name !== '');
      const isBelow = ({ segments, methods }: Entry): boolean =>
        segments.length > names.length &&
        (method === undefined || (methods?.has(method) ?? true)) &&
        names.every((name, index) => name === segments[index]);
      return entries.filter(isBelow).map(({ segments }) => `/${segments.join('/')}`);
    },
    check(request) {
      const entry = entries.length === 0 ? undefined : find(request);
      if (entry === undefined) return OPEN;
      if (isPreflight(request) && entry.methods?.has('OPTIONS') !== true) return OPEN;
      const refused: Verdict = { outcome: 'refused', challenge: entry.challenge };
      const credentials = readCredentials(request.fields);
      if (credentials === undefined) return refused;
      const { user, password } = credentials;
      const { address } = request.remote;
      const verdict = (checked: Checked): Verdict | Promise<Verdict> => {
        if (checked === 'busy') return { outcome: 'busy' };
        return checked ? { outcome: 'allowed', user } : later(refused, failures.failed(address));
      };
      if (failures.isTooMany(address) && !entry.check.isKnown(user, password)) return { outcome: 'busy' };
      const checked = entry.check.ask(user, password, address);
      return typeof checked === 'object' ? checked.then(verdict) : verdict(checked);
    },
  };
}

/**
 * Whether a browser asks what a page of another origin may do (WHATWG Fetch, CORS-preflight request). It never sends
 * credentials with that, so a challenge would keep such pages out for ever; a rule that names OPTIONS asks all the same.
 */
function isPreflight({ method, fields }: Pick<Protected, 'method' | 'fields'>): boolean {
  if (method !== 'OPTIONS') return false;
  const has = (name: string): boolean => firstField(fields, name) !== undefined;
  if (has('transfer-encoding') || (firstField(fields, 'content-length') ?? '0') !== '0') return false;
  return has('origin') && has('access-control-request-method');
}

function compile(rule: AuthRule, registry: MethodRegistry): Entry {
  const realm = rule.realm ?? 'onezero';
  if (!/^[\x20-\x7e]*$/.test(realm)) throw new TypeError('auth: a realm is printable ASCII');
  return {
    rule,
    segments: prefixSegments(rule.path ?? '/'),
    methods: rule.methods === undefined ? undefined : methodSet(rule.methods, registry),
    challenge: ['www-authenticate', `Basic realm="${realm.replaceAll(/["\\]/g, '\\$&')}", charset="UTF-8"`],
    check: checkOf(rule.users),
  };
}

function checkOf(users: AuthRule['users']): Check {
  if (typeof users === 'function') {
    return {
      isKnown: () => false,
      ask: async (user, password) => {
        const isGood: unknown = await users(user, password);
        // A user, a text or a promise inside of something: nobody is let in by what only looks like yes.
        if (Boolean(isGood) && isGood !== true)
          warnOnce('auth', new TypeError('users: the function returned neither true nor false: return true to let in'));
        return isGood === true;
      },
    };
  }
  const record = users as Readonly<Record<string, string>>;
  const { file, ...others } = record;
  const namesFile = file !== undefined && Object.keys(others).length === 0 && hashProblem(file) !== undefined;
  if (namesFile) return rememberedCheck(watchHtpasswd(file));
  const map = usersOf(record);
  return rememberedCheck(() => map);
}

function rememberedCheck(current: () => Users): Check {
  const key = randomBytes(32);
  const good = new Set<string>();
  const underWay = new Map<string, Promise<Checked>>();
  const digestOf = (stored: string | undefined, user: string, password: string): string =>
    createHmac('sha256', key)
      .update(`${stored ?? ''}\0${user}\0${password}`)
      .digest('base64');
  const ask: Check['ask'] = (user, password, address) => {
    const users = current();
    const stored = users.get(user);
    if (users.size === 0) return false;
    const digest = digestOf(stored, user, password);
    if (good.has(digest)) return true;
    // A browser that opens a page asks for all of it at once; one check answers for that.
    const same = underWay.get(digest);
    if (same !== undefined) return same;
    const checked = checkPassword({ password, stored, others: othersOf(users, stored) }, address).then((answer) => {
      if (answer !== true) return answer;
      if (good.size >= REMEMBERED) good.clear();
      good.add(digest);
      return answer;
    });
    underWay.set(digest, checked);
    const forget = (): void => void underWay.delete(digest);
    checked.then(forget, forget);
    return checked;
  };
  return { isKnown: (user, password) => good.has(digestOf(current().get(user), user, password)), ask };
}

/** A verdict that comes after a while. */
function later(verdict: Verdict, ms: number): Verdict | Promise<Verdict> {
  if (ms === 0) return verdict;
  return new Promise((resolve) => {
    setTimeout(() => resolve(verdict), ms).unref();
  });
}

const examples = new WeakMap<Users, ReadonlyMap<string, string>>();

/** A hash of each class but the one of `stored`. */
function othersOf(users: Users, stored: string | undefined): readonly string[] {
  let byClass = examples.get(users);
  if (byClass === undefined) {
    byClass = new Map([...users.values()].map((hash) => [hashClass(hash), hash]));
    examples.set(users, byClass);
  }
  const own = stored === undefined ? undefined : hashClass(stored);
  return [...byClass].filter(([name]) => name !== own).map(([, hash]) => hash);
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
