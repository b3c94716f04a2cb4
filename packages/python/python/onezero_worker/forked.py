"""Children that an application forked while it answered, and that come back from it.

They share the sockets of their parent, which gives the answer, so they end here, without a word to the server.
"""

import os
import sys

from .records import application_traceback

is_child = False


def after_fork():
    global is_child
    is_child = True


os.register_at_fork(after_in_child=after_fork)


def leave(error=None):
    """Ends the child as Python would for an exception of this kind, or for none; its exit handlers are its parent's."""
    status = 0 if error is None else 1
    if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
        status = (error.code or 0) & 0xFF
    elif error is not None:
        sys.stderr.write("%s\n" % error if isinstance(error, SystemExit) else application_traceback(error))
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # the application may have closed it, or put something else there
    os._exit(status)
