"""A WSGI application that does what the field X-Plan of the request says (JSON); see wsgi.mjs."""

import hashlib
import io
import json
import os
import sys
import tempfile
import threading
import time

COUNTS = {"made": 0, "closed": 0}
LOCK = threading.Lock()


def block(number, size):
    return (b"%d:" % number + b"abcdefghij" * (size // 10 + 1))[:size]


def read(stream, how, length):
    if how == "all":
        return stream.read()
    if how == "length":
        return stream.read(length or 0)
    if how == "small":
        return b"".join(iter(lambda: stream.read(7), b""))
    if how == "blocks":
        return b"".join(iter(lambda: stream.read(65536), b""))
    if how == "lines":
        return b"".join(stream.readlines())
    if how == "line":
        return b"".join(iter(stream.readline, b""))
    if how == "short-line":
        return b"".join(iter(lambda: stream.readline(5), b""))
    if how == "iterate":
        return b"".join(stream)
    if how == "some":
        return stream.read(10)
    return b""


class Body:
    """An iterable that counts how often its close() is called."""

    def __init__(self, plan, blocks, input_digest):
        self.plan = plan
        self.blocks = iter(blocks)
        self.number = 0
        with LOCK:
            COUNTS["made"] += 1

    def __iter__(self):
        return self

    def __next__(self):
        if self.plan.get("raise") == self.number:
            raise RuntimeError("planned")
        self.number += 1
        if self.plan.get("pause"):
            time.sleep(self.plan["pause"])
        return next(self.blocks)

    def close(self):
        with LOCK:
            COUNTS["closed"] += 1
        if self.plan.get("raise") == "close":
            raise RuntimeError("planned")


def file_of(plan, data):
    kind = plan["file"]
    if kind == "bytes":
        return io.BytesIO(data)
    file = tempfile.TemporaryFile() if kind == "real" else tempfile.NamedTemporaryFile()
    file.write(data)
    file.flush()
    file.seek(plan.get("offset", 0))
    return file


def application(environ, start_response):
    if environ["PATH_INFO"] == "/counts":
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(COUNTS).encode()]
    plan = json.loads(environ["HTTP_X_PLAN"])
    length = int(environ.get("CONTENT_LENGTH") or 0)
    data = read(environ["wsgi.input"], plan["read"], length)
    digest = hashlib.sha256(data).hexdigest()
    if plan.get("raise") == "before":
        raise RuntimeError("planned")
    headers = [tuple(pair) for pair in plan["headers"]] + [("X-Input", "%d %s" % (len(data), digest))]
    write = start_response(plan["status"], headers)
    if plan.get("again") == "exc_info":
        try:
            raise ValueError("planned")
        except ValueError:
            write = start_response("503 Planned", [("X-Again", "yes"), ("X-Input", "-")], sys.exc_info())
    elif plan.get("again") == "plain":
        start_response("200 OK", [])
    elif plan.get("again") == "str":
        return ["text"]
    if plan.get("raise") == "started":
        raise RuntimeError("planned")
    for number, size in enumerate(plan.get("write", ())):
        write(block(number, size))
    if plan.get("raise") == "written":
        raise RuntimeError("planned")
    blocks = [block(number, size) for number, size in enumerate(plan["blocks"])]
    kind = plan["body"]
    if kind == "list":
        return blocks
    if kind == "tuple":
        return tuple(blocks)
    if kind == "echo":
        return [data]
    if kind == "generator":
        return (one for one in blocks)
    if kind == "file":
        return environ["wsgi.file_wrapper"](file_of(plan, b"".join(blocks)), plan.get("block_size", 8192))
    if kind == "none":
        return None if plan.get("null") else []
    return Body(plan, blocks, digest)
