"""requests, in one session."""

import requests

from plan import BASE, PLAN, body_of, headers_of, pieces, report, report_error


def send(session, item):
    body = body_of(item)
    if body is not None and item["isChunked"]:
        body = pieces(body)
    response = session.request(
        item["method"],
        BASE + item["target"],
        headers=headers_of(item),
        data=body,
        allow_redirects=item["isFollowed"],
        timeout=5,
    )
    id = item["id"] + "-2" if response.history else item["id"]
    report(id, response.status_code, list(response.raw.headers.items()), response.content, True)


with requests.Session() as session:
    session.headers["Accept-Encoding"] = "identity"
    for item in PLAN:
        try:
            send(session, item)
        except Exception as error:
            report_error(item["id"], error)
