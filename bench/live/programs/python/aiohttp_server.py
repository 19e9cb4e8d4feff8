"""The application on aiohttp: `aiohttp_server.py PORT`."""

import sys

from aiohttp import web

from application import answer, is_read, record


async def respond(request):
    target = request.raw_path
    body = await request.read() if is_read(target) else None
    headers = {name.lower(): value for name, value in request.headers.items()}
    status, found, content = answer(request.method, target, headers, body)
    record(request.method, target, status, body, content)
    if not isinstance(content, list):
        response = web.Response(status=status, body=content or None)
        for name, value in found:
            if name == "Content-Length":
                continue
            if name == "Set-Cookie":
                response.headers.add(name, value)
            else:
                response.headers[name] = value
        return response
    response = web.StreamResponse(status=status, headers=dict(found))
    response.enable_chunked_encoding()
    await response.prepare(request)
    for chunk in content:
        await response.write(chunk)
    await response.write_eof()
    return response


async def expect(request):
    if is_read(request.raw_path):
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


app = web.Application(client_max_size=1 << 28)
app.router.add_route("*", "/{path:.*}", respond, expect_handler=expect)
web.run_app(app, host="0.0.0.0", port=int(sys.argv[1]), print=None, access_log=None)
