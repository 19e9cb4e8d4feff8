"""httpx, in one client."""

import httpx

from plan import BASE, PLAN, body_of, headers_of, pieces, report, report_error


def send(client, item):
    body = body_of(item)
    if body is not None and item["isChunked"]:
        body = pieces(body)
    response = client.request(
        item["method"], BASE + item["target"], headers=headers_of(item), content=body, follow_redirects=item["isFollowed"]
    )
    id = item["id"] + "-2" if response.history else item["id"]
    report(id, response.status_code, response.headers.multi_items(), response.content, True)


with httpx.Client(timeout=5, headers={"Accept-Encoding": "identity"}) as client:
    for item in PLAN:
        try:
            send(client, item)
        except Exception as error:
            report_error(item["id"], error)
