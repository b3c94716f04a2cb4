// The programs that recipes need, as their pages write them: `git`, or `python3 with django` for a Python module.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** The Python that has a module: the one on PATH, or the system's; undefined when neither has it. */
export function pythonWith(module: string): string | undefined {
  return ['python3', '/usr/bin/python3'].find((python) => runs(python, ['-c', `import ${module}`]));
}

export function isThere(need: string): boolean {
  const module = /^python3 with (\w+)$/.exec(need)?.[1];
  if (module !== undefined) return pythonWith(module) !== undefined;
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin'];
  return folders.some((folder) => existsSync(`${folder}/${need}`));
}

/** The Python that a page's needs ask for; undefined when any will do. */
export function pythonNeeded(needs: readonly string[]): string | undefined {
  const module = needs.map((need) => /^python3 with (\w+)$/.exec(need)?.[1]).find((found) => found !== undefined);
  return module === undefined ? undefined : pythonWith(module);
}

function runs(command: string, parameters: readonly string[]): boolean {
  // Not in this folder: a recipe's folder would pass for the module of its name.
  return spawnSync(command, parameters, { stdio: 'ignore', cwd: tmpdir() }).status === 0;
}
