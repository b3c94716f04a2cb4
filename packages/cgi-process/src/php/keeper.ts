// A small shell around one PHP: both end together, and both end with this process, whatever ends it.
//
// The shell leads a process group. Its input is a pipe that this process alone holds open, so the end of it is the end of this
// process or of its interest: the watcher then stops PHP, removes the private folder and ends the group. php-cgi makes a group
// of its own for its children, which is why that one is ended as well. Where PHP dies first, its children must not be left:
// they would go on answering at the socket of which its successor takes the name.
//
// What PHP logs goes through a FIFO, since php-fpm opens its log by name and Node's own pipes are sockets.

/** From SIGTERM to SIGKILL, in tenths of a second: php-fpm takes some milliseconds. */
const GRACE_TENTHS = 10;

/** Arguments: the private folder, then the command. The status of PHP is the last line on standard error. */
export const KEEPER: string = `
folder=$1
shift
exec 3<&0
mkfifo -m 600 "$folder/log" || exit
cat <"$folder/log" 3<&- >&2 &
"$@" </dev/null 3<&- 2>"$folder/log" &
php=$!
(
  read -r _ <&3
  kill -TERM "$php"
  tenths=0
  while [ $tenths -lt ${GRACE_TENTHS} ] && kill -0 "$php"; do sleep 0.1 || sleep 1; tenths=$((tenths + 1)); done
  rm -rf -- "$folder"
  kill -KILL "-$php"
  kill -KILL 0
) >/dev/null 2>&1 &
wait "$php"
status=$?
kill -KILL "-$php" 2>/dev/null
sleep 0.1 2>/dev/null || sleep 1
echo "ended with status $status" >&2
rm -rf -- "$folder"
kill -KILL 0
`;
