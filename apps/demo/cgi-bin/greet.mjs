#!/usr/bin/env node
// The form's fields arrive on standard input.
import { text } from 'node:stream/consumers';

const form = new URLSearchParams(await text(process.stdin));
const name = form.get('name') || 'stranger';
const escaped = name.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
console.log(`Content-Type: text/html; charset=utf-8

<!doctype html><html lang="en"><title>Greeting</title><link rel="stylesheet" href="/style.css">
<body class="small"><h1>Hello, ${escaped}.</h1><p>${name.length} characters, counted by process ${process.pid}.</p>`);
