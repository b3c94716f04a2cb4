// `onezero check`: everything that can be found wrong without serving anything.

import { createServer } from '../../server.ts';
import type { Resolved } from '../configuration/configuration.ts';
import { generationOptions } from '../running/generation.ts';
import { inspect } from '../configuration/inspection.ts';
import type { Configuration } from '../options/table.ts';

/** Prints problems and warnings. Resolves to 0 when the server would start, else to 2. */
export async function check({ configuration, warnings }: Resolved): Promise<number> {
  const findings = inspect(configuration);
  const problems = [...findings.problems];
  if (problems.length === 0) problems.push(...(await trial(configuration)));
  for (const problem of problems) process.stderr.write(`Error: ${problem}\n`);
  for (const warning of [...warnings, ...findings.warnings]) process.stderr.write(`Warning: ${warning}\n`);
  if (problems.length > 0) return 2;
  const count = warnings.length + findings.warnings.length;
  process.stdout.write(
    `The configuration is sound${count === 0 ? '' : `, with ${count} ${count === 1 ? 'warning' : 'warnings'}`}\n`,
  );
  return 0;
}

/** Composes everything and throws it away again: what a package refuses, it refuses here. */
async function trial(configuration: Configuration): Promise<readonly string[]> {
  const { tlsCert: cert, tlsKey: key, tlsPassphraseFile: passphraseFile } = configuration;
  const lazy = { ...configuration, wsgi: configuration.wsgi?.map((mount) => ({ ...mount, lazy: true })) };
  try {
    if (cert !== undefined && key !== undefined)
      (await import('../../operations/tls.ts')).readCertificate({ cert, key, passphraseFile });
    const quiet = { accessLog: ignore, report: ignore, isReady: () => false, collectMetrics: nothing };
    await createServer(await generationOptions(lazy, quiet)).close();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

function ignore(): void {}

function nothing(): never {
  throw new Error('nothing is counted here');
}
