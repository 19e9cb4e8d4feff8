"""What the clients of Python share: the plan, and what they say they received."""

import json
import os
import sys

BASE, _plan, DIRECTORY = sys.argv[1:4]
PLAN = [json.loads(line) for line in open(_plan)]


def body_of(item):
    return None if item["body"] is None else open(item["body"], "rb").read()


def pieces(content, size=7000):
    for at in range(0, len(content), size):
        yield content[at : at + size]


def headers_of(item):
    headers = dict(item["headers"])
    if item["isClosing"]:
        headers["Connection"] = "close"
    return headers


def report(id, status, headers, body, is_decoded):
    with open(os.path.join(DIRECTORY, id), "wb") as file:
        file.write(body)
    line = {"id": id, "status": status, "headers": headers, "isDecoded": is_decoded}
    print(json.dumps(line), flush=True)


def report_error(id, error):
    print(json.dumps({"id": id, "error": repr(error)}), flush=True)
