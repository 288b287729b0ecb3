"""Checks of raw: what is on the wire, and which of many packets the program takes for its reply."""

import re
import struct
import time
from ipaddress import ip_address
from signal import SIGINT

import pytest

from orchestrator.checks import PIPE, Contains, check

ON_THE_WIRE = "test_request_on_the_wire"
REPLIES = "test_reply_is_printed"
ICMP_AT = 20
"""Behind an IP header without options."""
MOST_WAKES = 4
"""Once at the end of its second, and what belongs to starting and ending."""
LIES = ("id", "sequence", "text", "checksum", "type", "short", "long", "source")


def reply(address, params, ttl):
    """The line that it prints."""
    return f"reply from {address}: id {params.id} seq {params.sequence} ttl {ttl} text {params.text}\n".encode()


def checksum(data):
    """0 when the checksum in `data` is right: RFC 1071."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@pytest.fixture
def silent(alpha):
    """An address of the network that no host has."""
    return str(ip_address(alpha.ipv4) + 6)


@pytest.fixture
def liar(peer, silent, params, alpha):
    """Somebody who sends replies as from the silent address."""
    started = peer("beta/main", "liar.py", silent, alpha.ipv4, "{id}", "{sequence}", "{text}", grants=["net_raw"])
    return started.start(stdin=PIPE)


def told(liar, what):
    """Have the liar send something."""
    liar.ask(f"{what}\n".encode(), until=f"sent {what}\n".encode())


def waiting(running, alpha):
    """The program, once it sleeps with its socket open: before that it sleeps while the pages of its own file come."""
    return alpha.processes(pid=running.pid).wait(state="S", fds=Contains({"kind": "socket"}))


def captured(tool, run):
    """The IPv4 packets with ICMP in them that beta's witness saw while `run` ran."""
    words = ("-i", "any", "-n", "-x", "-l", "icmp", "and", "inbound")
    witness = tool("beta/main", "tcpdump", *words, grants=["net_raw"]).start()
    witness.expect(b"listening on", stream="stderr")
    run()
    witness.expect(b"0x0010:")
    witness.signal(SIGINT)
    shown = witness.wait().stdout.decode()
    packets = []
    for line in shown.splitlines():
        row = re.match(r"\s+0x([0-9a-f]{4}):((?: +[0-9a-f]{2,4})+)", line)
        if row and row[1] == "0000":
            packets.append("")
        if row:
            packets[-1] += row[2].replace(" ", "")
    return [bytes.fromhex(packet) for packet in packets]


@check(
    points=2,
    hint="`tcpdump -n -x icmp` as root in a shell of beta shows the bytes. The first four of ICMP are type, code and "
    "checksum, big-endian like all numbers in packets; RFC 1071 computes the checksum.",
)
def test_request_on_the_wire(icmp, tool, params):
    """What arrives on beta is one echo request with ID, SEQUENCE and TEXT in it and a right checksum."""
    packets = captured(tool, lambda: icmp.run(timeout_s=2))
    assert packets, "no ICMP packet arrived"
    message = packets[0][ICMP_AT : struct.unpack("!H", packets[0][2:4])[0]]
    kind, code, _, number, sequence = struct.unpack("!BBHHH", message[:8])
    assert (kind, code) == (8, 0), "it is no echo request: type and code"
    assert number == params.id, "its identifier"
    assert sequence == params.sequence, "its sequence number"
    assert message[8:] == params.text.encode(), "its payload"
    assert checksum(message) == 0, "its checksum is wrong"
    assert len(packets) == 1, "more than one packet arrived"


@check(
    points=1,
    hint="The checksum's last word, and its carries: try texts of odd and even length, and of many bytes. The kernel "
    "of beta does not answer to a wrong checksum.",
)
def test_reply_is_printed(icmp, beta, params):
    """The kernel of beta answers, whatever the length of TEXT, and the program prints the reply and exits with 0."""
    assert icmp.run().exited(0).stdout == reply(beta.ipv4, params, 64)
    for text in ("x", "~" * 1000, "\x7f" * 999):
        printed = icmp.run(text=text).exited(0).stdout
        assert printed.endswith(f" text {text}\n".encode()), f"with a text of {len(text)} characters"


@check(
    points=2,
    hint="Every ICMP packet for this host comes to your socket. What must hold of one before it is the reply to *your* "
    "request? Count: source, type, identifier, sequence, length, payload, checksum.",
    needs=[ON_THE_WIRE],
)
def test_of_many_packets_only_the_reply_counts(icmp, liar, alpha, silent, params):
    """Eight packets that are not quite the reply are passed over; the ninth is it, and its time to live is printed."""
    told(liar, "id")  # from now on it sends at once what it is told: the program waits for a second only
    running = icmp.start(args=[silent, str(params.id), str(params.sequence), params.text])
    waiting(running, alpha)
    liar.write("".join(f"{what}\n" for what in (*LIES, "right")).encode())
    assert running.wait().exited(0).stdout == reply(silent, params, 17)


@check(
    points=1,
    hint="A second from the request on, and not from the last packet: how much of it is left? And between two packets "
    "your program has nothing to do.",
    needs=[ON_THE_WIRE],
)
def test_it_waits_a_second_and_no_longer(icmp, liar, alpha, silent, params):
    """Nobody answers: it sleeps, gives up after a second though other packets come, says so and exits with 3."""
    words = [silent, str(params.id), str(params.sequence), params.text]
    quiet = icmp.start(args=words)
    before = waiting(quiet, alpha).voluntary_switches
    ended = quiet.wait().refused(3).idle(0.1)
    woke = ended.voluntary_switches - before
    assert woke <= MOST_WAKES, f"it woke up {woke} times within the second for which it waited"

    running = icmp.start(args=words)
    most_s = time.monotonic() + running.allowed_s
    while running.alive:
        assert time.monotonic() < most_s, "as long as other packets come it does not give up"
        told(liar, "id")
    ended = running.wait().refused(3)
    assert ended.wall_s >= 0.9, f"it gave up after {ended.wall_s:.2f} s"


@check(
    points=1,
    hint="Which call is refused, and with which errno? capabilities(7) has the name of what is missing.",
    needs=[REPLIES],
)
def test_without_the_capability_it_says_so(icmp, params):
    """Without CAP_NET_RAW there is no raw socket: it says so, prints nothing and exits with 1."""
    failed = icmp.without_grants().run().refused(1)
    assert b"not permitted" in failed.stderr, "it does not say what the kernel said"
    icmp.run().exited(0)


@check(
    points=1,
    hint="What does sendto() return where no way leads to an address? Wrong arguments are told before one is sent.",
    needs=[REPLIES],
)
def test_what_can_not_be_done_is_said(icmp, ablated, beta, params):
    """Wrong arguments end with 2 and a usage line; without a way to the address it says so and exits with 1."""
    ablated.icmp.run().refused(1)
    number, sequence = str(params.id), str(params.sequence)
    for words in ([], [beta.ipv4], ["beta", number, sequence, "x"], [beta.ipv4, "65536", sequence, "x"],
                  [beta.ipv4, number, "-1", "x"], [beta.ipv4, number, sequence, "x" * 1001]):  # fmt: skip
        icmp.run(args=words).refused(2)
