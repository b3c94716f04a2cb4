"""One worker of @onezero/python: imports an application and answers requests with it (WSGI or ASGI).

The server starts this file and hands it everything as open descriptors, so there is nothing to listen on, to connect
to or to clean up:

    0    one line of JSON: the configuration. Then silence; when the server is gone, the kernel kills us (SIGIO).
    1    our reports, a JSON object a line: ready, failed, changed, leaving.
    2    the log. What the application prints goes there too.
    3    orders, one a line: `abort CONNECTION REQUEST` and `stop`.
    4... connections, kept open. WSGI: one for each thread, one request at a time. ASGI: the first, for all requests.

Python's standard library is all this needs (3.8 or newer).
"""

import sys

if sys.version_info < (3, 8):
    sys.exit("onezero needs Python 3.8 or newer; %s is Python %d.%d" % ((sys.executable,) + sys.version_info[:2]))

import _thread
import faulthandler
import fcntl
import importlib
import json
import os
import signal
import socket
import threading
import time

# A process that the application starts with multiprocessing imports this file too, under a name of its own, and needs none of ours.
if __name__ != "__mp_main__":
    if getattr(sys.flags, "safe_path", sys.flags.isolated):  # the folder of a script is left out then (-P, -I, PYTHONSAFEPATH)
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    # Compiled files beside ours could not be written where packages belong to somebody else, and would be left behind.
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    from onezero_worker.loading import load
    from onezero_worker.records import application_traceback
    from onezero_worker.watching import FILE_CLOCK_NS, files_of, watch

    sys.dont_write_bytecode = writes_bytecode
    # Where modules of Python are: files beside the application may have the same names.
    library = sys.path[1:]

FIRST_CONNECTION = 4
# As they are before an application puts others in their place.
start_new_thread, Socket = _thread.start_new_thread, socket.socket
# Of a text in a report, which is one line to the server: an exception may hold megabytes.
MAX_REPORTED = 0x8000


def take_descriptors():
    """Moves our own descriptors out of the application's way: its stdin is empty and its stdout is the log."""
    with os.fdopen(os.dup(0), "rb", 0) as stream:
        configuration = json.loads(stream.readline())
    lifeline = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
    reports = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    if hasattr(os, "O_ASYNC"):
        # The kernel sends SIGIO when the server's end closes, and its default is to kill: that works even while a C
        # function holds the interpreter, which no thread of ours could. Children of the application go along.
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    return configuration, reports, lifeline


def is_green():
    """Whether gevent or eventlet have made threads and sockets theirs: what waits lets others run, and what does not holds them."""
    return _thread.start_new_thread is not start_new_thread


def take_sockets(count, kind=Socket):
    sockets = [kind(fileno=FIRST_CONNECTION + index) for index in range(count)]
    for sock in sockets:
        sock.settimeout(None)  # an application may have set a default, for sockets of its own
        sock.set_inheritable(False)
    return sockets


def read_orders(orders, connections, stop):
    """Obeys until `stop` is ordered. The end of the orders is the end of the server."""
    for line in orders:
        words = line.split()
        if words[0] == b"stop":
            return stop()
        connections[int(words[1])].aborted_request = int(words[2])
    os._exit(0)


def import_ours(name):
    """A part that only one of the interfaces needs (asyncio is large)."""
    sys.path[:0] = library  # in front: a thread of the application may import as well
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return importlib.import_module("onezero_worker." + name)
    finally:
        for folder in library:
            sys.path.remove(folder)
        sys.dont_write_bytecode = before


def let_the_server_run():
    """
    A request that arrives does not take the processor away from the server (SCHED_BATCH), which may have more to hand out: where
    both share one, they take turns once for many requests. For the calling thread; what it starts is scheduled as usual.
    """
    if not hasattr(os, "SCHED_RESET_ON_FORK") or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH | os.SCHED_RESET_ON_FORK, os.sched_param(0))
    except OSError:
        return  # a sandbox may forbid it, and all works without


def shortened(text):
    return text if len(text) <= 2 * MAX_REPORTED else "%s\n[...]\n%s" % (text[:MAX_REPORTED], text[-MAX_REPORTED:])


def in_thread(function, *arguments):
    """Runs beside everything else."""
    if is_green():
        start_new_thread(function, arguments)
    else:
        threading.Thread(target=function, args=arguments, daemon=True).start()


def serve_connection(connection, serve_next=None):
    let_the_server_run()
    connection.serve(serve_next)


def wait_green(orders, connections):
    """Obeys until `stop` is ordered, and lets others run meanwhile."""
    ended = []
    in_thread(read_orders, orders, connections, lambda: ended.append(True))
    while not ended:
        time.sleep(0.05)


def serve_wsgi(application, configuration, orders, report_ready):
    """Threads that serve, while the main thread waits for orders; where one thread is wanted, that is the main thread."""
    wsgi = import_ours("wsgi")
    base = wsgi.base_environ(configuration)
    sockets = take_sockets(configuration["threads"], socket.socket if is_green() else Socket)
    connections = [wsgi.Connection(sock, application, base) for sock in sockets]
    if len(connections) > 1:
        serve_next = None if is_green() else import_ours("ready").shared_turns(connections)
        for connection in connections:
            threading.Thread(target=serve_connection, args=(connection, serve_next), daemon=True).start()
        report_ready()
        try:
            if is_green():
                wait_green(orders, connections)
            else:
                read_orders(orders, connections, lambda: None)
        finally:
            while any(connection.busy or connection.closing for connection in connections):  # close() may still be running
                time.sleep(0.01)
        return
    # sqlite3 objects made while loading, signal handlers and asyncio.get_event_loop() work in the main thread only.
    [connection] = connections
    in_thread(read_orders, orders, connections, connection.stop)
    report_ready()
    serve_connection(connection)


def serve_asgi(application, configuration, orders, report_ready, report_failure, report_ending):
    asgi = import_ours("asgi")
    import_ours("asgi_websocket")
    [sock] = take_sockets(1)
    let_the_server_run()
    settings = {name.partition(".")[2]: value for name, value in configuration["environ"].items()}
    loop = asgi.serve(application, sock, settings, lambda stop: in_thread(read_orders, orders, [], stop), report_ready, report_failure)
    report_ending()
    asgi.end(loop)


def leave_when_asked(report_leaving):
    """At SIGTERM the server starts another worker, lets requests end, and orders `stop`."""
    masks = threading.local()

    def leave(*_):
        report_leaving()

    def hold():
        masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))

    def let_go():
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.before)

    def let_child_go():
        # It ends, as it would without us, also by a signal that came before Python was ready for any.
        if signal.getsignal(signal.SIGTERM) is leave:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        let_go()

    signal.signal(signal.SIGTERM, leave)
    os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=let_child_go)


def wait_for_orders(orders):
    """What a worker does that could not load its application and is kept to watch the source."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    read_orders(orders, [], lambda: None)


def main():
    configuration, reports, lifeline = take_descriptors()
    orders = os.fdopen(3, "rb", closefd=False)
    os.set_inheritable(3, False)

    def report(**event):
        os.write(reports, json.dumps(event).encode() + b"\n")

    faulthandler.enable()
    # Asks for the stacks of all threads. A signal that is ignored by default cannot hurt before this line.
    faulthandler.register(signal.SIGURG, all_threads=True)
    sys.path[:1] = configuration["path"]
    sys.argv[:] = ["onezero"]
    since = time.time_ns() - FILE_CLOCK_NS
    more_files = []

    def start_watching():
        if configuration["watch"]:
            in_thread(watch, report, more_files, configuration["watch"], since)

    def report_failure(error):
        more_files.extend(files_of(error))
        report(event="failed", traceback=shortened(application_traceback(error, (importlib.__file__, "<frozen importlib"))))

    def report_failed_start(text):
        report(event="failed", traceback=shortened(text))
        start_watching()

    try:
        application, interface, found = load(configuration["application"], configuration["interface"])
    except BaseException as error:
        report_failure(error)
        start_watching()
        return wait_for_orders(orders)

    def report_ready():
        environment = sys.prefix if sys.prefix != sys.base_prefix else None
        found.update(python=sys.version.split()[0], executable=sys.executable, virtualenv=environment)
        leave_when_asked(lambda: report(event="leaving"))
        report(event="ready", interface=interface, **found)
        start_watching()

    def report_ending():
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())  # what still runs was left behind on purpose
        report(event="ending")

    if interface == "asgi":
        return serve_asgi(application, configuration, orders, report_ready, report_failed_start, report_ending)
    serve_wsgi(application, configuration, orders, report_ready)
    return report_ending()


if __name__ == "__main__":
    main()
