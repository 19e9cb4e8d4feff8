"""ClickHouse's engine behind ClickHouse's HTTP interface, for tests: one session, one query at a time.

What it is not: the native protocol, users and their rights, replication, ON CLUSTER, queries side by side.

usage: chdb-server.py DIRECTORY PORT      prints "ready" once it answers
"""
import gzip
import os
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

session = Session(sys.argv[1])
lock = threading.Lock()
# Parameters of the URL that are no settings.
NO_SETTINGS = {"query", "query_id", "database", "default_format", "session_id", "user", "password", "compress",
               "enable_http_compression", "wait_end_of_query", "send_progress_in_http_headers", "role",
               "http_headers_progress_interval_ms", "date_time_input_format_dummy", "session_timeout"}
FORMAT = re.compile(r"\s+FORMAT\s+(\w+)\s*;?\s*$", re.I)


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def run(parameters, body):
    given = dict(parameters)
    sql = given.get("query", "")
    data = None
    if sql:
        data = body
    else:
        sql = body.decode()
    set_names = []
    with lock:
        try:
            if given.get("database"):
                session.query("USE " + "`" + given["database"].replace("`", "") + "`")
            for name, value in given.items():
                if name.startswith("param_"):
                    session.query(f"SET {name} = {literal(value)}")
                elif name not in NO_SETTINGS:
                    session.query(f"SET {name} = {value if re.fullmatch(r'-?[0-9.]+', value) else literal(value)}")
                    set_names.append(name)
            if data is not None and re.match(r"\s*INSERT", sql, re.I):
                with tempfile.NamedTemporaryFile(suffix=".json") as file:
                    file.write(data)
                    file.flush()
                    form = FORMAT.search(sql)
                    into = FORMAT.sub("", sql)
                    session.query(f"{into} FROM INFILE {literal(file.name)} FORMAT {form.group(1)}")
                return b""
            form = FORMAT.search(sql)
            name = form.group(1) if form else given.get("default_format", "TabSeparated")
            return session.query(FORMAT.sub("", sql), name).bytes()
        finally:
            for name in set_names:
                session.query(f"SET {name} = DEFAULT")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                if size == 0:
                    while self.rfile.readline().strip():
                        pass
                    break
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            data = b"".join(pieces)
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def answer(self, status, data, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if urlsplit(self.path).path == "/ping":
            return self.answer(200, b"Ok.\n")
        return self.do_POST()

    def do_POST(self):
        body = self.body()
        try:
            data = run(parse_qsl(urlsplit(self.path).query, keep_blank_values=True), body)
        except Exception as error:  # What the engine says goes to whoever asked.
            text = str(error)
            code = re.search(r"Code: (\d+)", text)
            return self.answer(500, text.encode(), [("X-ClickHouse-Exception-Code", code.group(1) if code else "1000")])
        return self.answer(200, data, [("Content-Type", "application/json")])


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that is killed says nothing, and nothing is to be said of it."""


server = Server(("127.0.0.1", int(sys.argv[2])), Handler)
print("ready", flush=True)
server.serve_forever()
