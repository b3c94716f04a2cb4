// What the command says once it accepts connections: some lines on a terminal, one line anywhere else, JSON on request.

import type { Address } from '../../options.ts';
import { isLoopback } from '../../routing/local-hosts.ts';
import { interfaceAddresses } from './listeners.ts';

/** What there is to say. */
export interface Announcement {
  readonly version: string;
  /** What is served, in words. */
  readonly what: string;
  readonly addresses: readonly Address[];
  /** The path below which everything is. */
  readonly base: string;
  /** The port that was wanted, where another had to be taken. */
  readonly wantedPort: number | undefined;
  readonly warnings: readonly string[];
}

/** How it is said. */
export interface Style {
  readonly isTerminal: boolean;
  readonly useColor: boolean;
}

/** The text for people, with line ends. */
export function bannerText(announcement: Announcement, style: Style): string {
  return style.isTerminal ? banner(announcement, style.useColor) : `${plainLine(announcement)}\n`;
}

function plainLine({ what, addresses, base, wantedPort }: Announcement): string {
  const moved = wantedPort === undefined ? '' : ` (port ${wantedPort} is in use)`;
  // A log must not hide behind "localhost" that other machines can connect.
  const places = addresses.map((address) =>
    isEveryAddress(address.address) ? `${urlOf(address, base)} (all addresses of this machine)` : urlOf(address, base),
  );
  return `onezero serves ${what} at ${places.join(' and ')}${moved}`;
}

function isEveryAddress(address: string): boolean {
  return address === '::' || address === '0.0.0.0';
}

function banner({ version, what, addresses, base, wantedPort, warnings }: Announcement, useColor: boolean): string {
  const paint = (code: number, text: string): string => (useColor ? `\u001b[${code}m${text}\u001b[0m` : text);
  const lines = addresses.flatMap((address) => [
    `  ${paint(1, 'Local')}    ${paint(36, urlOf(address, base))}`,
    ...networkUrls(address, base).map((url) => `  ${paint(1, 'Network')}  ${paint(36, url)}`),
  ]);
  const isPrivate = addresses.every((address) => address.port === 0 || isLoopback(address.address));
  return [
    `\n${paint(1, `onezero ${version}`)} serves ${what}\n`,
    ...lines,
    ...(isPrivate ? [`  ${paint(2, 'Network  use --host to let other machines connect')}`] : []),
    ...(wantedPort === undefined
      ? []
      : [`\n  ${paint(33, `Port ${wantedPort} is in use, so this is the next free one.`)}`]),
    ...(warnings.length === 0 ? [] : ['', ...warnings.map((warning) => `  ${paint(33, `Warning: ${warning}`)}`)]),
    `\n  ${paint(2, 'Press Ctrl+C to stop.')}\n\n`,
  ].join('\n');
}

/** One line of JSON for programs. */
export function readyLine({ version, addresses }: Announcement): string {
  const listening = addresses.map(({ url, address, port, secure }) => ({ url, address, port, secure }));
  return JSON.stringify({ event: 'ready', version, pid: process.pid, url: addresses[0]?.url, listening });
}

/** The URL that a person opens: with a path, which a Unix socket does not have. */
export function urlOf({ url }: Pick<Address, 'url'>, base: string): string {
  // What is encoded in it stays as it is.
  const path = encodeURI(`${base.replace(/\/+$/, '')}/`).replaceAll('%25', '%');
  return url.startsWith('unix:') ? url : `${url}${path}`;
}

/** Where other machines find an address: only one that is bound to all of the machine's. */
function networkUrls({ address, port, secure }: Address, base: string): readonly string[] {
  if (!isEveryAddress(address)) return [];
  const reachable = interfaceAddresses().filter(({ internal, family }) => !internal && family === 'IPv4');
  return reachable.map((one) => urlOf({ url: `${secure ? 'https' : 'http'}://${one.address}:${port}` }, base));
}
