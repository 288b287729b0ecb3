#!/usr/bin/python3
"""A driver to try things with: gives back what comes down to it, and hangs up when it is told that no more will come.

loop.py PATH [SECONDS]    waits so long before each message
"""

import socket
import sys
import time
from pathlib import Path

PACKET = 1001
RELEASE = b"R"


def serve(stream: socket.socket, pause_s: float) -> None:
    """Give one stream its messages back."""
    while message := stream.recv(PACKET):
        print(message.decode(errors="replace"), flush=True)
        if message[:1] == RELEASE:
            return
        time.sleep(pause_s)
        stream.send(message)


def main(path: str, seconds: str = "0") -> None:
    """One stream after the other."""
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    Path(path).chmod(0o660)
    listener.listen()
    while True:
        with listener.accept()[0] as stream:
            try:
                serve(stream, float(seconds))
            except (BrokenPipeError, ConnectionResetError):
                print("the stream is closed", flush=True)


main(*sys.argv[1:])
