"""One worker of @onezero/python: imports a WSGI application and answers requests with it (PEP 3333).

The server starts this file and hands it everything as open descriptors, so there is nothing to listen on, to connect
to or to clean up:

    0    one line of JSON: the configuration. Then silence; when the server is gone, the kernel kills us (SIGIO).
    1    our reports, a JSON object a line: ready, failed, changed.
    2    the log. What the application prints goes there too.
    3    orders, one a line: `abort CONNECTION REQUEST` and `stop`.
    4... one FastCGI connection for each thread, kept open, one request at a time.

Each thread owns its connection: no queue, no accept, no hand-over between a request and the application. A small
response leaves in one send, its last record included. Python's standard library is all this needs (3.8 or newer).
"""

import sys

if sys.version_info < (3, 8):
    sys.exit("onezero needs Python 3.8 or newer; %s is Python %d.%d" % ((sys.executable,) + sys.version_info[:2]))

import faulthandler
import fcntl
import importlib
import io
import json
import os
import re
import signal
import socket
import stat
import struct
import tempfile
import threading
import time
import traceback

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
RECORD = struct.Struct(">BBHHBx")  # version, type, request, content length, padding length
RECORD_HEAD = struct.Struct(">xBHHBx").unpack_from
RECORD_AND_END = struct.Struct(">BBHHBxIB3x")
MAX_CONTENT = 0xFFFF
# Holds the largest record there is; larger reads go past it, straight to the application.
BUFFER_SIZE = 0x20000
# Blocks up to this size are copied behind their record header to leave in one piece; larger ones are not copied.
COPY_LIMIT = 0x8000
# How far the clock of modification times lags behind the exact one: a tick of the kernel.
FILE_CLOCK_NS = 10_000_000
# Linux takes 1,024 parts in one sendmsg; half of them are record headers.
MAX_PARTS = 1024

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search
STATUS = re.compile(r"[2-5][0-9][0-9] [^\x00-\x1f\x7f]*").fullmatch
HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer trailers transfer-encoding upgrade".split()
)


class Disconnected(ConnectionAbortedError):
    """The client left before its response was whole. Applications meet it in read() and write()."""


# --- The response: what start_response, write() and the iterable add up to -------------------------------------------

known_names = {}
known_statuses = set()


def check_status(status):
    if not isinstance(status, str):
        raise TypeError("the status must be str, not %s: %r" % (type(status).__name__, status))
    if not STATUS(status):
        raise ValueError("the status must look like '200 OK': %r" % status)
    if len(known_statuses) < 100:
        known_statuses.add(status)


def field_kind(name):
    """The name in lower case, after checking it once; names repeat, so they are remembered."""
    kind = known_names.get(name)
    if kind is None:
        if not isinstance(name, str):
            raise TypeError("header names must be str, not %s: %r" % (type(name).__name__, name))
        if not TOKEN(name):
            raise ValueError("not a header name: %r" % name)
        kind = name.lower()
        if kind in HOP_BY_HOP:
            raise ValueError("%s belongs to the connection: an application must not set it (PEP 3333)" % name)
        if len(known_names) < 1000:
            known_names[name] = kind
    return kind


def check_value(name, value):
    if not isinstance(value, str):
        raise TypeError("the value of %s must be str, not %s: %r" % (name, type(value).__name__, value))
    if CONTROL(value):
        raise ValueError("control character in the value of %s: %r" % (name, value))


def check_length(value):
    if not (value.isascii() and value.isdigit()):
        raise ValueError("not a Content-Length: %r" % value)
    return int(value)


def check_block(block):
    if not isinstance(block, bytes):
        raise TypeError("the application gave %s for content, not bytes: %.80r" % (type(block).__name__, block))


class Response:
    """One answer in the making. The head is held back until the first byte of content, write(), or the end."""

    __slots__ = ("connection", "is_head", "has_content", "status", "lines", "length", "head_sent", "left", "ended")

    def __init__(self, connection, is_head):
        self.connection = connection
        self.is_head = is_head
        self.has_content = not is_head
        self.status = None
        self.lines = None
        self.length = None  # as declared by Content-Length
        self.head_sent = False
        self.left = None  # how much of it is still to come; None without a declaration
        self.ended = False

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # breaks the cycle through the frame
        elif self.status is not None:
            raise RuntimeError("start_response was called twice without exc_info")
        if status not in known_statuses:
            check_status(status)
        if not isinstance(headers, list):
            raise TypeError("the headers must be a list, not %s" % type(headers).__name__)
        lines = ["Status: ", status, "\n"]
        length = None
        for name, value in headers:
            kind = known_names.get(name) or field_kind(name)
            if type(value) is not str or not value.isprintable():
                check_value(name, value)
            if kind == "content-length":
                if length is not None:
                    raise ValueError("Content-Length was given twice")
                length = check_length(value)
            lines += (kind, ": ", value, "\n")
        # Encoding here lets the application see the error while it can still answer otherwise.
        self.lines = "".join(lines).encode("latin-1")
        self.status = status
        self.length = length
        return self.write

    def write(self, data):
        if not isinstance(data, bytes):
            raise TypeError("write() takes bytes, not %s" % type(data).__name__)
        if self.ended:
            raise ValueError("write() was called after the end of the response")
        head = b"" if self.head_sent else self.take_head()
        if self.left is not None:
            if len(data) > self.left:
                raise ValueError("write() goes beyond the Content-Length of %d" % self.length)
            self.left -= len(data)
        self.connection.send_output(head, data if self.has_content else b"")

    def take_head(self, size=None):
        """The head as bytes: it cannot change any more. `size` is the length of the content, where it is known."""
        if self.status is None:
            raise RuntimeError("the application did not call start_response before its first output")
        self.head_sent = True
        may_have_content = self.status[:3] not in ("204", "304")
        self.has_content = may_have_content and not self.is_head
        lines = self.lines
        # A HEAD request without content says nothing about the length that GET would have.
        if self.length is None and size is not None and may_have_content and (size or self.has_content):
            self.length = size
            lines += b"content-length: %d\n" % size
        if self.has_content:
            self.left = self.length
        return lines + b"\n"

    def send(self, result):
        """Sends what the application returned; stops asking for more when the declared length is reached."""
        kind = type(result)
        if kind is list or kind is tuple:
            return self.send_blocks(result)
        if kind is FileWrapper and self.send_file(result):
            return None
        if result is None:
            raise TypeError("the application returned None, not an iterable")
        is_single = hasattr(kind, "__len__") and len(result) == 1
        for block in result:
            if type(block) is not bytes:
                check_block(block)
            if block and self.send_block(block, len(block) if is_single else None):
                return None
        return self.end()

    def send_blocks(self, blocks):
        """All of them are here, so the length is known, and small ones leave as one."""
        size = 0
        for block in blocks:
            if type(block) is not bytes:
                check_block(block)
            size += len(block)
        if size <= COPY_LIMIT and len(blocks) > 1:
            blocks = (b"".join(blocks),)
        for block in blocks:
            if block and self.send_block(block, size):
                return None
        return self.end()

    def send_block(self, block, size=None):
        """Sends one block at once. True when the response can hold no more."""
        head = b"" if self.head_sent else self.take_head(size)
        if not self.has_content:
            block = b""
            self.ended = True
        elif self.left is not None:
            if len(block) >= self.left:
                block = block[: self.left]
                self.ended = True
            self.left -= len(block)
        self.connection.send_output(head, block, 0 if self.ended else None)
        return self.ended

    def send_file(self, wrapper):
        """Lets the kernel copy a regular file from where it is positioned. False when it is anything else."""
        source = regular_file(wrapper.filelike)
        if source is None:
            return False
        offset = source.tell()
        size = max(0, os.fstat(source.fileno()).st_size - offset)
        if size <= COPY_LIMIT:
            self.send_blocks((source.read(size),))
            return True
        head = b"" if self.head_sent else self.take_head(size)
        if not self.has_content:
            size = 0
        elif self.left is not None:
            size = min(size, self.left)
            self.left -= size
        self.connection.send_output(head, b"")
        if not self.connection.send_file(source.fileno(), offset, size):
            raise OSError("the file became shorter while it was sent")
        self.end()
        return True

    def end(self):
        """The application has nothing more to say."""
        head = b"" if self.head_sent else self.take_head(0)
        self.ended = True
        if self.left:
            message = "the application ended %d bytes short of its Content-Length of %d\n"
            self.connection.send_errors(message % (self.left, self.length))
        self.connection.send_output(head, b"", 1 if self.left else 0)

    def fail(self, text):
        """The application broke: 500 if nothing was sent, otherwise the server breaks the connection off."""
        self.connection.send_errors(text)
        if not self.ended:
            self.ended = True
            self.connection.send_output(b"", b"", 1)


def regular_file(filelike):
    """The file whose bytes are what `filelike.read()` gives: GzipFile and text files have a fileno() too."""
    if isinstance(filelike, tempfile._TemporaryFileWrapper):
        filelike = filelike.file
    plain = type(filelike) is io.FileIO or (
        type(filelike) in (io.BufferedReader, io.BufferedRandom) and type(filelike.raw) is io.FileIO
    )
    if not plain or filelike.closed:
        return None
    return filelike if stat.S_ISREG(os.fstat(filelike.fileno()).st_mode) else None


class FileWrapper:
    """wsgi.file_wrapper: an iterable over a file, which the server may also send by itself."""

    def __init__(self, filelike, blksize=65536):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if data:
            return data
        raise StopIteration


# --- The request: wsgi.input and wsgi.errors -------------------------------------------------------------------------


class Input(io.RawIOBase):
    """The content that has not arrived yet. io.BufferedReader on top of it gives lines and iteration."""

    def __init__(self, connection):
        self.connection = connection

    def readable(self):
        return True

    def readinto(self, target):
        return self.connection.read_content(target) if self.connection else 0


class Errors:
    """wsgi.errors: whole lines go to the server's log, under the name of the request."""

    encoding = "utf-8"

    def __init__(self, connection):
        self.connection = connection
        self.text = ""

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("wsgi.errors takes str, not %s" % type(text).__name__)
        self.text += text
        if "\n" in text:
            self.flush()
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        text, self.text = self.text, ""
        if text:
            self.connection.send_errors(text)


# --- The connection: FastCGI records to calls of the application and back --------------------------------------------


class Connection:
    """One socket of the server and the thread that serves it."""

    def __init__(self, sock, application, base):
        self.socket = sock
        self.recv_into = sock.recv_into
        self.application = application
        self.errors = Errors(self)
        self.base = dict(base)
        self.base["wsgi.errors"] = self.errors
        self.lock = threading.Lock()  # a thread of the application may write to wsgi.errors while we send
        self.buffer = bytearray(BUFFER_SIZE)
        self.view = memoryview(self.buffer)
        self.start = 0  # of what was received and not looked at
        self.end = 0
        self.padding = 0  # bytes to skip before the next record
        self.content_left = 0  # of a STDIN record that the application reads piecemeal
        self.content_ended = True
        self.request = 0
        self.aborted_request = 0
        self.busy = False

    def serve(self):
        try:
            while True:
                self.receive_request()
        except OSError:
            os._exit(0)  # the server closed the connection: it wants no more of us
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    # Receiving

    def fill(self, size):
        """Makes sure that `size` bytes are in the buffer, from `start` on."""
        if self.end - self.start >= size:
            return
        if self.start == self.end:
            self.start = self.end = 0
        elif self.start + size > BUFFER_SIZE:
            rest = bytes(self.view[self.start : self.end])
            self.view[: len(rest)] = rest
            self.start, self.end = 0, len(rest)
        while self.end - self.start < size:
            received = self.recv_into(self.view[self.end :] if self.end else self.view)
            if not received:
                raise Disconnected("the server closed the connection")
            self.end += received

    def next_record(self):
        if self.padding:
            self.skip(self.padding)
            self.padding = 0
        self.fill(8)
        kind, request, length, self.padding = RECORD_HEAD(self.buffer, self.start)
        self.start += 8
        return kind, request, length

    def skip(self, size):
        while size:
            self.fill(1)
            step = min(size, self.end - self.start)
            self.start += step
            size -= step

    def take(self, size):
        self.fill(size)
        start = self.start
        self.start += size
        return self.buffer[start : self.start]

    def receive_request(self):
        if self.content_left:
            self.skip(self.content_left)
            self.content_left = 0
        kind, request, length = self.next_record()
        self.skip(length)
        if kind != BEGIN:  # what the last application left unread, or an abort that came too late
            return
        self.request = request
        variables = b""
        kind, _, length = self.next_record()
        while length:  # PARAMS ends with an empty record
            variables = variables + self.take(length) if variables else self.take(length)
            kind, _, length = self.next_record()
        environ = self.base.copy()
        words = variables.decode("latin-1").split("\0")
        environ.update(zip(words[::2], words[1::2]))
        environ["wsgi.input"] = self.open_content()
        if not self.content_ended and "CONTENT_LENGTH" not in environ:
            environ["wsgi.input_terminated"] = True  # frameworks that know it read to the end
        self.busy = True
        self.answer(environ)
        self.busy = False

    def open_content(self):
        """wsgi.input: bytes in memory if they came along with the head, otherwise a stream."""
        self.content_ended = False
        self.fill(8)
        kind, _, length = self.next_record()
        if kind == STDIN and not length:
            self.content_ended = True
            return io.BytesIO()
        end = self.start + length + self.padding
        if kind == STDIN and end + 8 <= self.end:
            _, next_kind, _, next_length, _ = RECORD.unpack_from(self.buffer, end)
            if next_kind == STDIN and not next_length:
                content = io.BytesIO(self.take(length))
                self.next_record()
                self.content_ended = True
                return content
        self.content_left = length
        return io.BufferedReader(Input(self), MAX_CONTENT + 1)

    def read_content(self, target):
        """Content into `target`, as much as is there; 0 at its end."""
        while not self.content_left:
            if self.content_ended:
                return 0
            kind, _, length = self.next_record()
            if kind == ABORT:
                self.aborted_request = self.request
                self.content_ended = True
                raise Disconnected("the client left while its content was read")
            if kind == STDIN and not length:
                self.content_ended = True
            self.content_left = length
        size = min(len(target), self.content_left)
        there = self.end - self.start
        if there:
            size = min(size, there)
            target[:size] = self.view[self.start : self.start + size]
            self.start += size
        else:
            size = self.recv_into(target, size)
            if not size:
                raise Disconnected("the server closed the connection")
        self.content_left -= size
        return size

    # Answering

    def answer(self, environ):
        response = Response(self, environ.get("REQUEST_METHOD") == "HEAD")
        content = environ["wsgi.input"]
        result = None
        try:
            result = self.application(environ, response.start_response)
            response.send(result)
        except Disconnected:
            response.fail("")
        except BaseException as error:
            response.fail(application_traceback(error))
        try:
            if hasattr(result, "close"):
                result.close()
        except BaseException as error:
            self.send_errors(application_traceback(error))
        if type(content) is io.BufferedReader:
            content.raw.connection = None  # a reader that outlives its request must not read the next one's
        self.errors.flush()

    # Sending

    def send_output(self, head, data, status=None):
        """Sends head and data, and the end of the response unless `status` is None (0: it is whole)."""
        if self.aborted_request == self.request and status is None:
            raise Disconnected("the client has left")
        request = self.request
        end = b"" if status is None else RECORD_AND_END.pack(1, END, request, 8, 0, status, 0)
        size = len(head) + len(data)
        if len(data) <= COPY_LIMIT and size <= MAX_CONTENT:
            record = RECORD.pack(1, STDOUT, request, size, 0) if size else b""
            return self.send_parts((b"".join((record, head, data, end)),))
        parts = []
        for content in (head, memoryview(data)):
            for start in range(0, len(content), MAX_CONTENT):
                piece = content[start : start + MAX_CONTENT]
                parts += (RECORD.pack(1, STDOUT, request, len(piece), 0), piece)
        parts.append(end)
        return self.send_parts(parts)

    def send_errors(self, text):
        data = text.encode("utf-8", "backslashreplace")
        for start in range(0, len(data), MAX_CONTENT):
            piece = data[start : start + MAX_CONTENT]
            self.send_parts((RECORD.pack(1, STDERR, self.request, len(piece), 0) + piece,))

    def send_parts(self, parts):
        with self.lock:
            if len(parts) == 1:
                self.socket.sendall(parts[0])
                return
            for start in range(0, len(parts), MAX_PARTS):
                group = parts[start : start + MAX_PARTS]
                sent = self.socket.sendmsg(group)
                for part in group:  # a signal may have cut it short
                    if sent < len(part):
                        self.socket.sendall(part[sent:] if sent else part)
                    sent = max(0, sent - len(part))

    def send_file(self, descriptor, offset, size):
        """Copies a stretch of a file into records. False, after zeros, when the file ended before."""
        while size:
            if self.aborted_request == self.request:
                raise Disconnected("the client has left")
            piece = min(size, MAX_CONTENT)
            with self.lock:
                self.socket.sendall(RECORD.pack(1, STDOUT, self.request, piece, 0))
                left = piece
                while left:
                    sent = os.sendfile(self.socket.fileno(), descriptor, offset, left)
                    if not sent:
                        self.socket.sendall(bytes(left))
                        return False
                    offset += sent
                    left -= sent
            size -= piece
        return True


def application_traceback(error):
    """The traceback without our own frames: the reader cares for the application's."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames or error.__traceback__))


# --- The process: loading, reporting, watching, stopping -------------------------------------------------------------


def load(spec):
    """`module:name`, `module:factory()` or `folder/file.py:name`; the name may be dotted and defaults to application."""
    place, _, name = spec.partition(":")
    if place.endswith(".py") or os.sep in place:
        place = module_of_file(place)
    target = importlib.import_module(place)
    name = name or "application"
    is_factory = name.endswith("()")
    for part in (name[:-2] if is_factory else name).split("."):
        target = getattr(target, part)
    if is_factory:
        target = target()
    if not callable(target):
        raise TypeError("%s is not callable: %r" % (spec, target))
    return target


def module_of_file(path):
    """Makes a file importable under the name that its package gives it."""
    folder, file = os.path.split(os.path.abspath(path))
    names = [file[:-3] if file.endswith(".py") else file]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        names.insert(0, package)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return ".".join(names)


def source_files():
    library = os.path.dirname(os.__file__)
    packages = (os.path.join(library, "site-packages"), os.path.join(library, "dist-packages"))
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and (not path.startswith(library + os.sep) or path.startswith(packages)):
            yield path


def modification_times(paths):
    times = {}
    for path in paths:
        try:
            times[path] = os.stat(path).st_mtime_ns
        except OSError:
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
    return [file for file in files if os.path.isfile(file)]


def take_descriptors():
    """Moves our own descriptors out of the application's way: its stdin is empty and its stdout is the log."""
    configuration = json.loads(os.fdopen(os.dup(0), "rb", 0).readline())
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
        # function holds the interpreter, which no thread of ours could.
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    return configuration, reports


def obey(orders, connections):
    for line in orders:
        words = line.split()
        if words[0] == b"stop":
            return
        connections[int(words[1])].aborted_request = int(words[2])
    os._exit(0)  # the server is gone


def main():
    configuration, reports = take_descriptors()
    orders = os.fdopen(3, "rb")
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
    connections = []
    try:
        application = load(configuration["application"])
    except BaseException as error:
        more_files = files_of(error)
        report(event="failed", traceback=application_traceback(error))
    else:
        base = {
            "wsgi.version": (1, 0),
            "wsgi.multithread": configuration["threads"] > 1,
            "wsgi.multiprocess": configuration["processes"] > 1,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
        }
        base.update(configuration["environ"])
        for index in range(configuration["threads"]):
            sock = socket.socket(fileno=4 + index)
            sock.set_inheritable(False)
            connections.append(Connection(sock, application, base))
        for connection in connections:
            threading.Thread(target=connection.serve, daemon=True).start()
        report(event="ready", python=sys.version.split()[0])
    if configuration["watch"]:
        arguments = (report, more_files, configuration["watch"], since)
        threading.Thread(target=watch, args=arguments, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        obey(orders, connections)
    finally:
        while any(connection.busy for connection in connections):  # close() may still be running
            time.sleep(0.01)


if __name__ == "__main__":
    main()
