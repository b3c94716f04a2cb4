// Locks as values, and which of them stand in the way of what (RFC 4918 §6 and §7). No file, no clock.

/** A lock. Its path is that of its root: `/` and names, without a slash at its end. */
export interface Lock {
  readonly token: string;
  readonly path: string;
  readonly depth: '0' | 'infinity';
  readonly scope: 'exclusive' | 'shared';
  /** The root as the client named it, for `DAV:lockroot`. */
  readonly href: string;
  /** The `DAV:owner` element as text, `''` for none. */
  readonly owner: string;
  /** The user whose lock it is, where users are told apart. */
  readonly user?: string | undefined;
  readonly timeoutSeconds: number;
  readonly expiresAtMs: number;
}

/** The path of names, for locks. */
export function lockPath(segments: readonly string[]): string {
  return `/${segments.join('/')}`;
}

export function isBelow(path: string, root: string): boolean {
  return path.length > root.length && path.startsWith(root === '/' ? root : `${root}/`);
}

/** The locks that a resource is in the scope of. */
export function covering(locks: readonly Lock[], path: string): readonly Lock[] {
  return locks.filter((lock) => lock.path === path || (lock.depth === 'infinity' && isBelow(path, lock.path)));
}

/** The locks whose roots lie below a collection. */
function within(locks: readonly Lock[], path: string): readonly Lock[] {
  return locks.filter((lock) => isBelow(lock.path, path));
}

/** What a write does to a path. */
export interface Effect {
  readonly path: string;
  /** Whether all that is below the path is removed or replaced. */
  readonly isDeep: boolean;
  /** Whether a name comes or goes in the collection that the path is in. */
  readonly changesParent: boolean;
}

/** Who asks, and the tokens that the request submits. */
export interface Holder {
  readonly user: string | undefined;
  readonly tokens: ReadonlySet<string>;
}

/** The locks that forbid a write to a request that does not submit their tokens. */
export function obstacles(locks: readonly Lock[], effect: Effect, holder: Holder): readonly Lock[] {
  if (locks.length === 0) return [];
  const { path, isDeep, changesParent } = effect;
  const groups = [covering(locks, path)];
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  if (changesParent && path !== '/') groups.push(covering(locks, parent));
  if (isDeep)
    for (const below of new Set(within(locks, path).map((lock) => lock.path))) groups.push(covering(locks, below));
  // Of several shared locks on a resource the token of one is enough.
  const closed = groups.filter((group) => group.length > 0 && !group.some((lock) => isHeld(lock, holder)));
  return [...new Set(closed.flat())];
}

export function isHeld({ token, user }: Lock, holder: Holder): boolean {
  return holder.tokens.has(token) && (user === undefined || user === holder.user);
}

/** The locks that a new lock would be in conflict with (RFC 4918 §6.1): those that cover its root, and those in its depth. */
export function conflicts(
  locks: readonly Lock[],
  { path, depth, scope }: Pick<Lock, 'path' | 'depth' | 'scope'>,
): readonly Lock[] {
  const around = [...covering(locks, path), ...(depth === 'infinity' ? within(locks, path) : [])];
  return around.filter((lock) => scope === 'exclusive' || lock.scope === 'exclusive');
}
