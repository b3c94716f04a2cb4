// `onezero man`: the manual page, written out of the table of options.

import { flagName, GROUPS, type Option } from '../options/option.ts';
import { optionEntries } from '../options/table.ts';
import { version } from '../../installed-files.ts';
import { commandSummaries } from './command-summaries.ts';
import { defaultNote } from './help.ts';

/** The manual page in the language of man(7). */
export function manualPage(): string {
  const sections = GROUPS.map((group) => {
    const entries = optionEntries.filter(([, option]) => option.group === group && option.only !== 'file');
    return `.SS ${roff(group)}\n${entries.map(([key, option]) => manualEntry(flagName(key, option), option)).join('')}`;
  });
  return `.TH ONEZERO 1 "" "onezero ${version()}" "User Commands"
.SH NAME
onezero \\- a small but complete web server
.SH SYNOPSIS
.B onezero
.RI [ command ]
.RI [ "directory | file" ]
.RI [ flags ]
.SH DESCRIPTION
Serves a directory over HTTP, with CGI scripts and Python applications if asked to. Only this machine can connect unless
.B \\-\\-host
is given. A flag is also a key of
.I onezero.config.json
and a variable of the environment:
.B \\-\\-max\\-age
is maxAge and ONEZERO_MAX_AGE. A flag wins over the environment, and that over the file.
.SH COMMANDS
${Object.entries(commandSummaries).map(manualCommand).join('')}.SH OPTIONS
${sections.join('')}.SH SIGNALS
.TP
.B SIGTERM, SIGINT
Finish requests in progress and stop; a second one, half a second later or more, stops at once.
.TP
.B SIGHUP
Read the configuration again.
.TP
.B SIGUSR1
Open the log file again.
.SH EXIT STATUS
0 after a stop that was asked for, 130 or 143 after one that a second SIGINT or SIGTERM forced, 1 when the server could
not go on, 2 for wrong usage.
.SH ENVIRONMENT
.TP
.B ONEZERO_*
A flag each: ONEZERO_MAX_AGE is \\-\\-max\\-age.
.TP
.B PORT, HOST
The port and the address, where neither a flag nor ONEZERO_PORT and ONEZERO_HOST name them.
.TP
.B NO_COLOR
Print no colours.
.SH FILES
.TP
.I onezero.config.json, onezero.config.jsonc
The configuration, in the working directory or as \\-\\-config names it.
.TP
.I 404.html
In the directory that is served: the page for unknown paths. Any other status works alike.
.SH EXAMPLES
.TP
.B onezero ./public
Serve a folder, to this machine only.
.TP
.B onezero ./public \\-\\-host \\-\\-https
Serve it to other machines, with a certificate made on the spot.
.TP
.B onezero dist \\-\\-fallback \\-\\-live \\-\\-proxy /api=http://localhost:3000
A single\\-page application that reloads when a file changes, and its API.
.TP
.B onezero ./public \\-\\-php
PHP, with index.php as the front controller.
.TP
.B onezero explain /some/path ./public
Why a path is answered as it is.
`;
}

function manualCommand([name, { words, summary }]: readonly [
  string,
  { readonly words: string; readonly summary: string },
]): string {
  return `.TP\n.B ${roff([name, words].filter((word) => word !== '').join(' '))}\n${roff(summary)}.\n`;
}

function manualEntry(name: string, option: Option): string {
  const { short = [], placeholder = '', summary, aliases = [] } = option;
  const names = [...short.map((letter) => `-${letter}`), ...[name, ...aliases].map((long) => `--${long}`)];
  const value = placeholder.replace(/^(?!\[=)(?=.)/, ' ');
  return `.TP\n.B ${roff(`${names.join(', ')}${value}`)}\n${roff(`${summary}${defaultNote(option)}`)}.\n`;
}

function roff(text: string): string {
  return text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll("'", String.raw`\(aq`)
    .replace(/^\./, String.raw`\&.`);
}
