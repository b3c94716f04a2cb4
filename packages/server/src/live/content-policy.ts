// A Content-Security-Policy, widened so far that one script of this server runs and may ask this server for events.

/** What a page's policy has to say for the script. */
export interface Allowed {
  readonly policy: string;
  /** Given where the policy trusts only scripts that carry one. */
  readonly nonce: string | undefined;
}

/**
 * The policy with the script allowed; `nonce` is used where a source list ignores hosts (`strict-dynamic`). Undefined where a
 * sandbox keeps every script from running: then there is nothing to widen.
 */
export function allowScript(policy: string, nonce: string): Allowed | undefined {
  const directives = policy.split(';').map((directive) => directive.trim().split(/\s+/));
  const find = (name: string): string[] | undefined => directives.find(([given]) => given?.toLowerCase() === name);
  const sandbox = find('sandbox');
  if (sandbox !== undefined && !has(sandbox, 'allow-scripts')) return undefined;
  const fallback = find('default-src')?.slice(1);
  const scripts = find('script-src-elem') ?? find('script-src');
  const usesNonce = has(scripts ?? fallback ?? [], "'strict-dynamic'");
  const widen = (name: string, given: string[] | undefined, source: string): void => {
    if (given !== undefined) given.push(source);
    else if (fallback !== undefined) directives.push([name, ...fallback, source]);
  };
  widen('script-src', scripts, usesNonce ? `'nonce-${nonce}'` : "'self'");
  widen('connect-src', find('connect-src'), "'self'");
  const written = directives.map(withoutNone).filter((directive) => directive !== '');
  return { policy: written.join('; '), nonce: usesNonce ? nonce : undefined };
}

/** Keywords have no case (CSP3 §2.3.1). */
function has(words: readonly string[], keyword: string): boolean {
  return words.some((word) => word.toLowerCase() === keyword);
}

/** `'none'` beside another source says nothing. */
function withoutNone([name = '', ...sources]: readonly string[]): string {
  const kept = sources.length > 1 ? sources.filter((source) => source.toLowerCase() !== "'none'") : sources;
  return [name, ...kept].join(' ');
}
