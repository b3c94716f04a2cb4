import asyncio


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for tick in range(5):
        await send({"type": "http.response.body", "body": b"tick %d\n" % tick, "more_body": True})
        await asyncio.sleep(0.2)
    await send({"type": "http.response.body", "body": b"done\n"})
