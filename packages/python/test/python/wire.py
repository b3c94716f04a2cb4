"""The server's side of a connection to a worker: requests in, records out."""

import socket

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, FILE, FILE_REPLY = 1, 2, 3, 4, 5, 6, 7, 16, 17


def record(kind, content=b"", number=1, padding=0):
    size = len(content)
    head = bytes((1, kind)) + number.to_bytes(2, "big") + (size & 0xFFFF).to_bytes(2, "big") + bytes((padding, size >> 16))
    return head + content + b"\xee" * padding


REQUEST, BARE_REQUEST = 21, 22
PLACED = ("UNIQUE_ID", "REMOTE_PORT", "REMOTE_ADDR", "REQUEST_METHOD", "REQUEST_URI", "QUERY_STRING", "PATH_INFO")


def request(variables=None, content=(), number=1, padding=0, length=True):
    """A whole request; `content` is a list of the contents of its STDIN records."""
    variables = dict(variables or {})
    variables.setdefault("REQUEST_METHOD", "GET")
    size = sum(len(piece) for piece in content)
    if size and length:
        variables["CONTENT_LENGTH"] = str(size)
    placed = "".join(variables.pop(name, "") + "\0" for name in PLACED)
    text = (placed + "".join("%s\0%s\0" % pair for pair in variables.items())).encode("latin-1")
    if number % 2:  # in one record, as what is not large comes
        if not content:
            return record(BARE_REQUEST, text, number, padding)
        data = record(REQUEST, text, number, padding)
    else:
        data = record(BEGIN, b"\0\1\1\0\0\0\0\0", number, padding) + record(PARAMS, text, number, padding)
        data += record(PARAMS, b"", number, padding)
    for piece in content:
        data += record(STDIN, piece, number, padding)
    return data + record(STDIN, b"", number, padding)


LAST_OUTPUT = 23


def records(data):
    """(kind, number, content) of each record; last output as what the server takes it for: output with its length, and an end."""
    found = []
    for kind, number, content in raw_records(data):
        if kind != LAST_OUTPUT:
            found.append((kind, number, content))
            continue
        head, empty, body = content.partition(b"\n\n")
        if head.startswith(b"Status: "):
            content = b"%b\ncontent-length: %d%b%b" % (head, len(body), empty, body)
        found += ((STDOUT, number, content), (END, number, bytes(8)))
    return found


def raw_records(data):
    """(kind, number, content) of each record."""
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 6], "big") + (data[at + 7] << 16)
        found.append((data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big"), data[at + 8 : at + 8 + size]))
        at += 8 + size + data[at + 6]
    if at != len(data):
        raise AssertionError("a record is cut")
    return found


class Answer:
    """What came back for one request."""

    def __init__(self, found):
        output = b"".join(content for kind, _, content in found if kind == STDOUT)
        self.errors = b"".join(content for kind, _, content in found if kind == STDERR).decode()
        self.files = [content for kind, _, content in found if kind == FILE]
        ends = [content for kind, _, content in found if kind == END]
        self.status = int.from_bytes(ends[0][:4], "big") if ends else None
        self.ends = len(ends)
        head, self.has_head, self.content = output.partition(b"\n\n")
        first, *lines = head.decode("latin-1").split("\n")
        self.line = first[len("Status: ") :] if self.has_head else None
        self.fields = [tuple(line.split(": ", 1)) for line in lines] if self.has_head else []

    def field(self, name):
        values = [value for kind, value in self.fields if kind == name]
        return values[0] if values else None


class Wire:
    """Two ends of a connection, in one thread: what is asked has to fit into the socket."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        for sock in (self.ours, self.theirs):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 0x100000)

    def say(self, data):
        self.ours.sendall(data)

    def heard(self):
        """All that has come so far."""
        data = b""
        self.ours.setblocking(False)
        try:
            while True:
                piece = self.ours.recv(0x100000)
                if not piece:
                    break
                data += piece
        except BlockingIOError:
            pass
        self.ours.setblocking(True)
        return data

    def close(self):
        self.ours.close()
        self.theirs.close()
