"""The application on http.server, which speaks HTTP/1.1 if asked to: `http_server.py PORT`."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from application import answer, is_read, record


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_expect_100(self):
        return super().handle_expect_100() if is_read(self.path) else True

    def respond(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.read_body(headers) if is_read(self.path) else None
        status, found, content = answer(self.command, self.path, headers, body)
        self.send_response(status)
        for name, value in found:
            self.send_header(name, value)
        is_chunked = isinstance(content, list)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            for chunk in content if is_chunked else []:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n" if is_chunked else content)
        record(self.command, self.path, status, body, content)

    def read_body(self, headers):
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length", "0")))
        body = b""
        while (size := int(self.rfile.readline().split(b";")[0], 16)) > 0:
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def log_message(self, *_):
        pass

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = respond


class Server(ThreadingHTTPServer):
    request_queue_size = 512


Server(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
