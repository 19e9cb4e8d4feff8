"""The application for the servers of Python: what to answer, and the record of it."""

import gzip
import hashlib
import json
import os
from urllib.parse import parse_qs, urlsplit

PAGE = open(os.environ["LIVE_PAGE"], "rb").read()
MODIFIED = "Wed, 01 Jan 2020 00:00:00 GMT"


def answer(method, target, headers, body):
    """(status, headers, body, or a list of chunks); `headers` has lower-case names."""
    parts = urlsplit(target)
    id = parse_qs(parts.query).get("id", [""])[0]
    status, found, content = _answer("GET" if method == "HEAD" else method, parts.path, id, headers, body)
    if isinstance(content, bytes) and status not in (204, 304):
        found.append(("Content-Length", str(len(content))))
    return status, [("x-live-id", id), *found], content


def _answer(method, path, id, headers, body):
    text = ("Content-Type", "text/plain")
    match method, path:
        case "GET", "/hello":
            cookies = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/")]
            return 200, [("Content-Type", "application/json"), *cookies], json.dumps({"id": id, "hello": "world"}).encode()
        case "GET", "/page.txt":
            if "if-modified-since" in headers:
                return 304, [("Last-Modified", MODIFIED)], b""
            return 200, [text, ("Last-Modified", MODIFIED)], PAGE
        case "GET", "/zipped.txt":
            if "gzip" not in headers.get("accept-encoding", ""):
                return 200, [text], PAGE
            return 200, [text, ("Content-Encoding", "gzip")], gzip.compress(PAGE)
        case "GET", "/chunks":
            return 200, [text], [f"chunk {i} of {id}\n".encode() for i in range(50)]
        case "GET", "/nothing":
            return 204, [], b""
        case "GET", "/moved":
            return 302, [text, ("Location", f"/hello?id={id}-2")], b"moved\n"
        case "GET", "/last":
            return 200, [text, ("Connection", "close")], PAGE
        case "POST", "/echo":
            return 200, [("Content-Type", headers.get("content-type", "application/octet-stream"))], body
        case "POST", "/refuse":
            return 413, [text, ("Connection", "close")], b"too much\n"
        case "PUT", "/store":
            return 201, [text], b"stored %d\n" % len(body)
        case "DELETE", "/store":
            return 200, [text], b"deleted\n"
    return 404, [text], b"absent\n"


def record(method, target, status, body, content):
    """Appends to the log; `body` is None where it was not read."""
    if "LIVE_LOG" not in os.environ:
        return
    sent = b"" if method == "HEAD" or status in (204, 304) else content
    if isinstance(sent, list):
        sent = b"".join(sent)
    line = {"id": parse_qs(urlsplit(target).query).get("id", [""])[0], "method": method, "target": target}
    line |= {"status": status, "responseBytes": len(sent), "responseSha256": hashlib.sha256(sent).hexdigest()}
    if body is not None:
        line |= {"requestBytes": len(body), "requestSha256": hashlib.sha256(body).hexdigest()}
    with open(os.environ["LIVE_LOG"], "a") as log:
        log.write(json.dumps(line) + "\n")


def is_read(target):
    return urlsplit(target).path != "/refuse"
