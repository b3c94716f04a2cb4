// The mounts that options name: an option takes one mount or several, and some take a name alone.

import type { GatewayMount, PhpMount, ServerOptions } from './options.ts';

/** Mounts, whichever way they were given. */
export function mountsOf<Mount>(
  given: string | Mount | readonly Mount[] | undefined,
  named: (name: string) => Mount,
): readonly Mount[] {
  if (given === undefined) return [];
  if (typeof given === 'string') return [named(given)];
  return Array.isArray(given) ? (given as readonly Mount[]) : [given as Mount];
}

/** The mounts of FastCGI and SCGI; an address alone gets PHP below the root, where there is one. */
export function gatewayMounts({
  root,
  fastcgi,
  scgi,
}: ServerOptions): readonly { readonly kind: 'fastcgi' | 'scgi'; readonly mount: GatewayMount }[] {
  const php = mountsOf<GatewayMount>(fastcgi, (address) => (root === undefined ? { address } : { address, root }));
  const others = mountsOf<GatewayMount>(scgi, (address) => ({ address }));
  return [
    ...php.map((mount) => ({ kind: 'fastcgi' as const, mount })),
    ...others.map((mount) => ({ kind: 'scgi' as const, mount })),
  ];
}

/** The mounts of PHP; what names no root gets that of the server. */
export function phpMounts({ root, php }: ServerOptions): readonly PhpMount[] {
  if (php === undefined || php === false) return [];
  const mounts = mountsOf<PhpMount>(php === true ? {} : php, (server) => ({ server }));
  return mounts.map((mount) => ({ ...mount, root: mount.root ?? root }));
}
