// Which digest a client wants (RFC 9530 §4): a dictionary of algorithms with preferences from 0 (not acceptable) to 10.

/** The algorithms that are safe against forgery (RFC 9530 §7.2), as the registry and node:crypto call them. */
export const DIGEST_ALGORITHMS: Readonly<Record<string, 'sha256' | 'sha512'>> = {
  'sha-256': 'sha256',
  'sha-512': 'sha512',
};

/** An integer of RFC 9651 §3.3.1 with parameters, which mean nothing here. A key alone is the Boolean true, no preference. */
const MEMBER = /^([a-z*][a-z0-9_.*-]*)=(-?\d{1,15})(?:[ \t]*;.*)?$/;

/**
 * The wanted algorithms that are known here, the most wanted first, SHA-256 first among equals. None for a field that is no
 * dictionary of preferences: it is ignored as a whole.
 */
export function wantedDigests(value: string | undefined): readonly string[] {
  if (value === undefined) return [];
  const preferences = new Map<string, number>();
  for (const member of value.split(',')) {
    const [, name, preference] = MEMBER.exec(member.trim()) ?? [];
    if (name === undefined) return [];
    // Of a key that comes twice the last counts.
    preferences.set(name, Number(preference));
  }
  return Object.keys(DIGEST_ALGORITHMS)
    .filter((name) => isPreference(preferences.get(name)))
    .toSorted((a, b) => (preferences.get(b) ?? 0) - (preferences.get(a) ?? 0));
}

function isPreference(value: number | undefined): boolean {
  return value !== undefined && value > 0 && value <= 10;
}

/** The value of a digest field. `digest` in base64. */
export function digestValue(algorithm: string, digest: string): string {
  return `${algorithm}=:${digest}:`;
}
