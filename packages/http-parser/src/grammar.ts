// The character classes and small productions of RFC 9110, 9112 and 3986, each under its ABNF.

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

/** tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA */
export const TOKEN = 1;
/** Printable ASCII but "#": a superset of RFC 3986, as browsers send `|`, `^`, `{` and others unescaped. */
export const TARGET = 2;
/** HTAB / SP / VCHAR / obs-text (RFC 9110 §5.5) */
export const VALUE = 4;
/** DIGIT / "A".."F" in either case */
export const HEX = 8;
/** HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text: qdtext (RFC 9110 §5.6.4) */
export const QUOTED = 16;

function classify(octet: number): number {
  const character = String.fromCharCode(octet);
  const isPrintable = octet > 0x20 && octet < 0x7f;
  const isValue = isPrintable || octet === SP || octet === HTAB || octet > 0x7f;
  return (
    (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character) ? TOKEN : 0) |
    (isPrintable && character !== '#' ? TARGET : 0) |
    (isValue ? VALUE : 0) |
    (/[0-9A-Fa-f]/.test(character) ? HEX : 0) |
    (isValue && character !== '"' && character !== '\\' ? QUOTED : 0)
  );
}

/** The classes of each octet as a set of bits. */
export const CLASS: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) => classify(octet));

/** 1*tchar */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

/** host [ ":" port ] (RFC 9110 §4.2.1, RFC 3986 §3.2.2), the host not empty, the port at most 65535. */
export function isAuthority(text: string): boolean {
  const split = /^(\[.*\]|[^:]*)(?::([0-9]{0,5}))?$/.exec(text);
  if (split === null || Number(split[2] ?? 0) > 65_535) return false;
  const host = split[1] as string;
  return host.startsWith('[') ? isIpLiteral(host.slice(1, -1)) : isRegisteredName(host);
}

/**
 * 1*( unreserved / pct-encoded / sub-delims ), which includes every IPv4 address; but no comma, which no host has: it is the
 * mark of two Host lines that a recipient joined.
 */
function isRegisteredName(text: string): boolean {
  return /^(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+$/.test(text);
}

/** IPv6address / IPvFuture */
function isIpLiteral(text: string): boolean {
  return isIpv6(text) || /^[Vv][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+$/.test(text);
}

/** Eight groups of h16, the last two perhaps an IPv4 address, one run of groups perhaps replaced by "::". */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (text.length > 45 || halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1) ?? '';
  const endsInIpv4 = !text.endsWith('::') && isIpv4(last);
  const count = groups.length + (endsInIpv4 ? 1 : 0);
  const hexGroups = endsInIpv4 ? groups.slice(0, -1) : groups;
  return (
    hexGroups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) && (halves.length === 2 ? count < 8 : count === 8)
  );
}

function isIpv4(text: string): boolean {
  const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
  return new RegExp(`^${octet}(?:\\.${octet}){3}$`).test(text);
}
