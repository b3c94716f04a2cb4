// Which Python runs: the one that was named, else the virtual environment's, else whatever `python3` is.

import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Where to look. */
export interface PythonOptions {
  readonly cwd: string;
  readonly python?: string | undefined;
  readonly virtualenv?: string | undefined;
}

/** The command that starts Python. Throws when a virtual environment was named and has none. */
export function findPython({ cwd, python, virtualenv }: PythonOptions, environment: NodeJS.ProcessEnv): string {
  if (python !== undefined) return python.includes('/') ? resolve(cwd, python) : python;
  if (virtualenv !== undefined) {
    const command = pythonOf(resolve(cwd, virtualenv));
    if (existsSync(command)) return command;
    throw new Error(`wsgi: there is no virtual environment, as ${command} is missing, or a link that leads nowhere`);
  }
  const active = environment['VIRTUAL_ENV'];
  const folders = [...(active ? [active] : []), join(cwd, '.venv'), join(cwd, 'venv')];
  return folders.map(pythonOf).find((command) => existsSync(command)) ?? 'python3';
}

function pythonOf(virtualenv: string): string {
  return join(virtualenv, 'bin', 'python');
}

/** Where a command is found in PATH, for messages: several Pythons with different modules are common. */
export function whichPython(python: string, environment: NodeJS.ProcessEnv): string {
  if (python.includes('/')) return python;
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, python)).find((path) => existsSync(path)) ?? python;
}

/** A package that another Python has is the commonest reason; a module of the application itself is in another folder. */
export function adviceFor(reason: string, application: string, cwd: string): string {
  const missing = /^ModuleNotFoundError: No module named '([^'.]+)/.exec(reason)?.[1];
  if (missing === undefined) return '';
  if (application.includes(missing)) return `; the folder of the application is ${cwd} (--cwd)`;
  return '; another Python is chosen by python or virtualenv (--python, --virtualenv)';
}
