// What was found where an application is named, in words.

import type { ApplicationState } from '../../options.ts';

/** `ASGI, in Python 3.11.2`. */
export function interfaceInWords({ interface: called, python }: Omit<ApplicationState, 'path'>): string {
  return `${called?.toUpperCase() ?? 'not loaded'}, in Python ${python ?? 'unknown'}`;
}

/** The object, then the program that runs it; nothing before it is loaded. */
export function loadedInWords({ loaded }: Omit<ApplicationState, 'path'>): readonly string[] {
  if (loaded === undefined) return [];
  const { object, executable, virtualenv } = loaded;
  const where = virtualenv === undefined ? 'without a virtual environment' : `in the virtual environment ${virtualenv}`;
  return [object, `${executable}, ${where}`];
}
