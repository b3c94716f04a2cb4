"""What every server of the comparison of ASGI runs: a bare application, and FastAPI."""

import json
import os
import tempfile

from fastapi import FastAPI

site = FastAPI()
THINGS = [{"name": "thing %d" % number, "price": number * 1.5} for number in range(30)]


@site.get("/page")
async def page(count: int = 30):
    return {"title": "thing &lt;29&gt;", "items": THINGS[:count]}


async def application(scope, receive, send):
    if scope["type"] != "http" or scope["path"] == "/page":
        return await site(scope, receive, send)
    data = b"Hello, world\n"
    headers = [(b"content-type", b"text/plain")]
    if scope["path"] == "/json":
        data = json.dumps(THINGS).encode()
    if scope["path"] == "/echo":
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message["body"])
            more = message["more_body"]
        data = b"".join(parts)
    if scope["path"] == "/chunks":
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"hello world", "more_body": True})
        return await send({"type": "http.response.body", "body": b""})
    headers.append((b"content-length", b"%d" % len(data)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": data})
