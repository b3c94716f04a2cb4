// systemd and Kubernetes, which start the server, watch it, and stop it.

import { environmentName } from '../options/option.ts';
import { optionEntries } from '../options/table.ts';
import type { Figures } from './figures.ts';
import { note, unitWord } from './text.ts';

/** What neither the server nor its scripts need. MemoryDenyWriteExecute is not among it, as Node compiles while it runs. */
const SANDBOX = `# Nothing of the machine but files, processes of its own, and the network.
PrivateDevices=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM`;

/** Places that the unit hides from its service, and by what. */
const HIDDEN = [
  { place: /^\/(?:home|root|run\/user)(?:\/|$)/, by: 'ProtectHome=' },
  { place: /^\/(?:var\/)?tmp(?:\/|$)/, by: 'PrivateTmp=' },
] as const;

/** Folders that systemd makes for a service and lets it write to. */
const MADE = [
  { place: /^\/var\/log\/([\w.-]+)\/./, by: 'LogsDirectory' },
  { place: /^\/run\/([\w.-]+)\/./, by: 'RuntimeDirectory' },
] as const;

/** Where a certificate that is made on the spot is kept. */
const KEPT = 'StateDirectory=onezero\nEnvironment=XDG_STATE_HOME=%S\n';

/** A line for each folder that is made for what the server writes, and a note on what it cannot write. */
function writtenLines(paths: readonly string[]): string {
  // Devices, and a folder for temporary files of its own, every service has.
  const lines = paths
    .filter((path) => !/^\/(?:dev|tmp|var\/tmp)\//.test(path))
    .map((path) => {
      const made = MADE.map(({ place, by }) => [by, place.exec(path)?.[1]]).find(([, folder]) => folder !== undefined);
      return made === undefined
        ? `# ${path} cannot be written: a folder in /var/log is made for logs, and one in /run for the rest.`
        : made.join('=');
    });
  return [...new Set(lines)].map((line) => `${line}\n`).join('');
}

function hiddenNote(paths: readonly string[]): string {
  const hidden = HIDDEN.flatMap(({ place, by }) =>
    paths.filter((path) => place.test(path)).map((path) => ({ path, by })),
  );
  return hidden
    .map(({ path, by }) => `# ${by} below hides ${path}: move it, to /srv for one, and make this unit again.\n`)
    .join('');
}

/** What the environment says of this configuration, in quotes that JSON and systemd share. A unit is no place for secrets. */
function environmentLines(): string {
  const secret = optionEntries.flatMap(([key, option]) => (option.isSecret ? environmentName(key, option) : []));
  return Object.entries(process.env)
    .filter(([name]) => name.startsWith('ONEZERO_'))
    .map(([name, value]) =>
      secret.includes(name)
        ? `# ${name} is not shown: name a file that has it with EnvironmentFile=.\n`
        : `Environment=${JSON.stringify(`${name}=${value}`).replaceAll('%', '%%')}\n`,
    )
    .join('');
}

/** A unit that starts the command with these words, in this directory; `paths` are what it reads beside that, `written` what it writes. */
export function systemd(
  figures: Figures,
  words: readonly string[],
  {
    directory,
    paths,
    written,
  }: { readonly directory: string; readonly paths: readonly string[]; readonly written: readonly string[] },
): string {
  const { stopSeconds, startSeconds, missingFlags, port, isMade } = figures;
  const command = ['/usr/bin/env', 'onezero', ...words, ...missingFlags].map(unitWord).join(' ');
  const capability = port > 0 && port < 1024 ? 'CAP_NET_BIND_SERVICE' : '';
  return `${note({ ...figures, missingFlags: [] }, '#')}
${hiddenNote([...new Set([directory, ...paths])])}[Unit]
Description=onezero
After=network-online.target
Wants=network-online.target

[Service]
# READY=1 comes when requests are answered, through the program systemd-notify.
Type=notify
NotifyAccess=all
ExecStart=${command}
${environmentLines()}ExecReload=/bin/kill -HUP $MAINPID
WorkingDirectory=${directory.replaceAll('%', '%%')}
TimeoutStartSec=${startSeconds}
# SIGTERM to the main process alone: it tells its workers.
KillMode=mixed
TimeoutStopSec=${stopSeconds}
Restart=on-failure

DynamicUser=yes
AmbientCapabilities=${capability}
CapabilityBoundingSet=${capability}
NoNewPrivileges=yes
LimitNOFILE=65536

# The file system cannot be written to; folders that --writable or --webdav change need ReadWritePaths= of their own.
ProtectSystem=strict
${writtenLines(written)}${isMade ? KEPT : ''}ProtectHome=yes
PrivateTmp=yes
UMask=0077

${SANDBOX}

[Install]
WantedBy=multi-user.target
`;
}

/** A Deployment and its Service. Strings are written as JSON, which YAML contains. */
export function kubernetes(figures: Figures, words: readonly string[]): string {
  const { port, health, stopSeconds, startSeconds, missingFlags, namedHost, isSecure } = figures;
  const args = ['onezero', ...words, ...missingFlags];
  const header =
    namedHost === undefined ? '' : `\n              httpHeaders: [{ name: Host, value: ${JSON.stringify(namedHost)} }]`;
  const scheme = isSecure ? '\n              scheme: HTTPS' : '';
  const get = `httpGet:
              path: ${JSON.stringify(health)}
              port: http${scheme}${header}`;
  return `${note({ ...figures, missingFlags: [] }, '#')}
# It has to listen for other machines: --host. The image is yours, with the command in its PATH.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: onezero
spec:
  replicas: 3
  selector:
    matchLabels: { app: onezero }
  strategy:
    type: RollingUpdate
    # Another is ready before one goes.
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  template:
    metadata:
      labels: { app: onezero }
    spec:
      # The drain delay, in which the pod leaves all endpoint lists; the grace; the end. No preStop hook is needed.
      terminationGracePeriodSeconds: ${stopSeconds}
      containers:
        - name: onezero
          image: registry.example/onezero:1
          command: ${JSON.stringify(args)}
          ports:
            - { name: http, containerPort: ${port} }
          startupProbe:
            ${get}
            periodSeconds: 1
            failureThreshold: ${startSeconds}
          readinessProbe:
            ${get}
            periodSeconds: 2
            failureThreshold: 1
          # Not the health path: it answers 503 while an application loads and while the server stops, which no restart mends.
          livenessProbe:
            tcpSocket: { port: http }
            periodSeconds: 10
            failureThreshold: 3
          securityContext:
            runAsNonRoot: true
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
      volumes:
        - { name: tmp, emptyDir: {} }
---
apiVersion: v1
kind: Service
metadata:
  name: onezero
spec:
  selector: { app: onezero }
  ports:
    - { name: http, port: ${isSecure ? 443 : 80}, targetPort: http }
`;
}
