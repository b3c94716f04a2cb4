"""Looks at the source files for changes."""

import os
import sys
import time
import traceback

# How far the clock of modification times lags behind the exact one: a tick of the kernel.
FILE_CLOCK_NS = 10_000_000


def source_files():
    library = os.path.dirname(os.__file__)
    packages = (os.path.join(library, "site-packages"), os.path.join(library, "dist-packages"))
    for module in list(sys.modules.values()):
        try:
            path = getattr(module, "__file__", None)
        except Exception:  # what stands for a module may try to import one
            continue
        if isinstance(path, str) and (not path.startswith(library + os.sep) or path.startswith(packages)):
            yield path


def modification_times(paths):
    times = {}
    for path in paths:
        try:
            times[path] = os.stat(path).st_mtime_ns
        except (OSError, ValueError):  # a name may hold what no path can
            times[path] = None
    return times


def watch(report, more_files, interval, since):
    """Reports source files that change after `since`, the time when loading began (in ns)."""
    seen = {}
    while True:
        now = modification_times(set(source_files()) | set(seen) | set(more_files))
        for path, modified in now.items():
            # A file that is new here was read by the interpreter before it was looked at: it may have changed between.
            if seen[path] != modified if path in seen else modified and since < modified < time.time_ns():
                report(event="changed", file=path)
                break
        seen = now
        time.sleep(interval)


def files_of(error):
    """The files that an import error speaks of, for they may not have become modules."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        files.append(error.filename)
    files = [file for file in files if os.path.isfile(file)]
    files += getattr(error, "looked_for", ())
    if isinstance(error, ImportError) and error.name:  # it may come: also 'views', if that cannot be imported from 'shop'
        path = error.name.replace(".", "/")
        for path in (path, "/".join([path, *str(error).split("'")[1:2]])):
            files += [folder + "/" + path + end for folder in sys.path for end in (".py", "/__init__.py")]
    return files
