"""The application for gunicorn: `gunicorn wsgi:app`."""

from http import HTTPStatus

from application import answer, is_read, record


def app(environ, start_response):
    target = environ["RAW_URI"]
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "application/octet-stream")
    body = environ["wsgi.input"].read() if is_read(target) else None
    method = environ["REQUEST_METHOD"]
    status, found, content = answer(method, target, headers, body)
    found = [(name, value) for name, value in found if name != "Connection"]  # hop-by-hop, which WSGI forbids
    record(method, target, status, body, content)
    start_response(f"{status} {HTTPStatus(status).phrase}", found)
    if method == "HEAD" or status in (204, 304):
        return []
    return content if isinstance(content, list) else [content]
