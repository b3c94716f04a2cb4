// Named from the top of src/, which is as deep as the files of dist/ that this module becomes part of.

import { fileURLToPath } from 'node:url';

/** The path of the program that a Python worker runs. */
export const workerProgram = (): string => fileURLToPath(new URL('../python/worker.py', import.meta.url));
