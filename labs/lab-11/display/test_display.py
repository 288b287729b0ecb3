"""Checks of display: what a real X server shows, by which way it came, and what a server of ours was asked for."""

import struct
import time
import zlib
from random import Random
from signal import SIGKILL

import pytest

from orchestrator.checks import PIPE, check

WIDTH, HEIGHT = 640, 480
"""Of the real server's screen."""
CANVAS = 160, 120
"""The impostor's."""
UNIT = 4
MODE = 0o660
X_PORT = 6000
START_S, SOON_S, PATIENCE_S, LOOK_S = 5.0, 2.0, 3.0, 0.02
QUIET_S = 0.3
PIECES_S = 6.0
"""Two processes wake each other up for each of some hundred pieces."""
FEW_BYTES = 1000
"""More than all requests of a few pictures through shared memory, fewer than the pixels of one."""
SOCKET, MEMORY = "the socket", "memory"
DRAWS = "test_pictures_go_through_the_unix_socket"
SHARES = "test_the_server_fetches_pictures_from_shared_memory"
SERVES = "test_any_server_is_understood"


class Picture:
    """Random rectangles of bright colours."""

    def __init__(self, width, height, seed):
        draw = Random(seed)
        self.width, self.height = width, height
        self.pixels = bytearray(self.colour(draw) * (width * height))
        for _ in range(12):
            left, top = draw.randrange(width), draw.randrange(height)
            across, down = draw.randint(1, width - left), draw.randint(1, height - top)
            row = self.colour(draw) * across
            for y in range(top, top + down):
                at = (y * width + left) * UNIT
                self.pixels[at : at + len(row)] = row

    @staticmethod
    def colour(draw):
        """A pixel as the server has it; no two channels are the same."""
        return bytes([*draw.sample(range(1, 256), 3), 0])

    @property
    def ppm(self):
        """As draw reads it."""
        return b"P6\n%d %d\n255\n" % (self.width, self.height) + rgb(self.pixels)


def rgb(pixels):
    """Red, green and blue of pixels in the server's order."""
    shown = bytearray(len(pixels) // UNIT * 3)
    for channel in range(3):
        shown[channel::3] = pixels[2 - channel :: UNIT]
    return bytes(shown)


def png(pixels, width, height):
    """A picture file."""
    lines = rgb(pixels)
    rows = b"".join(b"\0" + lines[y * width * 3 : (y + 1) * width * 3] for y in range(height))

    def chunk(name, data):
        return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))

    about = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", about) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def painted(width, height, *placed):
    """A black screen with pictures at their places, one after another: (picture, x, y)."""
    screen = bytearray(width * height * UNIT)
    for picture, x, y in placed:
        across = max(0, min(picture.width, width - x)) * UNIT
        for row in range(max(0, min(picture.height, height - y))):
            at = ((y + row) * width + x) * UNIT
            begin = row * picture.width * UNIT
            screen[at : at + across] = picture.pixels[begin : begin + across]
    return screen


def difference(shown, expected, width):
    """Where and how much two screens differ, in words; empty when they do not."""
    if shown == expected:
        return ""
    wrong = [at for at in range(0, len(expected), UNIT) if shown[at : at + UNIT] != expected[at : at + UNIT]]
    first = wrong[0]
    seen, due = (rgb(one[first : first + UNIT]).hex() for one in (shown, expected))
    y, x = divmod(first // UNIT, width)
    return f"{len(wrong)} pixels of the screen are wrong; the first, at {x},{y}, is {seen} and should be {due}"


class Screen:
    """A real X server on a host, and what it shows."""

    def __init__(self, host, tool, number, exhibit, *, depth=24, options=("-ac",)):
        self.host = host
        self.exhibit = exhibit
        shape = f"{WIDTH}x{HEIGHT}x{depth}"
        words = ["-screen", "0", shape, "-br", "-noreset", "-extension", "GLX", "-listen", "tcp", "-fbdir", "/tmp"]
        self.server = tool(host.place, "Xvfb", f":{number}", *words, "-displayfd", "1", *options)
        self.running = self.server.start(until=f"{number}\n".encode(), timeout_s=START_S)

    def leave(self):
        """It ends, and its addresses are free for another one."""
        self.running.kill()
        self.running.wait()

    def shot(self):
        """The pixels of its frame buffer, which is a file as xwd(1) writes it."""
        data = self.host.agent.get("/tmp/Xvfb_screen0").data
        head = struct.unpack("!25I", data[:100])
        start, row = head[0] + 12 * head[19], head[12]
        pixels = bytearray(data[start : start + row * HEIGHT])
        pixels[3::UNIT] = bytes(WIDTH * HEIGHT)
        return pixels

    def shows(self, name, *placed):
        """Return once exactly these pictures are on it: (picture, x, y), the last one on top."""
        expected = painted(WIDTH, HEIGHT, *placed)
        deadline = time.monotonic() + PATIENCE_S
        while (shown := self.shot()) != expected and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        self.exhibit(f"{name}.png", png(shown, WIDTH, HEIGHT))
        assert not (wrong := difference(shown, expected, WIDTH)), wrong


@pytest.fixture
def screen(tool, params, exhibit):
    """Starts an X server on a host."""

    def start(host, **options):
        return Screen(host, tool, params.display, exhibit, **options)

    return start


class Impostor:
    """A server of ours, and what it has been asked for."""

    def __init__(self, running):
        self.running = running
        running.expect(b"ready\n")

    def leave(self):
        """It ends, and its address is free for another one."""
        self.running.kill()
        self.running.wait()

    def told(self):
        """What it has told so far."""
        return self.running.output().stdout.decode().splitlines()

    def gone(self):
        """How many bytes the client has sent, once it has closed the connection."""
        self.running.expect(b"gone ", timeout_s=SOON_S)
        return int(self.told()[-1].split()[1])

    def asked(self, name):
        """What it was asked for under this name, the numbers of each."""
        return [tuple(map(int, line.split()[1:])) for line in self.told() if line.split()[0] == name]

    def shows(self, *placed):
        """Check what is on its canvas."""
        answer = self.running.ask(b"canvas\n", until=b" end\n", timeout_s=SOON_S)
        shown = zlib.decompress(bytes.fromhex(answer.split()[-2].decode()))
        wrong = difference(shown, painted(*CANVAS, *placed), CANVAS[0])
        assert not wrong, wrong

    def content(self):
        """Check that it has not said an error."""
        errors = [line for line in self.told() if line.startswith(("error", "too-long", "hello"))]
        assert not errors, f"the server could not do what it was asked for: {errors[0]}"


@pytest.fixture
def impostor(peer, params):
    """Starts a server of ours."""

    def start(*options):
        return Impostor(peer("desk/screen", "impostor.py", "{display}", "{seed}", *options).start(stdin=PIPE))

    return start


def lines(count, way):
    """What draw prints."""
    return "".join(f"picture {number} through {way}\n" for number in range(1, count + 1)).encode()


def pictures(params, count=2, width=None, height=None):
    """Several of a size."""
    return [Picture(width or params.width, height or params.height, params.seed + number) for number in range(count)]


def words(params, way, host="", x=None, y=None):
    """The arguments."""
    return [way, f"{host}:{params.display}", str(params.x if x is None else x), str(params.y if y is None else y)]


def shown_one_by_one(running, screen, name, params, way, given, *, first=1, under=()):
    """Check that each picture, the `first` one and so on, is on the screen before the next one comes."""
    for number, picture in enumerate(given[first - 1 :], first):
        running.write(picture.ppm)
        running.expect(lines(number, way))
        screen.shows(f"{name}-{number}", *under, (picture, params.x, params.y))


@check(
    points=2,
    hint="`ss -xlp` where the server runs shows two names. The one with @ is abstract: it begins with a NUL and ends "
    "with the address, unix(7). Then: what does the server answer to your first 12 bytes?",
)
def test_pictures_go_through_the_unix_socket(draw, desk, screen, params):
    """`socket :N` draws pictures on the X server of its host through an abstract Unix socket, exact to the pixel."""
    there = screen(desk)
    running = draw.start(args=words(params, "socket"), stdin=PIPE)
    given = pictures(params)
    shown_one_by_one(running, there, "unix-socket", params, SOCKET, given[:1])
    sockets = [one.ino for one in running.process.fds if one.kind == "socket"]
    assert len(sockets) == 1, f"draw has {len(sockets)} sockets open, not one"
    assert desk.unix_socket(ino=sockets[0], state="established", type="stream").exists, "its socket is no Unix socket"
    shown_one_by_one(running, there, "unix-socket", params, SOCKET, given, first=2)
    running.close_stdin()
    assert running.wait().exited(0).stdout == lines(2, SOCKET)


@check(
    points=1,
    hint="The server tells the longest request that it takes, in units of 4 bytes. A picture that is longer goes in "
    "several requests: of how many rows each, and where does each begin?",
    needs=[DRAWS],
)
def test_a_picture_may_be_longer_than_a_request(draw, desk, screen, params):
    """A picture as large as the screen arrives as a whole, and one that is cut off by the screen's edges, too."""
    there = screen(desk)
    (large,) = pictures(params, 1, WIDTH, HEIGHT)
    draw.run(args=words(params, "socket", x=0, y=0), stdin=large.ppm).exited(0)
    there.shows("large-1", (large, 0, 0))
    x, y = WIDTH - params.width // 2, HEIGHT - params.height // 3
    (cut,) = pictures(params, 1)
    draw.run(args=words(params, "socket", x=x, y=y), stdin=cut.ppm).exited(0)
    there.shows("large-2", (large, 0, 0), (cut, x, y))


@check(
    points=2,
    hint="Display N of another host is TCP port 6000 + N. What is said is the same. But which memory do both see?",
)
def test_pictures_go_to_another_host(draw, beta, desk, screen, params):
    """`HOST:N` draws over TCP, `socket` and `memory` alike: no memory is shared between hosts, so pixels are sent."""
    there = screen(desk)
    elsewhere = draw.at("beta/main")
    given = pictures(params)
    for way in ("socket", "memory"):
        running = elsewhere.start(args=words(params, way, "desk"), stdin=PIPE)
        shown_one_by_one(running, there, f"tcp-{way}", params, SOCKET, given)
        assert beta.tcp(remote__port=X_PORT + params.display, state="established").exists, "there is no TCP connection"
        assert not beta.sysv_shm().exists, "there is a segment that nobody can share"
        running.close_stdin()
        assert running.wait().exited(0).stdout == lines(2, SOCKET)


@check(
    points=2,
    hint="`ipcs -m` while it waits for the next picture: who is attached? The server runs as another user of your "
    "group: which mode does it need? And which call lets a segment go with the last one who is attached?",
    needs=[DRAWS],
)
def test_the_server_fetches_pictures_from_shared_memory(draw, desk, screen, params):
    """`memory :N` has the server attach one segment of mode 0660, marked for removal, for all pictures."""
    there = screen(desk)
    given = pictures(params, 3)
    running = draw.start(args=words(params, "memory"), stdin=PIPE)
    shown_one_by_one(running, there, "memory", params, MEMORY, given[:1])
    segment = desk.sysv_shm().wait()
    assert segment.size == params.width * params.height * UNIT, "its size in bytes"
    assert segment.mode == MODE, f"its mode is {segment.mode:04o}"
    both = {running.pid, there.running.pid}
    assert set(segment.attached) == both, f"{segment.attached} are attached, not draw and the X server: {both}"
    running.sleeps(QUIET_S)
    assert segment.dest, "it is not marked for removal: if draw were killed now it would stay for ever"
    shown_one_by_one(running, there, "memory", params, MEMORY, given, first=2)
    assert [one.id for one in desk.sysv_shm().facts] == [segment.id], "not the same segment for all pictures"
    running.close_stdin()
    running.wait().exited(0)
    desk.sysv_shm().wait_gone(SOON_S)


@check(
    points=2,
    hint="Which bytes of the first answer does your program skip, and how many? Which names may it give? A read of 32 "
    "bytes can bring 5, and an event may come before the answer. Only the numbers of requests are the same everywhere.",
)
def test_any_server_is_understood(draw, impostor, params):
    """Another server, with other names, formats and opcodes, which says its answers in pieces and events in between."""
    for way, through in (("socket", SOCKET), ("memory", MEMORY)):
        ours = impostor("pieces")
        given = pictures(params, 2, 90, 70)
        stream = b"".join(one.ppm for one in given)
        ended = draw.run(args=words(params, way, x=20, y=10), stdin=stream, timeout_s=PIECES_S).exited(0)
        ours.gone()
        ours.content()
        ours.shows((given[1], 20, 10))
        assert ended.stdout == lines(2, through)
        ours.leave()


@check(
    points=2,
    hint="A request that was sent is not one that was done. Until when may the server read the pixels, and how does "
    "your program learn that it has?",
    needs=[SHARES, SERVES],
)
def test_shared_pixels_stay_until_the_server_has_read_them(draw, desk, impostor, params):
    """While the server has not done what it was asked for, draw sleeps, and the shared picture stays what it is."""
    ours = impostor("slow")
    given = pictures(params, 3, 60, 40)
    running = draw.start(args=words(params, "memory", x=5, y=5), stdin=b"".join(one.ppm for one in given))
    for number, picture in enumerate(given, 1):
        ours.running.expect(b"slow %d\n" % number, timeout_s=SOON_S)
        desk.processes(pid=running.pid).wait(timeout_s=SOON_S, state="S")
        assert running.output().stdout == lines(number - 1, MEMORY), "it says that a picture is drawn that is not"
        if number == 1:
            running.sleeps(QUIET_S)
        ours.running.write(b"go\n")
        running.expect(lines(number, MEMORY))
        ours.shows((picture, 5, 5))
    running.wait().exited(0)


@check(
    points=1,
    hint="`strace -e trace=network -s 8` shows what goes through the socket. With shared memory it is a request of 40 "
    "bytes for each picture, and a question whether it is done.",
    needs=[SHARES, SERVES],
)
def test_shared_memory_spares_the_socket(draw, impostor, params):
    """With shared memory no pixel goes through the socket, however many pictures there are."""
    ours = impostor()
    given = pictures(params, 5, 100, 80)
    draw.run(args=words(params, "memory", x=1, y=2), stdin=b"".join(one.ppm for one in given)).exited(0)
    sent = ours.gone()
    ours.content()
    assert ours.asked("ShmPutImage") == [(100, 80, 1, 2)] * len(given)
    assert sent < FEW_BYTES, f"{sent} bytes went through the socket for {len(given)} pictures"
    ours.shows((given[-1], 1, 2))


@check(
    points=2,
    hint="An identifier of System V means something within one IPC namespace only: compare `ipcs -m` in both "
    "containers. What does the server say to ShmAttach, and what does your program do then?",
    needs=[DRAWS, SHARES],
)
def test_without_shared_memory_the_socket_is_taken(draw, ablated, desk, desk_no_ipc, screen, params):
    """Where the server can't attach the segment, or knows no shared memory, `memory` draws through the socket."""
    given = pictures(params)
    for program, host, options in ((ablated.draw, desk_no_ipc, ()), (draw, desk, ("-extension", "MIT-SHM"))):
        there = screen(host, options=("-ac", *options))
        running = program.start(args=words(params, "memory"), stdin=PIPE)
        shown_one_by_one(running, there, f"without-memory-{host.place.partition('/')[0]}", params, SOCKET, given)
        assert not host.in_("app").sysv_shm().exists, "there is a segment that nobody can share"
        running.close_stdin()
        assert running.wait().exited(0).stdout == lines(2, SOCKET)


@check(
    points=2,
    hint="Names are the server's, base and mask of its first answer keep clients apart. And what of yours would still "
    "be there if your program were killed now?",
    needs=[DRAWS, SHARES],
)
def test_clients_share_a_screen(draw, reference, desk, screen, params):
    """Your program and ours draw on one screen at the same time, each from a segment of its own; both may be killed."""
    there = screen(desk)
    mine, theirs = pictures(params), pictures(params, 1, 100, 50)
    beside = 300
    other = reference.draw.start(args=words(params, "memory", x=beside, y=300), stdin=PIPE)
    other.write(theirs[0].ppm)
    other.expect(lines(1, MEMORY))
    running = draw.start(args=words(params, "memory"), stdin=PIPE)
    under = [(theirs[0], beside, 300)]
    shown_one_by_one(running, there, "clients", params, MEMORY, mine[:1], under=under)
    assert len(desk.sysv_shm(nattch=2).facts) == 2, "there are not two segments with two processes each"
    other.signal(SIGKILL)
    other.wait()
    shown_one_by_one(running, there, "clients", params, MEMORY, mine, first=2, under=under)
    running.signal(SIGKILL)
    running.wait()
    desk.sysv_shm().wait_gone(SOON_S)


@check(
    points=1,
    hint="A server that goes away: end of file for recv(), EPIPE and SIGPIPE for send(). On which of your ways out "
    "does the segment stay?",
    needs=[SHARES, SERVES],
)
def test_a_server_that_goes_away(draw, impostor, params, desk):
    """If the server closes the connection, whenever that is, draw says so, leaves no segment and exits with 1."""
    given = b"".join(one.ppm for one in pictures(params, 2, 90, 70))
    for way, when in (
        ("socket", "CreateGC"),
        ("socket", "PutImage"),
        ("memory", "ShmAttach"),
        ("memory", "ShmPutImage"),
    ):
        ours = impostor(f"leave={when}")
        draw.run(args=words(params, way), stdin=given).refused(1)
        desk.sysv_shm().wait_gone(SOON_S)
        ours.leave()
    ours = impostor()
    running = draw.start(args=words(params, "socket"), stdin=PIPE)
    running.write(given[: len(given) // 2])
    running.expect(lines(1, SOCKET))
    ours.leave()
    running.write(given[len(given) // 2 :])
    assert running.wait().exited(1).stdout == lines(1, SOCKET)


@check(
    points=1,
    hint="The first byte of each answer says what it is. After a 0 comes the reason why it refuses you, or the number "
    "of an error. Which depth has the root window?",
    needs=[DRAWS, SERVES],
)
def test_what_the_server_refuses_is_said(draw, desk, island, impostor, screen, params):
    """Not let in, another depth, an error, nobody there: draw says why, in the server's own words, and exits with 1."""
    picture = pictures(params, 1, 90, 70)[0].ppm
    strict = screen(desk, options=())
    refused = draw.at("beta/main").run(args=words(params, "socket", "desk"), stdin=picture).refused(1)
    assert b"uthorization" in refused.stderr, "it does not say the server's reason"
    strict.leave()
    coarse = screen(desk, depth=16)
    draw.run(args=words(params, "socket"), stdin=picture).refused(1)
    coarse.leave()
    reason = f"Number {params.seed} is not on my list"
    ours = impostor(f"refuse={reason}")
    assert reason.encode() in draw.run(args=words(params, "socket"), stdin=picture).refused(1).stderr
    ours.leave()
    ours = impostor("big")
    draw.run(args=words(params, "socket"), stdin=picture).refused(1)
    ours.leave()
    for way, request in (("socket", "PutImage"), ("memory", "ShmPutImage"), ("socket", "CreateGC")):
        ours = impostor(f"error={request}")
        draw.run(args=words(params, way), stdin=picture).refused(1)
        ours.leave()
    draw.run(args=words(params, "socket"), stdin=picture).refused(1)
    draw.at("island/solo").run(args=words(params, "socket", "desk"), stdin=picture).refused(1)


@check(
    points=1,
    hint="A picture counts when it is there as a whole. Usage errors are told apart by their status.",
    needs=[SERVES],
)
def test_what_is_no_picture_is_not_drawn(draw, impostor, params):
    """No picture, a broken one, or one of another size: exit status 1, and what came before is drawn. Usage: 2."""
    good, other = pictures(params, 1, 30, 20)[0], pictures(params, 1, 20, 30)[0]
    large = b"P6\n2001 1\n255\n" + bytes(3 * 2001)
    broken = (b"", b"P5\n1 1\n255\n0", b"P6\n1 1\n65535\n000000", good.ppm[:-1], b"P6\n0 9\n255\n", large)
    for given in (*broken, *(good.ppm + rest for rest in (b"x", other.ppm, good.ppm[:-1]))):
        ours = impostor()
        ended = draw.run(args=words(params, "socket", x=3, y=4), stdin=given).exited(1)
        ours.gone()
        drawn = given.startswith(good.ppm)
        assert ended.stdout == lines(int(drawn), SOCKET)
        assert ended.stderr, "nothing is said on standard error"
        ours.shows(*[(good, 3, 4)] * drawn)
        ours.leave()
    display = f":{params.display}"
    for wrong in (
        [],
        ["socket", display, "1"],
        ["socket", display, "1", "2", "3"],
        ["pipe", display, "1", "2"],
        ["socket", str(params.display), "1", "2"],
        ["socket", ":", "1", "2"],
        ["socket", ":1000", "1", "2"],
        ["socket", display, "-1", "2"],
        ["memory", display, "1", "10000"],
        ["memory", display, "x", "1"],
    ):
        draw.run(args=wrong, stdin=good.ppm).refused(2)
