// Random scripts for the comparison of CGI: a list of steps (write, pause, complain, read, exit), put down in one of four
// languages. What a script writes is at times not what RFC 3875 asks for.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {{ kind: 'write' | 'complain', bytes: Buffer } | { kind: 'pause', ms: number } | { kind: 'read' }
 *   | { kind: 'exit', code: number } | { kind: 'signal' } | { kind: 'shut' } | { kind: 'child', holds: boolean }} Step
 *
 * `shut` closes standard output and goes on; `child` leaves a process behind, which may hold standard output and write to it later.
 */

const STATUSES = [
  '200 OK',
  '200',
  '201 Created',
  '204 No Content',
  '299 Odd',
  '304 Not Modified',
  '404 Nope',
  '410',
  '503 Later',
  '206 Part',
  '205 Reset',
  '200  Two  Spaces ',
  '404\tTab',
  '599',
  '200 caf\xe9',
];
/** What is no status of RFC 3875 §6.3.3, or none that a response may end with. */
const ODD_STATUSES = [
  '99 Low',
  '1000 High',
  '100 Continue',
  '101 Switch',
  '103 Hints',
  '200OK',
  '2000',
  '20',
  '-200',
  '200.5',
  '+200',
];
const LOCATIONS = [
  'http://example.org/a?b',
  'https://example.org/',
  '/cgi-bin/fixed?from=there',
  'other',
  '/nowhere-at-all',
  '//example.org/x',
  '/cgi-bin/s7',
  '/cgi-bin/s8?again',
  '/cgi-bin/environment/a%20b?c=%20',
  '/cgi-bin/missing',
  '/cgi-bin/fixed#part',
  'mailto:a@example.org',
  'HTTP://example.org/',
];
const FIELDS = [
  'Set-Cookie: a=1; Path=/',
  'Set-Cookie: b=2',
  'ETag: "v1"',
  'Last-Modified: Sat, 28 Nov 2026 10:00:00 GMT',
  'Cache-Control: max-age=60',
  'X-One: 1',
  'X-Two:   spaced  ',
  'X-Empty:',
  'x-lower: case',
  'Content-Language: en',
  'Vary: Cookie',
  'Content-Disposition: attachment; filename="a b.txt"',
  'X-Latin: caf\xe9',
];
const BROKEN = [
  'a\0b: c',
  'X-Nul: a\0b',
  'X-Return: a\rb',
  'no colon here',
  ' leading space',
  'Bad Name: x',
  'Status: abc',
  'X-Control: a\x01b',
  ': no name',
];

const LATE = 'late';

/** A script as data. */
export function randomScript(random) {
  const body = random.bytes(random.pick([0, 0, 1, 5, random.length(2000), random.length(80_000)]));
  const lines = headerLines(random, body);
  const ending = random.pick(['\n', '\n', '\r\n']);
  const hasBrokenLine = random.chance(0.06);
  if (hasBrokenLine) lines.splice(random.int(0, lines.length), 0, random.pick(BROKEN));
  if (lines.length === 0) lines.push('X-Only: 1');
  const head = Buffer.from(lines.map((line) => line + ending).join('') + ending, 'latin1');
  const output = random.chance(0.03) ? head.subarray(0, random.int(0, head.length - 1)) : Buffer.concat([head, body]);
  // Now and then each octet of a head comes by itself.
  const isPlucked = random.chance(0.04);
  const plucked = isPlucked ? Array.from(output.subarray(0, 60), (_, at) => output.subarray(at, at + 1)) : [];
  const rest = isPlucked ? output.subarray(60) : output;
  const steps = [...plucked, ...random.cut(rest, random.pick([1, 1, 3, 6]))].map((bytes) => ({ kind: 'write', bytes }));
  if (random.chance(0.2))
    steps.splice(random.int(0, steps.length), 0, {
      kind: 'complain',
      bytes: Buffer.from('a complaint\n'.repeat(random.pick([1, 1, 1, 6000]))),
    });
  if (random.chance(0.15))
    steps.splice(random.int(0, steps.length), 0, { kind: 'pause', ms: random.pick([1, 20, 150]) });
  if (random.chance(0.3)) steps.unshift({ kind: 'read' });
  if (random.chance(0.05)) steps.push({ kind: 'child', holds: random.chance(0.5) });
  if (random.chance(0.05)) steps.push({ kind: 'shut' }, { kind: 'pause', ms: random.pick([1, 50]) });
  if (random.chance(0.1)) steps.push({ kind: 'exit', code: random.int(1, 9) });
  else if (random.chance(0.03)) steps.push({ kind: 'signal' });
  const isBroken = hasBrokenLine || lines.some((line) => ODD_STATUSES.some((status) => line === `Status: ${status}`));
  // What a child writes later is content as well.
  const isLate = steps.some(({ kind, holds }) => kind === 'child' && holds);
  const bodyLength = body.length + (isLate ? LATE.length : 0);
  return { language: random.pick(['sh', 'python', 'perl', 'c']), steps, lines, bodyLength, isBroken };
}

function headerLines(random, body) {
  const lines = random.some(FIELDS, 0.2);
  if (random.chance(0.8))
    lines.push(`Content-Type: ${random.pick(['text/plain', 'text/html; charset=utf-8', 'application/x-odd', ''])}`);
  if (random.chance(0.3)) lines.push(`Status: ${random.pick(random.chance(0.12) ? ODD_STATUSES : STATUSES)}`);
  if (random.chance(0.06)) lines.push(`X-Long: ${'l'.repeat(random.pick([4000, 8000, 16_000, 60_000]))}`);
  if (random.chance(0.04))
    lines.push(...Array.from({ length: random.pick([20, 60]) }, (_, at) => `X-Many-${at}: ${at}`));
  if (random.chance(0.12)) lines.push(`Location: ${random.pick(LOCATIONS)}`);
  if (random.chance(0.25)) {
    const wrong = random.chance(0.2) ? random.pick([-1, 1, 1000]) : 0;
    lines.push(`Content-Length: ${Math.max(0, body.length + wrong)}`);
  }
  return random.shuffle(lines);
}

/** Writes a script into a folder. The program in C is compiled once and reads its steps from the file beside it. */
export function putScript(folder, name, { language, steps }, player) {
  const path = join(folder, name);
  if (language === 'c' && player !== undefined) {
    copyFileSync(player, path);
    writeFileSync(`${path}.steps`, steps.map(stepForC).join(''));
  } else {
    writeFileSync(path, (TEXTS[language] ?? TEXTS.sh)(steps));
  }
  chmodSync(path, 0o755);
}

const hex = (bytes) => bytes.toString('hex');
const octal = (bytes) => Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');

const TEXTS = {
  sh: (steps) => `#!/bin/sh\n${steps.map((step) => `${stepForShell(step)}\n`).join('')}`,
  python: (steps) =>
    `#!/usr/bin/python3 -I\nimport os, sys, time, signal\n${steps.map((step) => `${stepForPython(step)}\n`).join('')}`,
  perl: (steps) =>
    `#!/usr/bin/perl\nuse strict;\nsub put { my ($out, $b) = @_; while (length $b) { my $n = syswrite($out, $b) or exit 1; substr($b, 0, $n) = ''; } }\n` +
    steps.map((step) => `${stepForPerl(step)}\n`).join(''),
};

function stepForShell(step) {
  switch (step.kind) {
    case 'write':
      // A single word of a command line holds 128 KiB.
      return (step.bytes.length === 0 ? [''] : pieces(step.bytes, 8000))
        .map((bytes) => `printf '${octal(bytes)}'`)
        .join('\n');
    case 'complain':
      return `printf '${octal(step.bytes)}' >&2`;
    case 'pause':
      return `sleep ${step.ms / 1000}`;
    case 'read':
      return 'cat > /dev/null';
    case 'shut':
      return 'exec 1>&-';
    case 'child':
      return step.holds ? '(sleep 0.05; printf late) &' : '(sleep 0.2) </dev/null >/dev/null 2>&1 &';
    case 'exit':
      return `exit ${step.code}`;
    default:
      return 'kill -KILL $$';
  }
}

function stepForPython(step) {
  switch (step.kind) {
    case 'write':
      return `sys.stdout.buffer.write(bytes.fromhex('${hex(step.bytes)}')); sys.stdout.flush()`;
    case 'complain':
      return `sys.stderr.buffer.write(bytes.fromhex('${hex(step.bytes)}')); sys.stderr.flush()`;
    case 'pause':
      return `time.sleep(${step.ms / 1000})`;
    case 'read':
      return 'sys.stdin.buffer.read()';
    case 'shut':
      return 'os.close(1)';
    case 'child':
      return step.holds
        ? "if os.fork() == 0: time.sleep(0.05); os.write(1, b'late'); os._exit(0)"
        : 'if os.fork() == 0: [os.close(fd) for fd in (0, 1, 2)]; time.sleep(0.2); os._exit(0)';
    case 'exit':
      return `sys.exit(${step.code})`;
    default:
      return 'os.kill(os.getpid(), signal.SIGKILL)';
  }
}

function stepForPerl(step) {
  switch (step.kind) {
    case 'write':
      return `put(*STDOUT, pack('H*', '${hex(step.bytes)}'));`;
    case 'complain':
      return `put(*STDERR, pack('H*', '${hex(step.bytes)}'));`;
    case 'pause':
      return `select(undef, undef, undef, ${step.ms / 1000});`;
    case 'read':
      return '{ local $/; my $all = <STDIN>; }';
    case 'shut':
      return 'close(STDOUT);';
    case 'child':
      return step.holds
        ? "if (!fork) { select(undef, undef, undef, 0.05); put(*STDOUT, 'late'); exit }"
        : 'if (!fork) { close($_) for (*STDIN, *STDOUT, *STDERR); select(undef, undef, undef, 0.2); exit }';
    case 'exit':
      return `exit ${step.code};`;
    default:
      return "kill 'KILL', $$;";
  }
}

function stepForC(step) {
  switch (step.kind) {
    case 'write':
      return `w ${hex(step.bytes)}\n`;
    case 'complain':
      return `e ${hex(step.bytes)}\n`;
    case 'pause':
      return `p ${step.ms}\n`;
    case 'read':
      return 'r \n';
    case 'shut':
      return 's \n';
    case 'child':
      return `c ${step.holds ? 1 : 0}\n`;
    case 'exit':
      return `x ${step.code}\n`;
    default:
      return 'k \n';
  }
}

const pieces = (bytes, most) =>
  Array.from({ length: Math.ceil(bytes.length / most) }, (_, index) =>
    bytes.subarray(index * most, (index + 1) * most),
  );

const PLAYER = String.raw`
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void put(int out, const char *hex) {
  size_t length = strlen(hex) / 2, done = 0;
  unsigned char *bytes = malloc(length + 1);
  for (size_t i = 0; i < length; i++) sscanf(hex + 2 * i, "%2hhx", bytes + i);
  while (done < length) { ssize_t n = write(out, bytes + done, length - done); if (n < 0) exit(1); done += n; }
}
int main(int argc, char **argv) {
  char path[4096], *line = NULL; size_t room = 0; ssize_t length;
  const char *name = getenv("SCRIPT_FILENAME");
  snprintf(path, sizeof path, "%s.steps", name ? name : argv[0]);
  FILE *steps = fopen(path, "r");
  if (!steps) return 9;
  while ((length = getline(&line, &room, steps)) > 0) {
    line[length - 1] = 0;
    char *rest = line + 2;
    if (*line == 'w') put(1, rest);
    if (*line == 'e') put(2, rest);
    if (*line == 'p') usleep(atoi(rest) * 1000);
    if (*line == 'r') { char buffer[65536]; while (read(0, buffer, sizeof buffer) > 0); }
    if (*line == 'x') return atoi(rest);
    if (*line == 'k') raise(SIGKILL);
    if (*line == 's') close(1);
    if (*line == 'c' && fork() == 0) {
      if (*rest == '1') { usleep(50000); put(1, "6c617465"); } else { close(0); close(1); close(2); usleep(200000); }
      _exit(0);
    }
  }
  return 0;
}
`;

/** Compiles the program; undefined where there is no compiler. */
export function compilePlayer(folder) {
  const path = join(folder, 'player');
  try {
    execFileSync('cc', ['-O1', '-w', '-x', 'c', '-', '-o', path], { input: PLAYER });
    return path;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
