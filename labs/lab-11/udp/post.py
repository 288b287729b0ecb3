#!/usr/bin/python3 -I
"""Datagram sockets that do as they are told on standard input, one command a line, and print what comes to them.

open NAME [PORT]               opens a socket, on any port without PORT; prints `open NAME`
send NAME ADDRESS PORT HEX     sends one datagram; `-` in the place of HEX is an empty one
flood NAME ADDRESS PORT HEX    sends it again and again, until the end of standard input

Whatever comes is printed as one line, N counting from 1, the time when the kernel got it in nanoseconds:

got N NAME ADDRESS PORT TIME HEX end N
"""

import os
import selectors
import socket
import struct
import sys

SO_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("@ll")
MOST_BYTES = 4096
FLOOD_S = 0.001
sockets = {}
floods = []
ready = selectors.DefaultSelector()


def say(text):
    """Print a line with one write(), so that it never comes in pieces."""
    os.write(sys.stdout.fileno(), text.encode() + b"\n")


def bytes_of(text):
    """The content of a datagram."""
    return b"" if text == "-" else bytes.fromhex(text)


def open_socket(name, port="0"):
    """A socket of this name."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    one.bind(("", int(port)))
    sockets[name] = one
    ready.register(one, selectors.EVENT_READ, name)
    say(f"open {name}")


def send(name, address, port, text):
    """One datagram."""
    sockets[name].sendto(bytes_of(text), (address, int(port)))


def flood(*datagram):
    """One datagram that is sent from now on."""
    floods.append(datagram)


def receive(name, number):
    """Print what has come."""
    data, extra, _, (address, port) = sockets[name].recvmsg(MOST_BYTES, socket.CMSG_SPACE(TIMESPEC.size))
    seconds, nanoseconds = TIMESPEC.unpack(extra[0][2])
    at = seconds * 10**9 + nanoseconds
    say(f"got {number} {name} {address} {port} {at} {data.hex() or '-'} end {number}")


def main():
    """Do what is told and print what comes."""
    commands = {"open": open_socket, "send": send, "flood": flood}
    ready.register(sys.stdin, selectors.EVENT_READ)
    received = 0
    while True:
        for key, _ in ready.select(FLOOD_S if floods else None):
            if key.fileobj is not sys.stdin:
                received += 1
                receive(key.data, received)
            elif line := sys.stdin.buffer.raw.readline().decode():  # unbuffered: select() sees what is left
                command, *words = line.split()
                commands[command](*words)
            else:
                return
        for datagram in floods:
            send(*datagram)


main()
