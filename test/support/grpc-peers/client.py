"""A client of gRPC, as main.go beside it: client.py HOST:PORT CALLS"""
import json
import sys

import grpc

channel = grpc.insecure_channel(sys.argv[1])
for i in range(int(sys.argv[2])):
    kind = ["Say", "Collect", "List", "Chat"][i % 4]
    many = kind in ("Collect", "Chat")
    name = f"py-{i}"
    sent = [f"call {i} message {n}" + (" fail" if i % 10 == 9 else "") for n in range(4 if many else 1)]
    path = f"/demo.Greeter/{kind}"
    options = {"metadata": [("x-call", name)]}
    if i % 3 == 0:
        options["compression"] = grpc.Compression.Deflate
    received, status = [], 0
    try:
        if kind == "Say":
            received = [channel.unary_unary(path)(sent[0].encode(), **options)]
        elif kind == "Collect":
            received = [channel.stream_unary(path)((one.encode() for one in sent), **options)]
        elif kind == "List":
            for one in channel.unary_stream(path)(sent[0].encode(), **options):
                received.append(one)
        else:
            for one in channel.stream_stream(path)((one.encode() for one in sent), **options):
                received.append(one)
    except grpc.RpcError as error:
        status = error.code().value[0]
    print(json.dumps({"name": name, "kind": kind, "sent": sent, "received": [one.decode() for one in received], "status": status}))
