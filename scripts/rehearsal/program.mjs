// Running a program that may be a server: to its end, or until it has printed an address and answered there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** For npx, which installs first, on a machine that does other things as well. */
const PATIENCE_MS = 180_000;

/**
 * Runs a program. One that ends by itself has to end with 0. One that prints an http: address is asked for its page, and
 * then has to end, all of it, on Ctrl-C. Resolves with all that was printed and what was answered.
 */
export async function runProgram(cwd, environment, command, parameters) {
  // A process group of its own, so that a signal reaches all of it, as it does from a terminal: npx passes none on.
  const child = spawn(command, parameters, {
    cwd,
    detached: true,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const signalAll = (name) => process.kill(-Number(child.pid), name);
  const exited = once(child, 'exit');
  const closed = once(child, 'close');
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    signalAll('SIGKILL');
  }, PATIENCE_MS);
  let printed = '';
  let answer;
  const address = new Promise((resolve) => {
    const take = (text) => {
      printed += text;
      const url = /https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):\d+\S*/.exec(printed)?.[0];
      if (url !== undefined) resolve(url);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
  });
  try {
    const url = await Promise.race([address, exited.then(() => undefined)]);
    if (url !== undefined && child.exitCode === null) {
      const response = await fetch(url);
      answer = { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
      signalAll('SIGINT');
    }
    const [code, signal] = await exited;
    await closed;
    // npx itself, like any program without a handler, is ended by the signal.
    const isFine = code === 0 || (answer !== undefined && signal === 'SIGINT');
    if (isLate || !isFine) throw new Error(`${isLate ? 'did not end' : `ended with ${signal ?? code}`}\n${printed}`);
    return { printed, answer };
  } finally {
    clearTimeout(deadline);
  }
}
