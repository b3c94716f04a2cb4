// What a worker has found where the options point.

/** An application, and the Python that runs it. */
export interface LoadedApplication {
  /** The version of Python, such as `3.11.2`. */
  readonly python: string;
  /** The path of the program. */
  readonly executable: string;
  /** The folder of the virtual environment; undefined without one. */
  readonly virtualenv: string | undefined;
  /** The object that answers, for people: `app, an object of flask.app.Flask, in /srv/site/app.py`. */
  readonly object: string;
}

/** The parts of it as the worker tells them. */
export interface ReportedApplication {
  readonly python: string;
  readonly executable: string;
  readonly virtualenv: string | null;
  readonly name: string;
  readonly kind: string;
  readonly file: string;
}

/** Puts the parts together. What a report lacks (its descriptor is the application's as well) stays empty. */
export function loadedOf(report: Partial<ReportedApplication>): LoadedApplication {
  const { python = '', executable = '', virtualenv, name = '', kind = '', file = '' } = report;
  return { python, executable, virtualenv: virtualenv ?? undefined, object: `${name}, ${kind}, in ${file}` };
}
