#!/usr/bin/python3 -I
"""A client of a TLS server that may behave badly, and says what came back, in JSON, a line for each of its input.

    visit.py ADDRESS PORT NAME AUTHORITY

A visit is `{"how": HOW, "send": [TEXT, ...]}`, a TEXT for each TLS record. HOW is `tls`, to listen to the end; `leave`,
to go when all is sent, without a word; `hello`, to say the first word of a handshake and go; `plain`, to send without
TLS. The answer is `{"end": HOW, "version": TEXT, "text": TEXT, "size": N, "sha256": HEX}`; the end is `told` when the
server has said in TLS that it is the end, `cut` when it has not, `reset`, or `refused` when there is no connection.
"""

import hashlib
import json
import socket
import ssl
import sys

SHOWN_BYTES = 400
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
"""How a TLS handshake begins."""


def received(server):
    """All that comes, and how it ends."""
    pieces = []
    try:
        while piece := server.recv(1 << 16):
            pieces.append(piece)
    except ssl.SSLError:
        return b"".join(pieces), "cut"
    except ConnectionError:
        return b"".join(pieces), "reset"
    return b"".join(pieces), "told"


def visited(server, visit, context, name):
    """What came back over a connection, how it ended, and over which version of TLS it came."""
    if visit["how"] == "hello":
        server.sendall(HELLO)
        return b"", "left", ""
    if visit["how"] == "plain":
        server.sendall("".join(visit["send"]).encode("latin-1"))
        return *received(server), ""
    with context.wrap_socket(server, server_hostname=name, suppress_ragged_eofs=False) as secured:
        for text in visit["send"]:
            secured.sendall(text.encode("latin-1"))
        if visit["how"] == "leave":
            version = secured.version()
            secured.shutdown(socket.SHUT_WR)  # first a FIN, then a reset: only so the server's write() is an EPIPE
            return b"", "left", version
        return *received(secured), secured.version()


def told(address, port, visit, context, name):
    """The answer to a visit."""
    try:
        with socket.create_connection((address, port)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            whole, end, version = visited(server, visit, context, name)
    except ConnectionRefusedError:
        return {"end": "refused"}
    except (ssl.SSLError, ConnectionError) as error:
        return {"end": str(error)}
    text, digest = whole[:SHOWN_BYTES].decode("latin-1"), hashlib.sha256(whole.partition(b"\r\n\r\n")[2]).hexdigest()
    return {"end": end, "version": version, "text": text, "size": len(whole), "sha256": digest}


def main(address, port, name, authority):
    """Visit, as long as there is somebody to be visited."""
    context = ssl.create_default_context(cafile=authority)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # Python sets it: a cut would look like an end
    for line in sys.stdin:
        print(json.dumps(told(address, int(port), json.loads(line), context, name)), flush=True)


main(*sys.argv[1:])
