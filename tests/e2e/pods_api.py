#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An API server with a node's pods, for the node's own network: DIRECTORY PORT PODS_FILE.

The directory has the certificates of kube/api_server.py and gets a line for each request in
requests.jsonl. Ends with its parent.
"""
import json
import os
import sys
import time

from kube import api_server
from node import linux

TOKEN = "a-token-that-only-the-api-server-may-see"


def main():
    directory, port, pods_file = sys.argv[1:]
    linux.die_with_parent()
    log = open(os.path.join(directory, "requests.jsonl"), "w", encoding="utf-8", buffering=1)

    def step(request):
        log.write(json.dumps({"path": request.path, "query": request.query}) + "\n")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            request.answer(api_server.status(401, "Unauthorized"), 401)
        elif request.watch:
            request.head()
            request.chunk(api_server.bookmark("2"))
            request.hold(60)
        else:
            with open(pods_file, encoding="utf-8") as f:
                request.chunked(api_server.dump(json.load(f)), 1400)

    server = api_server.ApiServer(directory, [step], port=int(port))
    print("ready", flush=True)
    time.sleep(120)
    server.stop()


if __name__ == "__main__":
    main()
