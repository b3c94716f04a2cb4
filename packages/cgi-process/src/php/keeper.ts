// A small shell around one PHP: both end together, and both end with this process, whatever ends it.
//
// The shell leads a process group. Its input is a pipe that this process alone holds open, so the end of it is the end of this
// process or of its interest: the watcher then stops PHP, removes the private folder and ends the group. php-cgi makes a group
// of its own for its children, which is why that one is ended as well. Where PHP dies first, its children must not be left:
// they would go on answering at the socket of which its successor takes the name.
//
// When the shell itself is killed, the watcher ends that PHP while the next one starts in the folder of the same name: it says
// whose it is, and only that one removes it.
//
// What PHP logs goes through a FIFO, since php-fpm opens its log by name and Node's own pipes are sockets.

import { KEEPER_FILE } from '../process/leftovers.ts';

/** From SIGTERM to SIGKILL, in tenths of a second: php-fpm takes some milliseconds. */
const GRACE_TENTHS = 10;

/**
 * Arguments: the private folder, then the command. The status of PHP is the last line on standard error. Descriptor 4 is held by
 * the watcher alone: its end says that nobody watches any more, and is answered by SIGTERM, which ends PHP and the shell.
 */
export const KEEPER: string = `
folder=$1
shift
remove() { read -r keeper <"$folder/${KEEPER_FILE}" && [ "$keeper" = $$ ] && rm -rf -- "$folder"; } 2>/dev/null
exec 3<&0
mkfifo -m 600 "$folder/log" || exit
echo $$ >"$folder/${KEEPER_FILE}"
cat <"$folder/log" 3<&- 4>&- >&2 &
"$@" </dev/null 3<&- 4>&- 2>"$folder/log" &
php=$!
trap 'kill -TERM "$php"' TERM
(
  trap - TERM
  read -r _ <&3
  kill -TERM "$php"
  tenths=0
  while [ $tenths -lt ${GRACE_TENTHS} ] && kill -0 "$php"; do sleep 0.1 || sleep 1; tenths=$((tenths + 1)); done
  remove
  kill -KILL "-$php"
  kill -KILL 0
) >/dev/null 2>&1 &
exec 4>&-
while :; do
  wait "$php"
  status=$?
  kill -0 "$php" 2>/dev/null || break
done
kill -KILL "-$php" 2>/dev/null
sleep 0.1 2>/dev/null || sleep 1
echo "ended with status $status" >&2
remove
kill -KILL 0
`;
