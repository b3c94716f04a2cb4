"""What a worker and the server say to each other on a connection: the records of FastCGI 1.0, and a few of our own.

The reserved byte of a record's header holds bits 16 to 23 of its length, so that a large block is one record. A response
head is text: `Status: 200 OK`, fields with lower-case names, an empty line.
"""

import os
import struct
import traceback

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
# FILE offers the server an open file to read the content from; FILE_REPLY says whether it could open it.
FILE, FILE_REPLY = 16, 17
# PAUSE: the receiver shall send no more content of this request for now (1), or go on (0); of a lone thread of WSGI, no other
# request. PING is sent back.
# DRAIN: no request will follow, and what has no end of its own shall end.
PAUSE, PING, DRAIN = 18, 19, 20
# A request in one record, with all of PARAMS: content follows, or nothing. LAST_OUTPUT makes a response whole; it is read as one
# piece, so it is for small ones, and no length is told in its head.
REQUEST, BARE_REQUEST, LAST_OUTPUT = 21, 22, 23
RECORD = struct.Struct(">BBHHBB")  # version, type, request, length (low 16 bits), padding length, length (high 8 bits)
RECORD_HEAD = struct.Struct(">xBHHBB").unpack_from
RECORD_AND_END = struct.Struct(">BBHHBxIB3x")
RECORD_AND_FILE = struct.Struct(">BBHHBxIQQQQQQQ")  # descriptor, offset, length, and the state of the file
FILE_CONTENT = RECORD_AND_FILE.size - RECORD.size
MAX_CONTENT = 0xFFFFFF
TIME_MASK = 0xFFFFFFFFFFFFFFFF  # times before 1970 are negative
# Blocks up to this size are copied behind their record header to leave in one piece; larger ones are not copied.
COPY_LIMIT = 0x8000
# As many bytes as may be on their way to the server; the kernel allows less, usually 208 KiB.
SEND_BUFFER_SIZE = 0x100000


def file_offer(request, descriptor, offset, length, state):
    """Offers `length` bytes of an open file; its state tells the server whether it has them already."""
    changed, modified = state.st_ctime_ns, state.st_mtime_ns
    return RECORD_AND_FILE.pack(
        1, FILE, request, FILE_CONTENT, 0, descriptor, offset, length,
        state.st_size, changed & TIME_MASK, modified & TIME_MASK, state.st_ino, state.st_dev,
    )  # fmt: skip


def record(kind, request, length):
    return RECORD.pack(1, kind, request, length & 0xFFFF, 0, length >> 16)


OUR_FOLDER = os.path.dirname(os.path.abspath(__file__))
OUR_FILES = (OUR_FOLDER, os.path.join(os.path.dirname(OUR_FOLDER), "worker.py"))


class Disconnected(ConnectionAbortedError):
    """The client left before its response was whole. Applications meet it in read() and write()."""


def application_traceback(error, others=()):
    """
    The traceback without our own frames: the reader cares for the application's. With `others`, files that are passed through as ours
    are, it has no frames where none is the application's.
    """
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(OUR_FILES + others):
        frames = frames.tb_next
    if frames is None and others:
        return "".join(traceback.format_exception_only(type(error), error))
    return "".join(traceback.format_exception(type(error), error, frames or error.__traceback__))
