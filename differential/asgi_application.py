"""An ASGI application that does what the field X-Plan of the request says (JSON); see asgi.mjs."""

import asyncio
import hashlib
import json

COUNTS = {"begun": 0, "ended": 0}


def block(number, size):
    return (b"%d:" % number + b"abcdefghij" * (size // 10 + 1))[:size]


async def read(receive, how):
    data = b""
    if how == "none":
        return data
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        data += message["body"]
        if not message["more_body"] or how == "some":
            break
        if how == "slow":
            await asyncio.sleep(0)
    return data


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    COUNTS["begun"] += 1
    try:
        await answer(scope, receive, send)
    finally:
        COUNTS["ended"] += 1


async def answer(scope, receive, send):
    if scope["path"] == "/counts":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        return await send({"type": "http.response.body", "body": json.dumps(COUNTS).encode()})
    headers = dict(scope["headers"])
    plan = json.loads(headers[b"x-plan"])
    if plan.get("raise") == "before":
        raise RuntimeError("planned")
    data = await read(receive, plan["read"])
    fields = [(name.encode(), value.encode("latin-1")) for name, value in plan["headers"]]
    fields.append((b"x-input", b"%d %s" % (len(data), hashlib.sha256(data).hexdigest().encode())))
    shown = [scope["method"], scope["path"], scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")]
    shown += [scope["http_version"], scope["scheme"], scope["root_path"], scope["type"]]
    fields.append((b"x-scope", json.dumps(shown).encode()))
    if plan.get("start") == "none":
        return
    await send({"type": "http.response.start", "status": plan["status"], "headers": fields})
    if plan.get("start") == "twice":
        await send({"type": "http.response.start", "status": plan["status"], "headers": fields})
    blocks = [data] if plan.get("echo") else [block(number, size) for number, size in enumerate(plan["blocks"])]
    for number, body in enumerate(blocks):
        if plan.get("raise") == number:
            raise RuntimeError("planned")
        if plan.get("pause"):
            await asyncio.sleep(0.001)
        is_last = number == len(blocks) - 1 and plan.get("end") == "with-last"
        await send({"type": "http.response.body", "body": body, "more_body": not is_last})
        if is_last:
            return
    if plan.get("end") == "never":
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    if plan.get("raise") == "after":
        raise RuntimeError("planned")
    if plan.get("end") == "disconnect":
        while (await receive())["type"] != "http.disconnect":
            pass
