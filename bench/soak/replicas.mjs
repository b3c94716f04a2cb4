// The servers of the soak, all of one volume: one process, one with workers of its own, and one that is killed as a whole and
// started again. Each is the real command.

import { readdirSync, readFileSync } from 'node:fs';

import { COMMAND, startServer } from '../../differential/peers.mjs';
import { processTree } from '../process-tree.mjs';

/** Name to flags; `isMortal` where the process that answers may be killed. The first is never. */
const KINDS = [
  { name: 'one process', words: [], processes: 1, isMortal: false },
  { name: 'workers', words: ['--workers', '2'], processes: 2, isMortal: true },
  { name: 'killed as a whole', words: [], processes: 1, isMortal: true, isKilledWhole: true },
];

/** Starts so many replicas of a site, in the order of `KINDS`. */
export async function startReplicas(site, count) {
  const started = [];
  try {
    for (const kind of KINDS.slice(0, count)) started.push(await Replica.start(site, kind));
  } catch (error) {
    await Promise.all(started.map((replica) => replica.stop()));
    throw error;
  }
  return started;
}

class Replica {
  #site;
  #kind;
  #server;
  /** What earlier processes said on standard error. */
  #said = '';
  isUp = true;

  constructor(site, kind, server) {
    [this.#site, this.#kind, this.#server] = [site, kind, server];
  }

  static async start(site, kind) {
    return new Replica(site, kind, await startCommand(site, kind.words));
  }

  get name() {
    return this.#kind.name;
  }

  /** How many processes answer. */
  get processes() {
    return this.#kind.processes;
  }

  get isMortal() {
    return this.#kind.isMortal;
  }

  get isKilledWhole() {
    return this.#kind.isKilledWhole === true;
  }

  get pid() {
    return this.#server.pid;
  }

  get port() {
    return this.#server.port;
  }

  /** The last that it said on standard error. */
  complaint() {
    return this.#said + this.#server.complaint();
  }

  reload() {
    try {
      process.kill(this.pid, 'SIGHUP');
    } catch (error) {
      throw new Error(`${this.name} is gone: ${this.complaint()}`, { cause: error });
    }
  }

  /** SIGKILL for one process below it: a worker, a shell, a script, a Python, whatever it is. */
  killOne(random) {
    const pids = processTree(this.pid).slice(1);
    if (pids.length === 0) return false;
    try {
      return process.kill(random.pick(pids), 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
      return false;
    }
  }

  /** SIGKILL for the process itself, in the middle of its work, and another in its place. */
  async replace() {
    this.isUp = false;
    process.kill(this.pid, 'SIGKILL');
    await this.#server.stop();
    this.#said = this.complaint().slice(-5000);
    this.#server = await startCommand(this.#site, this.#kind.words);
    this.isUp = true;
  }

  /** Ends it in good order, and starts another: what killed ones could not remove, the next start does. */
  async restart() {
    await this.#server.stop();
    this.#said = this.complaint().slice(-5000);
    this.#server = await startCommand(this.#site, this.#kind.words);
  }

  stop() {
    return this.#server.stop();
  }
}

function startCommand(site, words) {
  const common = [
    '--config',
    site.config,
    '--quiet',
    '--no-access-log',
    '--host',
    '127.0.0.1',
    '--strict-port',
    ...words,
  ];
  return startServer('onezero', (port) => [process.execPath, COMMAND, ...common, '--port', String(port)], {
    env: { TMPDIR: site.temporary },
    cwd: site.path,
  });
}

/** The commands of processes that servers of this folder for temporary files have started and that are below none of `pids`. */
export function strays(temporary, pids) {
  const known = new Set(pids.flatMap(processTree));
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || known.has(Number(name))) return [];
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`TMPDIR=${temporary}`)) return [];
      return [readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0').slice(0, 3).join(' ')];
    } catch (error) {
      if (!['ENOENT', 'ESRCH', 'EACCES'].includes(error.code)) throw error;
      return [];
    }
  });
}
