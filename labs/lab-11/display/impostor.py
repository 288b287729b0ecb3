#!/usr/bin/python3 -I
"""A display server that knows eight requests, takes one client, and tells on standard output what it is asked for.

    impostor.py N SEED [OPTION...]

It listens at the abstract address of display N. Names, opcodes and the layout of its first answer are drawn from SEED.
It draws on a canvas of its own, and says errors as an X server does.

pieces          hands over its bytes a few at a time, with events before each answer
slow            does a ShmPutImage only when told so on its standard input, `go`; says `slow COUNT` before
big             has images with the most significant byte first
refuse=TEXT     accepts no client, for this reason
error=REQUEST   says an error whenever it is asked for this
leave=REQUEST   closes the connection as soon as it is asked for this

`canvas`, there and when the client has gone, has it print the canvas: `canvas HEX end`, four bytes a pixel,
the last one 0, compressed by zlib.
"""

import array
import ctypes
import fcntl
import random
import socket
import struct
import sys
import termios
import time
import zlib

WIDTH, HEIGHT = 160, 120
UNIT, DEPTH, PIECE = 4, 24, 5
MAX_REQUEST = 4096
BAD_REQUEST, BAD_VALUE, BAD_DRAWABLE, BAD_MATCH, BAD_ACCESS, BAD_GC, BAD_ID, BAD_LENGTH = 1, 2, 9, 8, 10, 13, 14, 16
SHM_RDONLY, IPC_STAT = 0o10000, 2
SIZE_AT = 48
"""Of shm_segsz in struct shmid_ds, on 64-bit Linux."""
PATIENCE_S = 0.2
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.shmdt.argtypes = [ctypes.c_void_p]


class Refused(Exception):
    """An error that the server says."""


class Gone(Exception):
    """The client has closed the connection."""


def say(*words):
    """A line to the check."""
    print(*words, flush=True)


def formats(draw):
    """Formats of pixels, in any order."""
    sizes = {1: 1, 4: 8, 8: 8, 15: 16, 16: 16, 24: 32, 32: 32}
    return b"".join(struct.pack("<BBB5x", depth, sizes[depth], 32) for depth in draw.sample(sorted(sizes), 7))


class Server:
    """One client's server."""

    def __init__(self, number, seed, options):
        self.options = dict(option.partition("=")[::2] for option in options)
        self.draw = random.Random(seed)
        self.base = self.draw.randrange(3, 200) << 21
        self.mask = 0x1FFFFC
        self.root = self.draw.randrange(0x100, 0x10000)
        self.shm = self.draw.choice([code for code in range(128, 160) if code != 130])
        self.canvas = bytearray(WIDTH * HEIGHT * UNIT)
        self.contexts, self.segments = set(), {}
        self.taken = self.sequence = self.shown = 0
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(f"\0/tmp/.X11-unix/X{number}")
        self.listening.listen()

    def obey(self):
        """Commands of the check, until it says `go`."""
        for line in sys.stdin:
            if line == "go\n":
                return
            if line == "canvas\n":
                self.canvas[3::UNIT] = bytes(WIDTH * HEIGHT)
                say("canvas", zlib.compress(self.canvas).hex(), "end")

    def take(self, size):
        """So many bytes of the client's."""
        data = b""
        while len(data) < size:
            more = self.client.recv(size - len(data))
            if not more:
                raise Gone
            data += more
        self.taken += size
        return data

    def give(self, data):
        """Bytes for the client; in pieces, each when the one before has been read."""
        pieces = range(0, len(data), PIECE if "pieces" in self.options else len(data))
        for at in pieces:
            self.client.sendall(data[at : at + pieces.step])
            deadline = time.monotonic() + PATIENCE_S
            while len(pieces) > 1 and self.unread() and time.monotonic() < deadline:
                time.sleep(0.0001)

    def unread(self):
        """Whether the client has not read everything."""
        queued = array.array("i", [0])
        fcntl.ioctl(self.client, termios.TIOCOUTQ, queued)
        return queued[0]

    def answer(self, first=0, rest=b""):
        """An answer, perhaps after an event that nobody asked for (MappingNotify)."""
        if "pieces" in self.options:
            self.give(struct.pack("<BxHBBB25x", 34, self.sequence & 0xFFFF, 1, 8, 200))
        self.give(struct.pack("<BBHI", 1, first, self.sequence & 0xFFFF, 0) + rest.ljust(24, b"\0"))

    def serve(self):
        """The whole of a connection."""
        self.client, _ = self.listening.accept()
        order, major, names = struct.unpack("<BxH2x4s2x", self.take(12))
        if (order, major, names) != (ord("l"), 11, bytes(4)):
            say("hello", order, major)
        if "refuse" in self.options:
            reason = self.options["refuse"].encode()
            padded = reason + b"\0" * (-len(reason) % UNIT)
            self.give(struct.pack("<BBHHH", 0, len(reason), 11, 0, len(padded) // UNIT) + padded)
            raise Gone
        self.give(self.setup())
        while True:
            self.request()

    def setup(self):
        """What an accepted client is told."""
        vendor = bytes(self.draw.choices(b"abcdefgh ", k=UNIT * self.draw.randrange(10) + self.draw.randrange(1, UNIT)))
        order = int("big" in self.options)
        screens = self.draw.randrange(1, 3)
        fixed = struct.pack(
            "<IIIIHHBBBBBBBB4x",
            1,
            self.base,
            self.mask,
            0,
            len(vendor),
            MAX_REQUEST,
            screens,
            7,
            order,
            0,
            32,
            32,
            8,
            255,
        )
        body = fixed + vendor + b"\0" * (-len(vendor) % UNIT) + formats(self.draw)
        for number in range(screens):
            root = self.root + number
            depths = [*self.draw.sample([1, 4, 8, 16, 32], self.draw.randrange(1, 5)), DEPTH]
            body += struct.pack(
                "<IIIII6HIBBBB", root, 9, 1, 0, 0, WIDTH, HEIGHT, 9, 9, 1, 1, 33, 0, 0, DEPTH, len(depths)
            )
            for depth in depths:
                body += struct.pack("<BxH4x", depth, depth == DEPTH)
                if depth == DEPTH:
                    body += struct.pack("<IBBH3I4x", 33, 4, 8, 256, 0xFF0000, 0xFF00, 0xFF)
        return struct.pack("<BxHHH", 1, 11, 0, len(body) // UNIT) + body

    def request(self):
        """One request."""
        head = self.take(UNIT)
        major, minor, length = struct.unpack("<BBH", head)
        self.sequence += 1
        if length == 0 or length > MAX_REQUEST:
            say("too-long", major)
            raise Gone
        body = self.take(length * UNIT - UNIT)
        known = {43: "GetInputFocus", 55: "CreateGC", 72: "PutImage", 98: "QueryExtension"}
        shared = ["ShmQueryVersion", "ShmAttach", "ShmDetach", "ShmPutImage"]
        name = known.get(major) or (shared[minor] if major == self.shm and minor < len(shared) else "")
        if self.options.get("leave") == name:
            say("left")
            raise Gone
        try:
            if not name or self.options.get("error") == name:
                raise Refused(BAD_REQUEST)
            getattr(self, f"do_{name}")(minor, body)
        except Refused as refused:
            code = refused.args[0]
            say("error", name or f"{major}/{minor}", code)
            self.give(struct.pack("<BBHIHB21x", 0, code, self.sequence & 0xFFFF, 0, minor, major))
        except struct.error:
            say("error", name, BAD_LENGTH)
            self.give(struct.pack("<BBHIHB21x", 0, BAD_LENGTH, self.sequence & 0xFFFF, 0, minor, major))

    def new(self, name):
        """A name that the client gives to something."""
        if name & ~self.mask != self.base or name in self.contexts or name in self.segments:
            raise Refused(BAD_ID)
        return name

    def target(self, drawable, context):
        """What is drawn on must be the root window, and with a context that there is."""
        if drawable != self.root:
            raise Refused(BAD_DRAWABLE)
        if context not in self.contexts:
            raise Refused(BAD_GC)

    def do_GetInputFocus(self, _minor, body):  # noqa: N802
        """Its answer tells that all before it is done."""
        struct.unpack("", body)
        self.answer(0, struct.pack("<I", self.root))

    def do_CreateGC(self, _minor, body):  # noqa: N802
        """A graphics context."""
        context, drawable, _ = struct.unpack("<III", body)
        self.contexts.add(self.new(context))
        self.target(drawable, context)

    def do_QueryExtension(self, _minor, body):  # noqa: N802
        """There is one."""
        (length,) = struct.unpack("<H2x", body[:4])
        there = body[4 : 4 + length] == b"MIT-SHM"
        self.answer(0, struct.pack("<BBBB", there, self.shm if there else 0, 80, 160))

    def do_ShmQueryVersion(self, _minor, body):  # noqa: N802
        """Nobody must ask, some do."""
        struct.unpack("", body)
        self.answer(1, struct.pack("<HHHHB", 1, 2, 1999, 1000, 2))

    def do_PutImage(self, kind, body):  # noqa: N802
        """Pixels that come through the socket."""
        drawable, context, width, height, x, y, pad, depth = struct.unpack("<IIHHhhBB2x", body[:20])
        self.target(drawable, context)
        if (kind, pad, depth) != (2, 0, DEPTH):
            raise Refused(BAD_MATCH)
        pixels = body[20:]
        if len(pixels) != width * height * UNIT:
            raise Refused(BAD_LENGTH)
        say("PutImage", width, height, x, y)
        self.paint(pixels, width, height, x, y)

    def paint(self, pixels, width, height, x, y):
        """Onto the canvas, whose edges cut off what is beyond."""
        for row in range(max(0, -y), min(height, HEIGHT - y)):
            shown = pixels[row * width * UNIT :][: min(width, WIDTH - x) * UNIT]
            at = ((y + row) * WIDTH + x) * UNIT
            self.canvas[at : at + len(shown)] = shown

    def do_ShmAttach(self, _minor, body):  # noqa: N802
        """The client's segment is attached."""
        name, shmid, read_only = struct.unpack("<IIB3x", body)
        address = libc.shmat(shmid, None, SHM_RDONLY if read_only else 0)
        if address in (None, ctypes.c_void_p(-1).value):
            raise Refused(BAD_ACCESS)
        about = ctypes.create_string_buffer(256)
        libc.shmctl(shmid, IPC_STAT, about)
        self.segments[self.new(name)] = address, struct.unpack_from("N", about, SIZE_AT)[0]
        say("ShmAttach", shmid)

    def do_ShmDetach(self, _minor, body):  # noqa: N802
        """And detached."""
        (name,) = struct.unpack("<I", body)
        if name not in self.segments:
            raise Refused(BAD_VALUE)
        libc.shmdt(self.segments.pop(name)[0])
        say("ShmDetach")

    def do_ShmPutImage(self, _minor, body):  # noqa: N802
        """Pixels that lie in the segment."""
        fields = struct.unpack("<II6HhhBBBxII", body)
        drawable, context, *source, x, y, depth, kind, _, segment, offset = fields
        self.target(drawable, context)
        width, height = source[:2]
        if segment not in self.segments:
            raise Refused(BAD_VALUE)
        if (kind, depth) != (2, DEPTH) or source[2:] != [0, 0, width, height]:
            raise Refused(BAD_MATCH)
        address, size = self.segments[segment]
        if offset + width * height * UNIT > size:
            raise Refused(BAD_VALUE)
        say("ShmPutImage", width, height, x, y)
        if "slow" in self.options:
            self.shown += 1
            say("slow", self.shown)
            self.obey()
        self.paint(ctypes.string_at(address + offset, width * height * UNIT), width, height, x, y)


def main(number, seed, *options):
    """One client."""
    server = Server(number, seed, options)
    say("ready")
    try:
        server.serve()
    except (Gone, ConnectionError):
        server.client.close()
    for address, _ in server.segments.values():
        libc.shmdt(address)
    say("gone", server.taken)
    server.obey()


main(*sys.argv[1:])
