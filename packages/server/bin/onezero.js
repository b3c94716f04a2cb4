#!/usr/bin/env node
// The `onezero` command. A file of its own so that it can be linked before dist/ has been built.

// Distributions have older ones, which would end with a stack somewhere in dist/.
if (process.getBuiltinModule === undefined) {
  console.error(`Error: onezero needs Node 20.19 or newer; this is ${process.version}`);
  process.exit(1);
}
await import('../dist/command-line/bin.js');
