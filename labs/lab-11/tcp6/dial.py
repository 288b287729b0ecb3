#!/usr/bin/python3 -I
"""A client that says which port it has, and prints what the server sends it until the server closes the connection.

dial.py ADDRESS PORT           prints `port N`, what comes, and `closed`
dial.py ADDRESS PORT reset     breaks the connection off at once, and prints `port N` and `gone`
"""

import socket
import struct
import sys


def main(address, port, how=""):
    """Connect and listen, or go away."""
    with socket.create_connection((address, int(port))) as server:
        said = f"port {server.getsockname()[1]}\n"
        if how == "reset":
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
            server.close()
            sys.exit(print(said + "gone", flush=True))
        heard = server.makefile("rb").read()
    print(said + heard.decode("ascii", "replace") + "closed", flush=True)


main(*sys.argv[1:])
