#!/usr/bin/python3 -I
"""Many clients of the server at once that let it wait, each in its own way.

    crowd.py ADDRESS PORT NUMBER TARGET LARGE

NUMBER of them are silent, one has sent half of a request, one asks for LARGE and takes nothing of it. Prints
`connected` when all are. After a line of its standard input the silent ones and the half one ask for TARGET, and it
prints how many of these were answered with `200`. It ends, and the last client goes, at the end of its standard input.
"""

import socket
import sys

ROOM_BYTES = 4096


def connected(address, port, request, room=None):
    """A client that has sent `request` and nothing more."""
    client = socket.socket()
    if room:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    client.connect((address, port))
    client.sendall(request)
    return client


def answered(client, rest):
    """Whether the client gets its answer when it has sent the rest of its request."""
    try:
        client.sendall(rest)
        return client.makefile("rb").readline().startswith(b"HTTP/1.0 200 ")
    except ConnectionError:
        return False


def main(address, port, number, target, large):
    """Connect, wait, ask."""
    request = f"GET {target} HTTP/1.0\r\n\r\n".encode()
    where = address, int(port)
    silent = [connected(*where, b"") for _ in range(int(number))]
    half = connected(*where, request[:-3])
    never = connected(*where, f"GET {large} HTTP/1.0\r\n\r\n".encode(), room=ROOM_BYTES)
    print("connected", flush=True)
    sys.stdin.readline()
    count = sum([answered(client, request) for client in silent])
    print(count + answered(half, request[-3:]), flush=True)
    sys.stdin.read()
    never.close()


main(*sys.argv[1:])
