"""Checks of what an application gives for a status and for fields (RFC 9110 section 5)."""

import re

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search
STATUS = re.compile(r"[2-5][0-9][0-9] [^\x00-\x1f\x7f]*").fullmatch
HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer trailers transfer-encoding upgrade".split()
)
# They have a server send a file in place of the content.
FILE_NAMERS = frozenset(("x-accel-redirect", "x-sendfile"))

# The same for ASGI, where names and values are bytes.
TOKEN_BYTES = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search
HOP_BY_HOP_BYTES = frozenset(name.encode() for name in HOP_BY_HOP)
FILE_NAMERS_BYTES = frozenset(name.encode() for name in FILE_NAMERS)

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
