#!/usr/bin/python3 -I
"""Sends ICMP echo replies that nobody has asked for, or that are not as they should be.

    liar.py SOURCE DESTINATION ID SEQUENCE TEXT

As from SOURCE, whoever that is. A line of its standard input names what to send: `id`, `sequence`, `text`, `checksum`,
`type`, `short` or `long` (each a reply in which that is wrong), `source` (a right one, from another address), `right`.
It prints `sent WHAT` after each.
"""

import socket
import struct
import sys

ECHO_REPLY, ECHO, UNREACHABLE = 0, 8, 3
OUR_OWN = "0.0.0.0"
"""The kernel puts its own address in the place of none."""
TTL, LIARS_TTL = 17, 99


def checksum(data):
    """The Internet checksum, RFC 1071."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def message(number, sequence, text, kind=ECHO_REPLY, spoil=0):
    """An ICMP echo message."""
    bare = struct.pack("!BBHHH", kind, 0, 0, number, sequence) + text
    return struct.pack("!BBHHH", kind, 0, checksum(bare) ^ spoil, number, sequence) + text


def packet(source, destination, data, ttl):
    """An IPv4 packet; the kernel fills in its checksum and length."""
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    return struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, ttl, socket.IPPROTO_ICMP, 0) + addresses + data


def main(source, destination, number, sequence, text):
    """Send what standard input names."""
    number, sequence, text = int(number), int(sequence), text.encode()
    replies = {
        "id": message(number ^ 0x0101, sequence, text),
        "sequence": message(number, sequence ^ 0x0101, text),
        "text": message(number, sequence, text[:-1] + bytes([text[-1] ^ 1])),
        "checksum": message(number, sequence, text, spoil=0x0100),
        "type": message(number, sequence, text, kind=ECHO),
        "short": message(number, sequence, text[:-1]),
        "long": message(number, sequence, text + b"x"),
        "source": message(number, sequence, text),
        "right": message(number, sequence, text),
    }
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for line in sys.stdin:
            what = line.strip()
            as_from = OUR_OWN if what == "source" else source
            raw.sendto(
                packet(as_from, destination, replies[what], TTL if what == "right" else LIARS_TTL), (destination, 0)
            )
            print("sent", what, flush=True)


main(*sys.argv[1:])
