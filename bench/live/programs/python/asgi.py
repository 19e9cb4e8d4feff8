"""The application for uvicorn: `uvicorn asgi:app`."""

from application import answer, is_read, record


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    target = scope["raw_path"].decode() + "?" + scope["query_string"].decode()
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    body = None
    if is_read(target):
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
    method = scope["method"]
    status, found, content = answer(method, target, headers, body)
    record(method, target, status, body, content)
    encoded = [(name.lower().encode(), value.encode()) for name, value in found]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    for chunk in content if isinstance(content, list) else []:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if isinstance(content, list) else content})
