// Pieces that recipes share.

import type { Figures } from './figures.ts';

/** The first lines of a recipe: what it was computed from, and which flags the server has to have. */
export function note({ drainSeconds, stopSeconds, missingFlags }: Figures, comment: string): string {
  const lines = [
    `Computed by onezero recipe. A stop takes ${drainSeconds} s in which balancers notice, ${stopSeconds} s at most.`,
  ];
  if (missingFlags.length > 0)
    lines.push(`It counts on these flags, which the configuration lacks: ${missingFlags.join(' ')}`);
  return lines.map((line) => `${comment} ${line}`).join('\n');
}

/** The same for a proxy in front. */
export function proxyNote(figures: Figures): string {
  return note({ ...figures, missingFlags: [...figures.missingFlags, ...figures.missingProxyFlags] }, '#');
}

/** A word of ExecStart= in systemd's quoting (systemd.service(5), "Command lines"). */
export function unitWord(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[\w@%+=:,./$-]+$/.test(escaped)) return escaped;
  return `"${escaped
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)}"`;
}
