#!/usr/bin/env node
import { runCommand } from './command.ts';

try {
  process.exit(await runCommand(process.argv.slice(2)));
} catch (error) {
  // Nothing of this kind is known; if it comes all the same, its stack is what helps to mend it.
  process.stderr.write(`Error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
