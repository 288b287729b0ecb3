#!/usr/bin/python3 -I
"""A client that sends any bytes and says what came back, in JSON, one line of it for each line of its standard input.

    ask.py ADDRESS PORT

A question is `{"send": TEXT, "then": HOW}`: TEXT has a character for each byte. HOW is what it does when all is sent:
`listen` to the end; `end`, say first that no more will be sent; `leave`, go away at once. The answer is `{"head": TEXT,
"body": TEXT, "size": N, "sha256": HEX, "end": HOW}`: of a long body its first bytes only, but its size and digest;
the end is `closed` or `reset`. It is `refused` when there is no connection at all.
"""

import hashlib
import json
import socket
import sys

SHOWN_BYTES = 400
EMPTY_LINE = b"\r\n\r\n"


def received(server):
    """All that comes, and how it ends."""
    pieces = []
    try:
        while piece := server.recv(1 << 16):
            pieces.append(piece)
    except ConnectionError:
        return b"".join(pieces), "reset"
    return b"".join(pieces), "closed"


def sent(server, data):
    """Send as much as the server takes."""
    try:
        server.sendall(data)
    except ConnectionError:
        return


def asked(address, port, question):
    """What one connection brought."""
    try:
        server = socket.create_connection((address, port))
    except ConnectionRefusedError:
        return {"end": "refused"}
    with server:
        sent(server, question["send"].encode("latin-1"))
        if question["then"] != "listen":
            server.shutdown(socket.SHUT_WR)
        if question["then"] == "leave":
            return {}  # after the FIN a reset, as soon as an answer comes: only so the server's send() is an EPIPE
        whole, end = received(server)
    head, line, body = whole.partition(EMPTY_LINE)
    return {
        "head": (head + line).decode("latin-1"),
        "body": body[:SHOWN_BYTES].decode("latin-1"),
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "end": end,
    }


def main(address, port):
    """Ask, as long as there are questions."""
    for line in sys.stdin:
        print(json.dumps(asked(address, int(port), json.loads(line))), flush=True)


main(*sys.argv[1:])
