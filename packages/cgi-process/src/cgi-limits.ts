// The limits of a run and the reason for each default.

import type { CgiLimits } from './cgi-options.ts';

/** Every limit, none left open. */
export type ScriptLimits = { readonly [Name in keyof CgiLimits]-?: number };

const defaults: ScriptLimits = {
  // A script that has not made up its mind after half a minute will not.
  headerTimeoutMs: 30_000,
  // Longer, since a first output has shown that it works.
  idleTimeoutMs: 60_000,
  totalTimeoutMs: Number.POSITIVE_INFINITY,
  killGraceMs: 2000,
  maxContentBytes: Number.POSITIVE_INFINITY,
  // Apache takes 8 KiB a line, lighttpd 64 KiB in all; large cookies want the latter.
  maxHeaderBytes: 65_536,
  maxHeaderLines: 200,
  maxStderrBytes: 65_536,
  // What a pipe holds on Linux: content of this size is handed over without waiting.
  spoolMemoryBytes: 65_536,
};

/** The limits given, and the defaults where none are. */
export function withDefaults(limits: CgiLimits): ScriptLimits {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(given) as Partial<ScriptLimits>) };
}
