#!/usr/bin/env node
// The `onezero` command under its own name. What it does is in @onezero/server.

// Distributions have older ones, which would end with a stack somewhere in it.
if (process.getBuiltinModule === undefined) {
  console.error(`Error: onezero needs Node 20.19 or newer; this is ${process.version}`);
  process.exit(1);
}
const { runCommand } = await import('@onezero/server/command');

process.exit(await runCommand(process.argv.slice(2)));
