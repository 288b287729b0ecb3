#!/usr/bin/python3 -I
"""Holds ends of sockets, and does with them what it is told on its standard input, one command a line.

listen NAME PATH TYPE    TYPE is `seqpacket` or `stream`
accept NAME LISTENER
connect NAME PATH
pair NAME NAME           two packet sockets, joined to each other
send NAME HEX [END...]   a packet, together with descriptors: `sent`, `full`, or `gone`
fill NAME HEX MOST       the same packet, with a number after it, until there is no room, but MOST at most: how many
take NAME COUNT          waits for so many packets: `HEX HEX...`, and `end` where there is an end before
given NAME [END...]      waits for a packet, and keeps the descriptors that come with it: `HEX COUNT`
read NAME COUNT          waits for so many bytes of a stream: `HEX`
inode NAME
half NAME                no more will come
deaf NAME                no more will be read
close NAME

Prints `ready` first, and one line after each.
"""

import array
import os
import socket
import sys
from pathlib import Path

PACKET = 1 << 16
BACKLOG = 16
MOST_FDS = 8
MODE = 0o660
ends = {}
filled = {}


def listen(name, path, kind):
    """Be found at a path."""
    type_ = socket.SOCK_STREAM if kind == "stream" else socket.SOCK_SEQPACKET
    ends[name] = socket.socket(socket.AF_UNIX, type_)
    ends[name].bind(path)
    Path(path).chmod(MODE)
    ends[name].listen(BACKLOG)
    return "listens"


def accept(name, listener):
    """The next connection."""
    ends[name] = ends[listener].accept()[0]
    return "accepted"


def connect(name, path):
    """A connection to somebody else."""
    ends[name] = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends[name].connect(path)
    return "connected"


def pair(one, other):
    """Two ends."""
    ends[one], ends[other] = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return "joined"


def put(end, packet, fds=()):
    """How it went."""
    try:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        end.sendmsg([packet], rights, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return "full"
    except (BrokenPipeError, ConnectionResetError):
        return "gone"
    return "sent"


def send(name, packet, *fds):
    """One packet."""
    return put(ends[name], bytes.fromhex(packet), [ends[one].fileno() for one in fds])


def fill(name, packet, most):
    """As many as there is room for."""
    count = 0
    while count < int(most):
        number = filled.get(name, 0)
        if put(ends[name], bytes.fromhex(packet) + b"%d" % number) != "sent":
            break
        filled[name] = number + 1
        count += 1
    return str(count)


def received(end):
    """The next packet, and descriptors that came with it. An empty packet at the end, after all that came before."""
    while True:
        try:
            packet, fds, _, _ = socket.recv_fds(end, PACKET, MOST_FDS)
        except ConnectionResetError:
            continue
        return packet, fds


def take(name, count):
    """The next packets."""
    packets = []
    while len(packets) < int(count):
        packet, fds = received(ends[name])
        for fd in fds:
            os.close(fd)
        packets.append(packet.hex() or "end")
        if not packet:
            break
    return " ".join(packets)


def given(name, *names):
    """The next packet, and how many descriptors came with it."""
    packet, fds = received(ends[name])
    for one, fd in zip(names, fds, strict=False):
        ends[one] = socket.socket(fileno=fd)
    return f"{packet.hex() or 'end'} {len(fds)}"


def read(name, count):
    """The next bytes."""
    return ends[name].recv(int(count), socket.MSG_WAITALL).hex() or "end"


def inode(name):
    """Which socket it is."""
    return str(os.fstat(ends[name].fileno()).st_ino)


def half(name):
    """Say that no more will come."""
    ends[name].shutdown(socket.SHUT_WR)
    return "shut"


def deaf(name):
    """Say that no more will be read."""
    ends[name].shutdown(socket.SHUT_RD)
    return "shut"


def close(name):
    """Let go of an end."""
    ends.pop(name).close()
    return "closed"


COMMANDS = {
    one.__name__: one
    for one in (listen, accept, connect, pair, send, fill, take, given, read, inode, half, deaf, close)
}
print("ready", flush=True)
for line in sys.stdin:
    command, *words = line.split()
    print(COMMANDS[command](*words), flush=True)
