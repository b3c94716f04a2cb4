// The If field (RFC 4918 §10.4): lists of conditions on the states of resources.
//
//   If: (<urn:uuid:1> ["tag"]) (Not <DAV:no-lock>)      of the request's own resource
//   If: <http://host/a> (<urn:uuid:1>) </b> (["tag"])   of resources that are named
//
// The field holds when one of its lists holds, and a list when all of its conditions do. A token that stands anywhere in the
// field counts as submitted, whichever list holds.

/** A condition: a lock token or an entity tag that the resource has, or has not. */
export interface Condition {
  readonly isNegated: boolean;
  readonly kind: 'token' | 'tag';
  /** A token without its angle brackets, an entity tag without its square ones. */
  readonly value: string;
}

/** Conditions that hold together, of one resource. */
export interface ConditionList {
  /** The URL of the resource; undefined for that of the request. */
  readonly resource: string | undefined;
  readonly conditions: readonly Condition[];
}

/** What a resource has. */
export interface ResourceState {
  readonly tokens: readonly string[];
  /** Undefined where nothing is, and for collections. */
  readonly etag: string | undefined;
}

const BLANK = /[ \t]*/y;
const RESOURCE = /<([^<>\s]+)>/y;
const CONDITION = /(Not[ \t]*)?(?:<([^<>\s]+)>|\[((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")\])/iy;

/** More lists or conditions than any client sends; each costs a look at a resource. */
const MAX_CONDITIONS = 200;

/** The lists of an If field, in order; undefined for what is none. */
export function parseIf(value: string): readonly ConditionList[] | undefined {
  const lists: ConditionList[] = [];
  let at = 0;
  let count = 0;
  let resource: string | undefined;
  let isTagOpen = false;
  const match = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(value);
    if (found === null) return undefined;
    at = pattern.lastIndex;
    return found;
  };
  const conditionsOf = (): readonly Condition[] | undefined => {
    const conditions: Condition[] = [];
    for (match(BLANK); value[at] !== ')'; match(BLANK)) {
      const [found, not, token, tag] = match(CONDITION) ?? [];
      if (found === undefined || ++count > MAX_CONDITIONS) return undefined;
      const condition =
        token === undefined ? { kind: 'tag' as const, value: tag ?? '' } : { kind: 'token' as const, value: token };
      conditions.push({ isNegated: not !== undefined, ...condition });
    }
    at++;
    return conditions.length === 0 ? undefined : conditions;
  };
  for (match(BLANK); at < value.length; match(BLANK)) {
    if (value[at] === '(') {
      at++;
      const conditions = conditionsOf();
      if (conditions === undefined) return undefined;
      lists.push({ resource, conditions });
      isTagOpen = false;
    } else {
      // Lists without a resource cannot be mixed with lists that have one, and a resource needs a list.
      const tag = match(RESOURCE)?.[1];
      if (tag === undefined || isTagOpen || (lists.length > 0 && resource === undefined)) return undefined;
      resource = tag;
      isTagOpen = true;
    }
  }
  return lists.length === 0 || isTagOpen ? undefined : lists;
}

/** The tokens that a field submits. */
export function submittedTokens(lists: readonly ConditionList[]): ReadonlySet<string> {
  const tokens = lists.flatMap(({ conditions }) => conditions.filter(({ kind }) => kind === 'token'));
  return new Set(tokens.map(({ value }) => value));
}

/** Whether a field holds, given the states of the resources that it is about. */
export async function ifHolds(
  lists: readonly ConditionList[],
  stateOf: (resource: string | undefined) => Promise<ResourceState>,
): Promise<boolean> {
  for (const { resource, conditions } of lists) {
    const state = await stateOf(resource);
    if (conditions.every((condition) => holds(condition, state))) return true;
  }
  return false;
}

function holds({ isNegated, kind, value }: Condition, { tokens, etag }: ResourceState): boolean {
  const has = kind === 'token' ? tokens.includes(value) : etag !== undefined && isSameTag(value, etag);
  return has !== isNegated;
}

/** A tag of a coded form names the same state, and a weak one too: what is asked is whether the resource was changed. */
function isSameTag(given: string, etag: string): boolean {
  const plain = given.replace(/^W\//, '');
  return (
    plain === etag || (plain.startsWith(etag.slice(0, -1)) && /^-(?:br|zstd|gzip)"$/.test(plain.slice(etag.length - 1)))
  );
}
