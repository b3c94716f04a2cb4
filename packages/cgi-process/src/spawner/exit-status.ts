// What a shell's `$?` says about how a command ended. Pure.
//
// 143 is a command that SIGTERM has ended, or one that said `exit 143`. The shell has a word to say in the first case only,
// and says it on the standard error that the command had.

import { constants } from 'node:os';
import type { Status } from '../process/launch.ts';

/** `128 + n` in `$?` stands for signal n. */
const SIGNAL_BASE = 128;
/** Shells say nothing about these two, so their codes have to do. */
const SILENT_SIGNALS = new Set<NodeJS.Signals>(['SIGINT', 'SIGPIPE']);
/** What `strsignal` says where the words of glibc, musl and the shells differ from the signal's own name. */
const words: Partial<Record<NodeJS.Signals, RegExp>> = {
  SIGHUP: /^Hangup/,
  SIGQUIT: /^Quit/,
  SIGILL: /^Illegal instruction/,
  SIGTRAP: /^Trace\/breakpoint trap/,
  SIGABRT: /^Aborted/,
  SIGBUS: /^Bus error/,
  SIGFPE: /^(Floating point|Arithmetic) exception/,
  SIGKILL: /^Killed/,
  SIGUSR1: /^User defined signal 1/,
  SIGSEGV: /^Segmentation fault/,
  SIGUSR2: /^User defined signal 2/,
  SIGALRM: /^Alarm clock/,
  SIGTERM: /^Terminated/,
  SIGSTKFLT: /^Stack fault/,
  SIGXCPU: /^CPU time limit exceeded/,
  SIGXFSZ: /^File size limit exceeded/,
  SIGVTALRM: /^Virtual timer expired/,
  SIGPROF: /^Profiling timer expired/,
  SIGIO: /^I\/O possible/,
  SIGPWR: /^Power failure/,
  SIGSYS: /^Bad system call/,
};

// Some have two names; the usual one stands first (SIGABRT before SIGIOT), so it is entered last.
const signalNames = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]): [number, NodeJS.Signals] => [number, name as NodeJS.Signals]),
);

/** The status behind `$?`, given the end of what was written to standard error. */
export function statusOf(code: number, errorsEnd: string): Status {
  const signal = code > SIGNAL_BASE ? signalNames.get(code - SIGNAL_BASE) : undefined;
  if (signal === undefined) return { code, signal: null };
  const isSignal = SILENT_SIGNALS.has(signal) || words[signal]?.test(lastLine(errorsEnd)) === true;
  return isSignal ? { code: null, signal } : { code, signal: null };
}

function lastLine(text: string): string {
  return text.endsWith('\n') ? text.slice(text.lastIndexOf('\n', text.length - 2) + 1) : '';
}
