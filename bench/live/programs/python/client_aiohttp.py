"""aiohttp, in one session with one connection."""

import asyncio

import aiohttp

from plan import BASE, PLAN, body_of, headers_of, pieces, report, report_error


async def stream(content):
    for piece in pieces(content):
        yield piece


async def send(session, item):
    body = body_of(item)
    if body is not None and item["isChunked"]:
        body = stream(body)
    headers = headers_of(item)
    is_expecting = headers.pop("Expect", None) is not None
    async with session.request(
        item["method"],
        BASE + item["target"],
        headers=headers,
        data=body,
        allow_redirects=item["isFollowed"],
        expect100=is_expecting,
    ) as response:
        content = await response.read()
        id = item["id"] + "-2" if response.history else item["id"]
        headers = [(name.decode(), value.decode()) for name, value in response.raw_headers]
        report(id, response.status, headers, content, False)


async def main():
    connector = aiohttp.TCPConnector(limit=1)
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
        session.headers["Accept-Encoding"] = "identity"
        for item in PLAN:
            try:
                await send(session, item)
            except Exception as error:
                report_error(item["id"], error)


asyncio.run(main())
