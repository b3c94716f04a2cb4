#!/usr/bin/env node
// The `onezero` command. A file of its own so that it can be linked before dist/ has been built.
import '../dist/command-line/bin.js';
