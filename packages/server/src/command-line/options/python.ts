// What the configuration says about all Python applications at once; a mount that says something itself keeps that.

import { appTable } from '@onezero/python/options';
import { configuredShape } from './from-table.ts';
import type { WsgiConfiguration } from './mounts.ts';
import type { Option } from './option.ts';

/** For every application of `wsgi`, `asgi` and `app`. */
export interface PythonConfiguration {
  readonly python: string | undefined;
  readonly virtualenv: string | undefined;
  readonly cwd: string | undefined;
  readonly processes: number | undefined;
  readonly threads: number | undefined;
  readonly reload: boolean;
}

const GROUP = 'What is served';

export const pythonOptions: Record<keyof PythonConfiguration, Option> = {
  python: {
    group: GROUP,
    shape: configuredShape(appTable.python.shape),
    placeholder: '<program>',
    summary: "The Python that runs applications (default: the virtual environment's, else python3)",
  },
  virtualenv: {
    group: GROUP,
    shape: configuredShape(appTable.virtualenv.shape),
    placeholder: '<directory>',
    summary:
      'The virtual environment of Python applications (default: $VIRTUAL_ENV, else .venv or venv where they run)',
  },
  cwd: {
    group: GROUP,
    shape: configuredShape(appTable.cwd.shape),
    aliases: ['chdir'],
    placeholder: '<directory>',
    summary:
      'The working directory of Python applications, searched first for their modules (default: the working directory)',
  },
  processes: {
    group: GROUP,
    shape: configuredShape(appTable.processes.shape),
    placeholder: '<number>',
    summary: 'Processes of each Python application, in each worker (default: one per processor in all)',
  },
  threads: {
    group: GROUP,
    shape: configuredShape(appTable.threads.shape),
    placeholder: '<number>',
    summary: 'Requests that each process of a WSGI application handles at once (default: 4)',
  },
  reload: {
    group: GROUP,
    shape: configuredShape(appTable.reload.shape),
    default: false,
    bare: true,
    summary: 'Reload Python applications when their source changes',
  },
};

/** Mounts with what holds for all of them. */
export function withPythonDefaults(
  mounts: readonly WsgiConfiguration[] | undefined,
  { python, virtualenv, cwd, processes, threads, reload }: PythonConfiguration,
): readonly WsgiConfiguration[] | undefined {
  const common: Partial<WsgiConfiguration> = {
    ...(python !== undefined && { python }),
    ...(virtualenv !== undefined && { virtualenv }),
    ...(cwd !== undefined && { cwd }),
    ...(processes !== undefined && { processes }),
    ...(threads !== undefined && { threads }),
    ...(reload && { reload: true }),
  };
  return mounts?.map((mount) => ({ ...common, ...mount }));
}

/** The same for `asgi`, which has no threads. */
export function withAsgiDefaults(
  mounts: readonly WsgiConfiguration[] | undefined,
  defaults: PythonConfiguration,
): readonly WsgiConfiguration[] | undefined {
  return withPythonDefaults(mounts, { ...defaults, threads: undefined });
}
