#!/usr/bin/env node
// The `onezero` command under its own name. What it does is in @onezero/server.
import { runCommand } from '@onezero/server/command';

process.exit(await runCommand(process.argv.slice(2)));
