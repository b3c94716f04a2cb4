#!/usr/bin/env node
import { text } from 'node:stream/consumers';

const form = new URLSearchParams(await text(process.stdin));
process.stdout.write(`Content-Type: text/plain\n\nnode: hello ${form.get('name')}\n`);
