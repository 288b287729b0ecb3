#!/usr/bin/python3 -I
"""A TLS server for one client that may behave badly.

    shop.py PORT CERTIFICATE KEY END

Prints `asked for NAME`, which the client's first message names, then the request, byte by byte. It sends what its
standard input has, and ends the connection: with END `told` as TLS says it, with `cut` as if somebody had cut the line.
It prints `no request: WHY` when the client does not trust it.
"""

import contextlib
import os
import socket
import ssl
import sys

OUTPUT = sys.stdout.fileno()


def request_of(client):
    """What the client has sent up to the empty line."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        piece = client.recv(1 << 16)
        if not piece:
            break
        request += piece
    return request


def serve(client, context, end):
    """Answer over a connection."""
    with context.wrap_socket(client, server_side=True) as secured:
        os.write(OUTPUT, request_of(secured))
        secured.sendall(sys.stdin.buffer.read())
        if end == "told":
            with contextlib.suppress(ssl.SSLError, OSError):
                secured.unwrap()


def main(port, certificate, key, end):
    """Let one client in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda _socket, name, _context: os.write(OUTPUT, f"asked for {name}\n".encode()) and None
    with socket.create_server(("", int(port))) as listener:
        client, _ = listener.accept()
    try:
        serve(client, context, end)
    except (ssl.SSLError, ConnectionError) as error:
        os.write(OUTPUT, f"no request: {error}\n".encode())


main(*sys.argv[1:])
