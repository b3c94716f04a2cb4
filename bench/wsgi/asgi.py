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


async def echo_messages(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        return await echo_messages(receive, send)
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
            if message["type"] == "http.disconnect":
                return
            parts.append(message["body"])
            more = message.get("more_body", False)
        data = b"".join(parts)
    if scope["path"] == "/chunks":
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"hello world", "more_body": True})
        return await send({"type": "http.response.body", "body": b""})
    headers.append((b"content-length", b"%d" % len(data)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": data})
