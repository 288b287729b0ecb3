"""Checks of udp: what is sent and how often, what is answered, and what is done once, on a network that we are."""

import re
import struct
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest

from orchestrator.checks import PIPE, check

BOUND = "test_server_has_its_port"
NUMBERED = "test_each_line_has_a_number"
REQUESTS = "test_client_sends_requests"
NAMED = "test_each_client_has_a_name_of_its_own"
GIVES_UP = "test_client_asks_again_and_gives_up"
PICKY = "test_client_takes_only_its_answer"
ONCE = "test_server_does_a_request_once"
ANY_BYTES = bytes(byte for byte in range(256) if byte != ord("\n"))
"""Whatever a text may hold."""
MOST = 1000
KNOWN = 256
BATCH = 64
"""Datagrams that wait in a socket without being dropped."""
LONG_MS = 60_000
"""To wait so long is to wait for ever."""


@dataclass(frozen=True)
class Datagram:
    """One that came to a socket of ours, when and from where."""

    socket: str
    source: tuple[str, int]
    at_ns: int
    data: bytes

    @classmethod
    def of(cls, line):
        """The one that `post.py` has printed."""
        name, address, port, at_ns, data = line.split()
        return cls(name, (address, int(port)), int(at_ns), b"" if data == "-" else bytes.fromhex(data))

    @property
    def who(self):
        """What it says whose request it is."""
        return self.data[:4]


class Post:
    """Sockets of ours that send what they are told to and tell what comes."""

    def __init__(self, running):
        self.running = running
        self.got = 0

    def open(self, name, port=0):
        """Open a socket."""
        self.running.ask(f"open {name} {port}\n".encode())
        return self

    def send(self, name, to, data, command="send"):
        """Send a datagram; `to` is an address and a port."""
        self.running.write(f"{command} {name} {to[0]} {to[1]} {data.hex() or '-'}\n".encode())

    def flood(self, name, to, data):
        """Send a datagram again and again from now on."""
        self.send(name, to, data, "flood")

    def next(self):
        """The next datagram that comes to any of the sockets."""
        return self.take(1)[0]

    def take(self, count):
        """So many datagrams, as they come."""
        first, self.got = self.got + 1, self.got + count
        self.running.expect(b" end %d\n" % self.got, timeout_s=3)
        rows = dict(re.findall(rb"^got (\d+) (.+) end \1$", self.running.output().stdout, re.MULTILINE))
        return [Datagram.of(rows[b"%d" % number].decode()) for number in range(first, self.got + 1)]


@pytest.fixture
def servers(peer):
    """Our sockets on the server's host."""
    return Post(peer("beta/main", "post.py").start(stdin=PIPE))


@pytest.fixture
def clients(peer):
    """Our sockets on the clients' host."""
    return Post(peer("alpha/left", "post.py").start(stdin=PIPE))


def request(who, number, text=b""):
    """A request as it goes over the wire."""
    return struct.pack("!II", who, number) + text


def answer(to, line, number=None):
    """An answer to a request of somebody."""
    return to[:4] + (to[4:8] if number is None else struct.pack("!I", number)) + struct.pack("!I", line)


def bound(server, beta, params):
    """A running server that has its port."""
    running = server.start()
    beta.udp(port=params.port).wait(timeout_s=3)
    return running


def made_of(pids, names):
    """Whether names are process ids, all with the same number added to them, or the same bits turned over."""
    first = min(pids)
    return any(
        names in ({pid ^ first ^ one for pid in pids}, {(pid - first + one) % 2**32 for pid in pids}) for one in names
    )


class Server:
    """The server as one of our sockets sees it."""

    def __init__(self, running, post, name, to):
        self.running = running
        self.post = post
        self.name = name
        self.to = to
        post.open(name)

    def tell(self, data):
        """Send it a datagram."""
        self.post.send(self.name, self.to, data)

    def answered(self, data, line):
        """Whether it answers this request with this line, and nothing that came before with anything."""
        self.tell(data)
        got = self.post.next()
        return (got.socket, got.data) == (self.name, answer(data, line))

    def prints(self, expected):
        """Whether it has printed this by now, and nothing else: what it prints comes before its answer."""
        self.running.expect(expected)
        return self.running.output().stdout == expected


@check(
    points=1,
    hint="`ss -uan` on beta shows address and port. Who can reach 127.0.0.1? Which byte of a port comes first? And a "
    "server that has nothing to do is in recvfrom().",
)
def test_server_has_its_port(server, beta, params):
    """The server takes datagrams on PORT of every address of its host, and sleeps while none comes."""
    running = bound(server, beta, params)
    sockets = beta.udp(port=params.port).facts
    assert {one.local.ip for one in sockets} <= {"0.0.0.0", "::"}, f"it is at {sockets[0].local.ip}"
    running.sleeps()


@check(
    points=2,
    hint="A request is one datagram: one send(). htonl() and ntohl(); random numbers come from getrandom(). A text may "
    "hold any byte: who counts its bytes?",
)
def test_client_sends_requests(client, servers, params):
    """The client sends each line, of any bytes, in one datagram of the right form, and prints the LINE that comes."""
    servers.open("ours", params.port)
    talking = client.start(stdin=PIPE, wait=LONG_MS)
    who = None
    lines = (params.text.encode(), b"", ANY_BYTES, b"x" * MOST)
    for number, text in enumerate(lines, 1):
        talking.write(text + b"\n")
        got = servers.next()
        who = who or got.who
        assert got.data == who + struct.pack("!I", number) + text
        servers.send("ours", got.source, answer(got.data, params.line - number))
        talking.expect(b"%d\n" % (params.line - number))
    talking.close_stdin()
    assert talking.wait().exited(0).stdout == b"".join(b"%d\n" % (params.line - n) for n in range(1, len(lines) + 1))


@check(
    points=1,
    hint="Four clients started at once have the same time. What else could tell them apart, on any host?",
    needs=[REQUESTS],
)
def test_each_client_has_a_name_of_its_own(client, servers, params):
    """Clients that start at the same moment have different CLIENTs, which are not made of process ids either."""
    servers.open("ours", params.port)
    started = [client.start(stdin=f"{params.text}\n".encode(), wait=LONG_MS) for _ in range(4)]
    names = [servers.next().who for _ in started]
    assert len(set(names)) == len(names), "two clients have the same CLIENT"
    pids = {running.pid for running in started}
    for order in ("big", "little"):
        numbers = {int.from_bytes(name, order) for name in names}
        assert not pids & numbers, "CLIENT is a process id"
        assert not made_of(pids, numbers), "CLIENT is made of the process id"


@check(
    points=1,
    hint="`strace -e trace=network` on both sides. Is what is printed seen at once, when standard output is a pipe? "
    "Who counts the lines, each client or the server?",
    needs=[BOUND, NAMED],
)
def test_each_line_has_a_number(server, client, beta, params):
    """The server prints each line with its number, the clients print the numbers, at once, of an empty line, too."""
    text, more = params.text.encode(), params.more.encode()
    running = bound(server, beta, params)
    talking = client.start(stdin=PIPE)
    talking.write(text + b"\n")
    talking.expect(b"1\n")
    running.expect(b"1 %s\n" % text)
    assert client.run(stdin=b"%s\n%s\n\n" % (more, more)).exited(0).stdout == b"2\n3\n4\n"
    talking.write(more + b"\n")
    talking.close_stdin()
    assert talking.wait().exited(0).stdout == b"1\n5\n"
    expected = b"1 %s\n2 %s\n3 %s\n4 \n5 %s\n" % (text, more, more, more)
    running.expect(expected)
    assert running.output().stdout == expected


@check(
    points=2,
    hint="`strace -r` shows the time between two calls. What is sent again must be the same, byte for byte: what does "
    "the server take it for if it is not? poll(2) waits, and takes no processor.",
    needs=[REQUESTS],
)
def test_client_asks_again_and_gives_up(client, servers, params):
    """Without an answer the client sends the same datagram after WAIT ms, TRIES times in all, and exits with 1."""
    servers.open("ours", params.port)
    line = f"{params.text}\n".encode()
    waiting = client.start(stdin=line, wait=LONG_MS)
    servers.next()
    waiting.sleeps()
    for wait_ms, tries in ((50, params.tries + 2), (250, 2)):
        client.run(stdin=line + line, wait=wait_ms, tries=tries).refused(1)
        sent = [servers.next() for _ in range(tries)]
        assert {one.data for one in sent} == {sent[0].data}, "not all of its datagrams were the same"
        apart_ms = [(after.at_ns - before.at_ns) / 1e6 for before, after in pairwise(sent)]
        waited_ms = min(apart_ms)
        assert 0.9 * wait_ms < waited_ms < 10 * wait_ms, f"WAIT was {wait_ms} ms, and it waited {waited_ms:.0f} ms"
    _nothing_more(servers, params)


def _nothing_more(post, params):
    """Check that no datagram has come but those that were looked at."""
    post.open("probe")
    post.send("probe", ("127.0.0.1", params.port), b"last")
    assert post.next().data == b"last", "it sent more datagrams than TRIES"


@check(
    points=2,
    hint="An answer may come twice, or when nobody waits for it any more. Anybody can send a datagram to your socket: "
    "what does connect() do to one of UDP? And how long is a datagram that is longer than your buffer?",
    needs=[REQUESTS],
)
def test_client_takes_only_its_answer(client, servers, params):
    """Answers to other requests, to other clients, from another port, or of another length are none."""
    servers.open("ours", params.port).open("other")
    talking = client.start(stdin=f"{params.text}\n{params.more}\n".encode(), wait=LONG_MS)
    got = servers.next()
    right = answer(got.data, params.line)
    servers.send("other", got.source, answer(got.data, 1))
    others = (
        answer(bytes(byte ^ 1 for byte in got.who) + got.data[4:], 2),
        answer(got.data, 3, number=0),
        answer(got.data, 4, number=2),
        answer(got.data, 5)[:-1],
        answer(got.data, 6) + b"\0",
        answer(got.data, 7) + bytes(2000),
        b"",
    )
    for data in (*others, right, right):
        servers.send("ours", got.source, data)
    talking.expect(b"%d\n" % params.line)
    again = servers.next()
    assert again.data == got.who + struct.pack("!I", 2) + params.more.encode()
    servers.send("ours", again.source, right)  # late, and for the third time
    servers.send("ours", again.source, answer(again.data, params.line + 1))
    assert talking.wait().exited(0).stdout == b"%d\n%d\n" % (params.line, params.line + 1)


@check(
    points=1,
    hint="Whoever waits for a time anew after each datagram waits for ever when datagrams keep coming. Until when may "
    "you wait? clock_gettime(2) with CLOCK_MONOTONIC.",
    needs=[GIVES_UP, PICKY],
)
def test_other_datagrams_make_the_wait_no_longer(client, servers, params):
    """While a thousand datagrams a second come that are no answer, the client asks again, and gives up, in time."""
    servers.open("ours", params.port)
    talking = client.start(stdin=f"{params.text}\n".encode(), wait=250, tries=2)
    got = servers.next()
    servers.flood("ours", got.source, answer(got.data, params.line, number=0))
    assert servers.next().data == got.data, "what it sent again is something else"
    talking.wait().refused(1)


@check(
    points=2,
    hint="What does the server have to remember of a client, to know a request that it has done? And why is it not "
    "enough to drop that?",
    needs=[BOUND],
)
def test_server_does_a_request_once(server, clients, beta, params):
    """The last request that comes again is answered again and done once; older ones and later ones are dropped."""
    ours = Server(bound(server, beta, params), clients, "ours", (beta.ipv4, params.port))
    first, second = (request(params.who, n, text.encode()) for n, text in ((1, params.text), (2, params.more)))
    for _ in range(3):
        assert ours.answered(first, 1), "its answer to request 1, thrice"
    assert ours.answered(second, 2)
    for number in (1, 4, 0, 3 << 24):
        ours.tell(request(params.who, number, b"not this"))
    assert ours.answered(second, 2), "what it answered after requests with other numbers"
    assert ours.answered(request(params.who, 3, b"third"), 3)
    assert ours.prints(f"1 {params.text}\n2 {params.more}\n3 third\n".encode())


@check(
    points=1,
    hint="A datagram of no bytes is no end of file. What does recvfrom() give when the datagram is longer than the "
    'buffer, and who tells you? printf("%s") ends where a text has a zero byte.',
    needs=[ONCE],
)
def test_server_drops_what_is_no_request(server, clients, beta, params):
    """Datagrams of 0, 7 and 1009 bytes do nothing; one of 8 bytes is a request, and so is one of 1008, of any bytes."""
    ours = Server(bound(server, beta, params), clients, "ours", (beta.ipv4, params.port))
    longest = (ANY_BYTES * 4)[:MOST]
    assert ours.answered(request(params.who ^ 1, 1, b"z"), 1)
    for data in (
        b"",
        request(params.who, 1)[:7],
        request(params.who, 1, longest + b"x"),
        request(params.who, 1, b"y" * 3000),
    ):
        ours.tell(data)
    assert ours.answered(request(params.who, 1, longest), 2)
    assert ours.answered(request(params.who, 2), 3)
    assert ours.prints(b"1 z\n2 %s\n3 \n" % longest)


@check(
    points=1,
    hint="Which client a request is from is in the request: it may come from another port the next time, and two may "
    "come from the same.",
    needs=[ONCE],
)
def test_server_knows_many_clients(server, clients, beta, params):
    """256 clients have numbers of their own; a client is who its CLIENT says, also when it asks from another port."""
    to = (beta.ipv4, params.port)
    running = bound(server, beta, params)
    ours, other = Server(running, clients, "ours", to), Server(running, clients, "other", to)
    names = Random(params.who).sample(range(1, 1 << 32), KNOWN)
    lines = {who: line for line, who in enumerate(names, 1)}
    for begin in range(0, KNOWN, BATCH):
        batch = [(request(who, 1, b"a"), lines[who]) for who in names[begin : begin + BATCH]]
        for data, _ in batch:
            ours.tell(data)
        assert [got.data for got in clients.take(BATCH)] == [answer(data, line) for data, line in batch]
    for line, who in enumerate(names[:3] + names[-3:], KNOWN + 1):
        assert other.answered(request(who, 1, b"a"), lines[who]), "its answer to a request that it has done"
        assert other.answered(request(who, 2, b"b"), line)
        assert ours.answered(request(who, 2, b"b"), line), "its answer to where the request came from this time"
    ours.tell(request(params.who, 2, b"a stranger"))
    assert ours.answered(request(names[0], 3), KNOWN + 7), "a client that begins with request 2 was heard"


class Relay:
    """A network between client and server that is as bad as it is told to be: what comes is passed on by hand."""

    def __init__(self, post, params, server):
        self.post = post.open("door", params.door).open("wire")
        self.server = server

    def take(self, number):
        """The next datagram from the client that is this request, or the first of what comes if it is another one."""
        while True:
            got = self.post.next()
            if got.socket == "door" and got.data[4:8] >= struct.pack("!I", number):
                assert got.data[4:8] == struct.pack("!I", number), f"a request with another number than {number}"
                return got

    def deliver(self, asked):
        """What the server answers when it gets this request; the client does not have that yet."""
        self.drop(asked)
        while True:
            got = self.post.next()
            if got.socket == "wire":
                return got.data

    def drop(self, asked):
        """Give the server a request that it does not answer."""
        self.post.send("wire", self.server, asked.data)

    def give(self, asked, data):
        """Let the client have an answer."""
        self.post.send("door", asked.source, data)


@check(
    points=3,
    hint="Draw what is lost and what comes twice on paper: the figure in the brief is a beginning. Which of the two "
    "knows what, at each moment?",
    needs=[NUMBERED, PICKY, ONCE],
)
def test_a_network_that_loses_doubles_and_overtakes(server, client, servers, beta, params):
    """Through a relay that loses requests and answers, doubles them and keeps them back, each line counts once."""
    running = bound(server, beta, params)
    relay = Relay(servers, params, (beta.ipv4, params.port))
    talking = client.start(stdin=PIPE, port=params.door, wait=100, tries=100, timeout_s=8)

    talking.write(f"{params.text}\n".encode())
    relay.take(1)  # the request is lost
    late = relay.take(1)
    relay.deliver(late)  # the answer is lost
    asked = relay.take(1)
    first = relay.deliver(asked)
    relay.give(asked, first)
    talking.expect(b"1\n")

    talking.write(f"{params.more}\n".encode())
    asked = relay.take(2)
    relay.give(asked, relay.deliver(late))  # one that was overtaken, and its answer
    for second in [relay.deliver(asked), relay.deliver(asked)]:  # doubled
        relay.give(asked, second)
    talking.expect(b"2\n")

    talking.write(b"third\n")
    asked = relay.take(3)
    relay.drop(late)
    for again in (second, first):
        relay.give(asked, again)
    third = relay.deliver(asked)  # the answer is kept back until the client has asked once more
    relay.give(relay.take(3), third)
    talking.close_stdin()
    assert talking.wait().exited(0).stdout == b"1\n2\n3\n"
    expected = f"1 {params.text}\n2 {params.more}\n3 third\n".encode()
    running.expect(expected)
    assert running.output().stdout == expected


@check(
    points=1,
    hint="Our programs keep to the contract by the letter: numbers of four bytes, the most significant byte first.",
    needs=[ONCE],
)
def test_both_work_with_our_programs(server, client, reference, beta, params):
    """Our client has its lines numbered by the server, and the client by ours."""
    given = f"{params.text}\n".encode() + b"x" * MOST + b"\n\n"
    running = bound(server, beta, params)
    assert reference.client.run(stdin=given).exited(0).stdout == b"1\n2\n3\n"
    running.expect(b"1 %s\n2 %s\n3 \n" % (params.text.encode(), b"x" * MOST))
    running.kill()
    beta.udp(port=params.port).wait_gone()

    ours = bound(reference.server, beta, params)
    assert reference.client.run(stdin=b"ours\n").exited(0).stdout == b"1\n"
    assert client.run(stdin=given).exited(0).stdout == b"2\n3\n4\n"
    ours.expect(b"1 ours\n2 %s\n3 %s\n4 \n" % (params.text.encode(), b"x" * MOST))


@check(
    points=1,
    hint="Which calls can fail here, and what does bind() return when somebody has the port? argc is the number of "
    "arguments and one more. Who counts the bytes of a line before they are sent?",
    needs=[BOUND, GIVES_UP],
)
def test_what_can_not_be_done_is_said(server, client, reference, ablated, servers, beta, params):
    """No way to the server, nobody at the port, a port that is taken, too long a line: 1. Wrong arguments: 2."""
    line = f"{params.text}\n".encode()
    ablated.client.run(stdin=line).refused(1)
    client.run(stdin=line, wait=50, tries=2).refused(1)
    servers.open("ours", params.port)
    client.run(stdin=b"x" * (MOST + 1) + b"\n").refused(1)
    _nothing_more(servers, params)
    server.run().refused(1)

    address, port, wait, tries = beta.ipv4, str(params.port), str(params.wait), str(params.tries)
    for args in ([], [port, port], ["port"], ["0"], ["65536"]):
        server.run(args=args).refused(2)
    for args in (
        [],
        [address, port, wait],
        [address, port, wait, tries, tries],
        [address, "port", wait, tries],
        [address, port, "0", tries],
        [address, port, wait, "x"],
    ):
        client.run(args=args).refused(2)
