"""WSGI (PEP 3333): as many connections as threads, one request at a time on each.

The thread that reads a request runs the application: no queue, no accept, no hand-over in between. A small response leaves in one
send, its last record included.
"""

import io
import os
import socket
import stat
import sys
import tempfile
import threading
import time
import traceback

from . import forked
from .fields import FILE_NAMERS, check_length, check_status, check_value, field_kind, known_names, known_statuses
from .records import (
    ABORT, BARE_REQUEST, BEGIN, COPY_LIMIT, END, FILE_REPLY, LAST_OUTPUT, MAX_CONTENT, PAUSE, RECORD, RECORD_AND_END, RECORD_HEAD,
    REQUEST, SEND_BUFFER_SIZE, STDERR, STDIN, STDOUT, Disconnected, application_traceback, file_offer, record,
)  # fmt: skip
from .remembered import Remembered

# Holds the largest record there is; larger reads go past it, straight to the application.
BUFFER_SIZE = 0x20000
# How much of a file the kernel copies before a client that has left is noticed.
FILE_PIECE = 0x80000
# Linux takes 1,024 parts in one sendmsg; half of them are record headers.
MAX_PARTS = 1024
# Blocks that follow each other within QUICK seconds leave together, GATHER seconds after the first of them.
QUICK = 0.001
GATHER = 0.001


def take_apart(text):
    """Name, NUL, value, NUL, and so on."""
    words = text.split("\0")
    return dict(zip(words[::2], words[1::2]))


known_variables = Remembered(take_apart)


def check_block(block):
    if not isinstance(block, bytes):
        raise TypeError("the application gave %s for content, not bytes: %.80r" % (type(block).__name__, block))


def may_close(result):
    return result is not None and type(result) not in (list, tuple)


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
        names_file = False
        for name, value in headers:
            kind = known_names.get(name) or field_kind(name)
            if type(value) is not str or not value.isprintable():
                check_value(name, value)
            if kind == "content-length":
                if length is not None:
                    raise ValueError("Content-Length was given twice")
                length = check_length(value)
                continue  # take_head() tells it
            elif kind in FILE_NAMERS:
                names_file = True
            lines += (kind, ": ", value, "\n")
        if names_file and length is not None:  # the length is that of the file
            return self.start_response(status, [pair for pair in headers if pair[0].lower() != "content-length"])
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
                self.head_sent = not head
                raise ValueError("write() goes beyond the Content-Length of %d" % self.length)
            self.left -= len(data)
        self.connection.send_output(head, data if self.has_content else b"")

    def take_head(self, size=None, last=None):
        """
        The head as bytes: it cannot change any more. `size` is the length of the content, where it is known; `last` the length of
        what is sent with the head, if that is the last of it.
        """
        if self.status is None:
            raise RuntimeError("the application did not call start_response before its first output")
        self.head_sent = True
        may_have_content = self.status[:3] not in ("204", "304")
        self.has_content = may_have_content and not self.is_head
        lines = self.lines
        # A HEAD request without content says nothing about the length that GET would have.
        if self.length is None and size is not None and may_have_content and (size or self.has_content):
            self.length = size
        if self.has_content:
            self.left = self.length
            if last and last == self.length and last + len(lines) < COPY_LIMIT:
                return lines + b"\n"  # one record will have all of it
        if self.length is not None:
            lines += b"content-length: %d\n" % self.length
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
        if callable(result) and not hasattr(result, "__iter__"):
            raise TypeError("the application returned %r, not an iterable: is it a factory? Then name it with ()" % result)
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
        head = b"" if self.head_sent else self.take_head(size, len(block))
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
        state = os.fstat(source.fileno())
        size = max(0, state.st_size - offset)
        if not size:
            return False  # files of /proc tell no size: what they have is known when it is read
        if size <= COPY_LIMIT:
            self.send_blocks((source.read(size),))
            return True
        head = b"" if self.head_sent else self.take_head(size)
        if not self.has_content:
            size = 0
        elif self.left is not None:
            size = min(size, self.left)
            self.left -= size
        is_taken = None
        if size and not self.left:
            is_taken = self.connection.offer_file(head, file_offer(self.connection.request, source.fileno(), offset, size, state))
        if is_taken:
            self.ended = True
            return True
        self.connection.send_output(head if is_taken is None else b"", b"")
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


# The request: wsgi.input and wsgi.errors


class Input(io.RawIOBase):
    """The content that has not arrived yet. io.BufferedReader on top of it gives lines and iteration."""

    def __init__(self, connection, length):
        self.connection = connection
        self.length = length  # None when it is not known
        self.position = 0

    def readable(self):
        return True

    def readinto(self, target):
        size = self.connection.read_content(target) if self.connection else 0
        self.position += size
        return size

    def readall(self):
        """All that is left: into one piece of memory when the length is known, without a detour by small buffers."""
        parts = []
        while True:
            wanted = (self.length or 0) - self.position
            part = bytearray(wanted if wanted > 0 else 0x10000)
            view = memoryview(part)
            filled = 0
            while filled < len(part):
                size = self.readinto(view[filled:])
                if not size:
                    parts.append(bytes(view[:filled]))
                    return parts[0] if len(parts) == 1 else b"".join(parts)
                filled += size
            parts.append(bytes(part))


class Errors:
    """wsgi.errors: whole lines go to the server's log, under the name of the request."""

    encoding = "utf-8"

    def __init__(self, connection):
        self.connection = connection
        self.request = None  # the number of the one that it belongs to, once another may be under way
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
            self.connection.send_errors(text, self.request)


# The connection: FastCGI records to calls of the application and back


class Connection:
    """One socket of the server, with one request at a time."""

    files_are_refused = False

    def __init__(self, sock, application, base):
        self.socket = sock
        self.recv_into = sock.recv_into
        self.application = application
        self.base = dict(base)
        self.make_errors()
        self.lock = threading.Lock()  # a thread of the application may write to wsgi.errors while we send
        self.buffer = bytearray(BUFFER_SIZE)
        self.view = memoryview(self.buffer)
        self.start = 0  # of what was received and not looked at
        self.end = 0
        self.padding = 0  # bytes to skip before the next record
        self.content_left = 0  # of a STDIN record that the application reads piecemeal
        self.content_ended = True
        self.input = None  # of the request under way, where it is no memory
        self.request = 0
        self.aborted_request = 0
        self.gathered = []  # blocks of the response that have not left
        self.gathered_bytes = 0
        self.last_block_at = 0.0
        self.flusher = None
        self.busy = False
        # Whether other processes are better for a request that comes while close() runs, as this one has no other thread.
        self.is_alone = base["wsgi.multiprocess"] and not base["wsgi.multithread"]
        self.pause = b""  # in front of the end of the response, where close() follows
        self.closing = set()  # wsgi.errors of requests whose close() runs
        self.stopping = False
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_SIZE)

    def make_errors(self):
        self.errors = self.base["wsgi.errors"] = Errors(self)

    def stop(self):
        """Makes `serve` return when no request is under way. Called by another thread, or by a signal's handler."""
        self.stopping = True
        self.socket.shutdown(socket.SHUT_RD)

    def serve(self, serve_next=None):
        """Serves in the calling thread until the server has gone: this connection, or whatever `serve_next` does."""
        serve_next = serve_next or self.receive_request
        try:
            while not self.stopping:
                serve_next()
        except OSError:
            if not self.stopping:
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
        kind, request, length, self.padding, high = RECORD_HEAD(self.buffer, self.start)
        self.start += 8
        return kind, request, length + (high << 16)

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
        """Answers the next request, or takes one record that is none."""
        close = self.begin_request()
        if close is not None:
            close()

    def begin_request(self):
        """The same without close(): what is left to be called, while another thread may go on with the connection."""
        if self.content_left:
            self.skip(self.content_left)
            self.content_left = 0
        kind, request, length = self.next_record()
        if kind == BARE_REQUEST or kind == REQUEST:
            variables = self.take(length)
        else:
            self.skip(length)
            if kind != BEGIN:  # what the last application left unread, or an abort that came too late
                return None
            variables = self.take_variables()
        self.request = request
        if self.aborted_request and self.aborted_request != request:
            self.aborted_request = 0  # its number comes again
        environ = self.base.copy()
        name, port, address, method, target, query, path, rest = variables.decode("latin-1").split("\0", 7)
        environ.update(known_variables[rest])
        environ["REQUEST_METHOD"] = method
        environ["REQUEST_URI"] = target
        environ["PATH_INFO"] = path
        environ["QUERY_STRING"] = query
        environ["REMOTE_ADDR"] = address
        if port:
            environ["REMOTE_PORT"] = port
        if name:
            environ["UNIQUE_ID"] = name
        if kind == BARE_REQUEST:
            self.content_ended = True
            environ["wsgi.input"] = io.BytesIO()
        else:
            environ["wsgi.input"] = self.open_content(environ.get("CONTENT_LENGTH"))
            if not self.content_ended and "CONTENT_LENGTH" not in environ:
                environ["wsgi.input_terminated"] = True  # frameworks that know it read to the end
        self.busy = True
        close = self.answer(environ)
        self.busy = False
        return close

    def take_variables(self):
        """PARAMS in several records, of which the last is empty."""
        variables = b""
        _, _, length = self.next_record()
        while length:
            variables += self.take(length)
            _, _, length = self.next_record()
        return variables

    def open_content(self, announced):
        """wsgi.input: bytes in memory if they came along with the head, otherwise a stream."""
        self.content_ended = False
        if self.end - self.start < 8 + self.padding:  # the application need not wait for content that it may not want
            return self.content_stream(announced)
        kind, _, length = self.next_record()
        if kind == ABORT:
            self.aborted_request = self.request
            return self.content_stream(announced)
        if kind == STDIN and not length:
            self.content_ended = True
            return io.BytesIO()
        end = self.start + length + self.padding
        if kind == STDIN and end + 8 <= self.end:
            next_kind, _, next_length, _, _ = RECORD_HEAD(self.buffer, end)
            if next_kind == STDIN and not next_length:
                content = io.BytesIO(self.take(length))
                self.next_record()
                self.content_ended = True
                return content
        self.content_left = length
        return self.content_stream(announced)

    def content_stream(self, announced):
        self.input = Input(self, int(announced) if announced else None)
        return io.BufferedReader(self.input, 0x10000)

    def read_content(self, target):
        """Content into `target`, as much as is there; 0 at its end."""
        while not self.content_left:
            if self.content_ended:
                return 0
            if self.aborted_request == self.request:
                raise Disconnected("the client left while its content was read")
            kind, _, length = self.next_record()
            if kind == ABORT:
                self.aborted_request = self.request
                continue
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
        result = None
        try:
            result = self.application(environ, response.start_response)
            if self.is_alone and may_close(result):
                self.pause = record(PAUSE, self.request, 1) + b"\1"
            response.send(result)
        except Disconnected:
            response.fail("")
        except BaseException as error:
            if forked.is_child:
                forked.leave(error)
            response.fail(application_traceback(error))
        if forked.is_child:
            forked.leave()
        if self.input is not None:
            self.input.connection = None  # a reader that outlives its request must not read the next one's
            self.input = None
        self.errors.flush()
        if not may_close(result):
            return None
        errors = self.errors
        errors.request = self.request
        self.closing.add(errors)
        self.make_errors()
        return lambda: self.close(result, errors)

    def close(self, result, errors):
        """Runs behind the response, when another request may be under way."""
        try:
            if hasattr(result, "close"):
                result.close()
        except BaseException as error:
            if forked.is_child:
                forked.leave(error)
            self.send_errors(application_traceback(error), errors.request)
        if forked.is_child:
            forked.leave()
        errors.flush()
        self.closing.discard(errors)
        if self.pause:
            self.pause = b""
            self.send_parts((record(PAUSE, errors.request, 1) + b"\0",))

    # Sending

    def send_output(self, head, data, status=None):
        """Sends head and data, and the end of the response unless `status` is None (0: it is whole)."""
        if forked.is_child:
            forked.leave()
        request = self.request
        size = len(head) + len(data)
        if status is None:
            if self.aborted_request == request:
                raise Disconnected("the client has left")
            if size <= COPY_LIMIT:
                return self.send_block(head, data, size)
        end = b"" if status is None else self.pause + RECORD_AND_END.pack(1, END, request, 8, 0, status, 0)
        if size + self.gathered_bytes <= COPY_LIMIT:
            with self.lock:
                gathered = self.take_gathered()
                size += len(gathered)
                if status == 0 and data:
                    parts = (self.pause, record(LAST_OUTPUT, request, size), head, gathered, data)
                else:
                    parts = (record(STDOUT, request, size) if size else b"", head, gathered, data, end)
                self.socket.sendall(b"".join(parts))
            return None
        if size <= MAX_CONTENT:
            return self.send_parts((record(STDOUT, request, size) + head, data, end))
        parts = []
        for content in (head, memoryview(data)):
            for start in range(0, len(content), MAX_CONTENT):
                piece = content[start : start + MAX_CONTENT]
                parts += (record(STDOUT, request, len(piece)), piece)
        parts.append(end)
        return self.send_parts(parts)

    def send_block(self, head, data, size):
        """
        Sends a small block at once. One that follows quickly waits for those that may follow it: a thread sends what has
        gathered whether or not the application makes another, which is the second of the ways that PEP 3333 allows.
        """
        now = time.monotonic()
        is_quick = now - self.last_block_at < QUICK and not head
        self.last_block_at = now
        if not size:
            return
        if not is_quick:
            with self.lock:
                gathered = self.take_gathered()
                size += len(gathered)
                self.socket.sendall(b"".join((record(STDOUT, self.request, size), head, gathered, data)))
            return
        with self.lock:
            is_first = not self.gathered
            self.gathered.append(data)
            self.gathered_bytes += size
            if self.gathered_bytes > COPY_LIMIT:
                self.send_gathered()
        if is_first:
            if self.flusher is None:
                self.flusher = Flusher(self)
            self.flusher.wake()

    def take_gathered(self):
        """What has gathered, as one. The lock is held."""
        if not self.gathered:
            return b""
        content = b"".join(self.gathered)
        self.gathered.clear()
        self.gathered_bytes = 0
        return content

    def send_gathered(self):
        content = self.take_gathered()
        if content:
            self.socket.sendall(record(STDOUT, self.request, len(content)) + content)

    def send_errors(self, text, request=None):
        if forked.is_child:
            sys.stderr.write(text)
            return
        data = text.encode("utf-8", "backslashreplace")
        for start in range(0, len(data), MAX_CONTENT):
            piece = data[start : start + MAX_CONTENT]
            self.send_parts((record(STDERR, request or self.request, len(piece)) + piece,))

    def send_parts(self, parts):
        with self.lock:
            self.send_gathered()
            if len(parts) == 1:
                self.socket.sendall(parts[0])
                return
            for start in range(0, len(parts), MAX_PARTS):
                group = parts[start : start + MAX_PARTS]
                sent = self.socket.sendmsg(group)
                for part in group:  # a signal may have cut it short
                    if sent < len(part):
                        self.socket.sendall(memoryview(part)[sent:] if sent else part)
                    sent = max(0, sent - len(part))

    def offer_file(self, head, offer):
        """
        Sends the head, and lets the server read the content from our open file, which frees this thread at once. False
        when the server cannot open it (another system, another user); None when there is no point in asking, and
        nothing was sent: content that is not read yet would be in the way of the reply.
        """
        if forked.is_child:
            forked.leave()
        if Connection.files_are_refused or self.content_left or not self.content_ended:
            return None
        if self.aborted_request == self.request:
            raise Disconnected("the client has left")
        self.send_parts((b"".join((record(STDOUT, self.request, len(head)) if head else b"", head, self.pause, offer)),))
        while True:
            kind, request, length = self.next_record()
            content = self.take(length)
            if kind == ABORT and request == self.request:
                self.aborted_request = request
                raise Disconnected("the client left before its response began")
            if kind == FILE_REPLY and request == self.request:
                if content == b"\1":
                    return True
                Connection.files_are_refused = True  # what holds for one file holds for the next
                return False

    def send_file(self, descriptor, offset, size):
        """Copies a stretch of a file into records. False, after zeros, when the file ended before."""
        while size:
            if self.aborted_request == self.request:
                raise Disconnected("the client has left")
            piece = min(size, FILE_PIECE)
            with self.lock:
                self.send_gathered()
                self.socket.sendall(record(STDOUT, self.request, piece))
                left = piece
                while left:
                    try:
                        sent = os.sendfile(self.socket.fileno(), descriptor, offset, left)
                    except BlockingIOError:  # sockets of gevent do not wait
                        time.sleep(GATHER)
                        continue
                    except OSError:  # what was announced has to follow
                        sent = 0
                    if not sent:
                        self.socket.sendall(bytes(left))
                        return False
                    offset += sent
                    left -= sent
            size -= piece
        return True


class Flusher:
    """Sends what has gathered in a connection, soon after the first block of it."""

    def __init__(self, connection):
        self.connection = connection
        self.nothing_gathered = threading.Lock()
        self.nothing_gathered.acquire()
        threading.Thread(target=self.run, daemon=True).start()

    def wake(self):
        """Called by one thread at a time."""
        if self.nothing_gathered.locked():
            self.nothing_gathered.release()

    def run(self):
        connection = self.connection
        while True:
            self.nothing_gathered.acquire()
            time.sleep(GATHER)
            try:
                with connection.lock:
                    connection.send_gathered()
            except OSError:
                return  # the thread of the application meets it too


def base_environ(configuration):
    """What is the same in the environ of every request."""
    environ = {
        "wsgi.version": (1, 0),
        "wsgi.multithread": configuration["threads"] > 1,
        "wsgi.multiprocess": configuration["processes"] > 1,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    environ.update(configuration["environ"])
    return environ
