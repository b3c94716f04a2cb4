// What systemd gives a service and wants from it: sockets that it has opened already (sd_listen_fds(3)), and word of when the
// service is ready and when it stops (sd_notify(3)).
//
// Sockets that the supervisor holds outlive the service: while it restarts, connections wait in the kernel's queue. Messages
// are datagrams on a Unix socket, which Node does not have, so systemd's own program sends them.

import type { InheritedListener } from '../../operations/worker-messages.ts';

/** The first descriptor that is handed over (SD_LISTEN_FDS_START). */
const FIRST = 3;

/** Variables of the environment, as `process.env`. */
type Environment = Record<string, string | undefined>;

interface Surroundings {
  readonly environment: Environment;
  /** This process's. */
  readonly pid: number;
  /** Whether there is a certificate: then every socket is for TLS but those that the unit calls `http`. */
  readonly hasCertificate: boolean;
}

/**
 * The sockets that were handed over to this process; undefined where there are none. The variables that tell of them are
 * taken out of the environment, since they are not meant for the programs that this one starts.
 */
export function takeSockets({
  environment,
  pid,
  hasCertificate,
}: Surroundings): readonly InheritedListener[] | undefined {
  const { LISTEN_PID: owner, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = environment;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name];
  if (owner !== String(pid) || !/^[1-9]\d{0,3}$/.test(count ?? '')) return undefined;
  const called = names.split(':');
  return Array.from({ length: Number(count) }, (_, index) => ({
    descriptors: [FIRST + index],
    secure: hasCertificate && called[index] !== 'http',
  }));
}

/** Sends a message such as `READY=1`. */
export type Notify = (message: string) => void;

/** How to tell the supervisor; nothing is sent where none listens. Failures are reported and change nothing. */
export function takeNotify(environment: Environment, report: (line: string) => void): Notify {
  const { NOTIFY_SOCKET: socket } = environment;
  delete environment['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return () => undefined;
  return (message) => {
    const env = { ...environment, NOTIFY_SOCKET: socket };
    process
      .getBuiltinModule('node:child_process')
      .execFile('systemd-notify', [`--pid=${process.pid}`, message], { env, timeout: 10_000 }, (error) => {
        if (error !== null) report(`Warning: systemd was not told ${message}: ${error.message.trim()}`);
      });
  };
}
