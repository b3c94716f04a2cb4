// What a path comes to, said instead of done.

import { CgiError } from '../cgi-error.ts';
import type { ScriptExplanation } from '../options.ts';
import { diagnose } from '../process/process-error.ts';
import type { FindScript } from './find-script.ts';

/** What is known of a mount. */
interface MountKind {
  /** Whether others may have something where this mount has nothing. */
  readonly sharesRoot: boolean;
  /** Whether an application in another process runs what is found, as far as it is a file at all. */
  readonly isElsewhere?: boolean;
}

/** Explains a path. */
export function explainScript(find: FindScript, pathInfo: string, mount: MountKind): ScriptExplanation {
  const { sharesRoot, isElsewhere = false } = mount;
  try {
    const found = find(pathInfo);
    if (found.kind === 'missing-slash') {
      return {
        outcome: 'redirect',
        status: 301,
        reason: 'the directory has an index script, and the path lacks its slash',
      };
    }
    const { file: script, interpreter, scriptName, pathInfo: rest } = found;
    if (isElsewhere) {
      const file = script === '' ? undefined : script;
      return { outcome: 'run', script: file, scriptName, pathInfo: rest };
    }
    const seen = { script, interpreter, scriptName, pathInfo: rest };
    const failure = diagnose(interpreter ?? script, undefined);
    if (failure === undefined) return { outcome: 'run', ...seen };
    const status = failure.code === 'not-found' ? 404 : failure.code === 'not-executable' ? 403 : 500;
    return { outcome: 'refused', ...seen, status, reason: failure.message };
  } catch (error) {
    if (!(error instanceof CgiError)) throw error;
    const { code, status, message: reason, script } = error;
    return { outcome: sharesRoot && code === 'script-not-found' ? 'nothing' : 'refused', script, status, reason };
  }
}
