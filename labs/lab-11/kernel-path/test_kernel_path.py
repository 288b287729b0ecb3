"""Checks of kernel-path: what the program says that each layer counted, against what we read at the same layers."""

import re
import time
from collections import Counter
from dataclasses import dataclass
from signal import SIGINT

import pytest

from orchestrator.checks import PIPE, Ge, check

SOON_S = 5.0
FEW_PACKETS, FEW_BYTES = 12, 1500
"""What others may send between our look and the program's: an address is asked for, a neighbour is greeted."""
NOISE, NOISE_BYTES = 300, 200
LOOKS_PER_S, MORE_LOOKS = 1000, 20
"""As often may it look in a second whether all is acknowledged, and so much more may our counting be wrong."""
WATCHED_S = 0.1
ASKS_AGAIN = re.compile(
    r"^(?:\[pid +\d+\] )?(?:ioctl|getsockopt|openat|read|pread64|recv\w*)\(.*\n"
    r"(?:.*\n)*?(?:\[pid +\d+\] )?(?:\w*nanosleep|p?poll|p?select6?|epoll_\w+)\(",
    re.MULTILINE,
)
"""In a trace: it asks the kernel something, and sleeps after that."""
REPORTED_S = 0.1
"""Who waits for nothing has told by then what was sent so far."""
DEVICE = "eth0"
TELLS = "test_tcp_counts_this_connection"
BELOW = "test_ip_and_devices_count_packets"


@dataclass(frozen=True)
class Amount:
    """How many calls, segments or packets, and how many bytes in them."""

    number: int
    size: int

    def __sub__(self, before):
        return Amount(self.number - before.number, self.size - before.size)


def report(text):
    """The lines that it prints after a transfer: name to amount."""
    lines = text.decode().splitlines()
    assert lines[-1:] == ["done"], f"its report does not end with the line `done`: {lines}"
    found = {}
    for line in lines[lines[0] == "ready" : -1]:
        told = re.fullmatch(r"(socket|tcp|ip|device [^ ]+) (\d+) (\d+)", line)
        assert told, f"this is no line of a report: '{line}'"
        assert told[1] not in found, f"`{told[1]}` is there twice"
        found[told[1]] = Amount(int(told[2]), int(told[3]))
    order = [name.split()[0] for name in found]
    assert order[:3] == ["socket", "tcp", "ip"], f"its lines begin with {', '.join(order)}"
    return found


class Layers:
    """What the kernel of a host counts, as we see it."""

    def __init__(self, host, port):
        self.host = host
        self.port = port

    def tcp(self):
        """Segments with data and bytes in them, of the connection to the sink."""
        shown = self.host.run("ss -tinH state established dport = :%s", str(self.port)).stdout
        assert shown, "there is no connection any more"
        values = dict(re.findall(r"\b(data_segs_out|bytes_sent):(\d+)", shown))
        return Amount(int(values.get("data_segs_out", 0)), int(values.get("bytes_sent", 0)))

    def below(self):
        """IPv4 and each device: what was sent."""
        shown = self.host.run("cat /proc/net/snmp /proc/net/netstat /proc/net/dev").stdout
        tables = re.findall(r"^(\w+): (.*)\n\1: (.*)$", shown, flags=re.MULTILINE)
        ip = {protocol: dict(zip(names.split(), values.split(), strict=True)) for protocol, names, values in tables}
        found = {"ip": Amount(int(ip["Ip"]["OutRequests"]), int(ip["IpExt"]["OutOctets"]))}
        for name, numbers in re.findall(r"^ *(\S+): +((?:\d+ +){15}\d+)$", shown, flags=re.MULTILINE):
            fields = numbers.split()
            found[f"device {name}"] = Amount(int(fields[9]), int(fields[8]))
        return found


@dataclass(frozen=True)
class Round:
    """A transfer: what the program told of it, and what we saw."""

    told: dict
    tcp: Amount
    below: dict


class Meter:
    """A running gauge, which is connected to a sink, and the layers below it."""

    def __init__(self, running, sink, layers):
        self.running = running
        self.sink = sink
        self.layers = layers
        running.expect(b"ready\n")
        sink.expect(b"connected\n")

    def transfer(self, count, size, how):
        """One transfer, measured."""
        tcp, below = self.layers.tcp(), self.layers.below()
        told = report(self.running.ask(self.line(count, size, how), until=b"done\n"))
        after = self.layers.below()
        return Round(told, self.layers.tcp() - tcp, {name: amount - below[name] for name, amount in after.items()})

    @staticmethod
    def line(count, size, how):
        """The command."""
        return f"{count} {size} {how}\n".encode()

    def end(self, size):
        """Check that it ends well and that the sink has got so many bytes."""
        self.running.close_stdin()
        self.running.wait().exited(0)
        assert b"got %d\n" % size in self.sink.wait().exited(0).stdout, "not all has arrived"


@pytest.fixture
def meter(gauge, peer, alpha, params):
    """Starts a gauge and a sink that it sends to."""

    def start(how="open", place="beta/main", address=None):
        sink = peer(place, "sink.py", "{port}", how).start(stdin=PIPE, until=b"ready\n")
        words = {"args": [address, str(params.port)]} if address else {}
        return Meter(gauge.start(stdin=PIPE, **words), sink, Layers(alpha, params.port))

    return start


def near(told, seen, what):
    """Check that what it told is what we saw, but for what others sent between our looks and its own."""
    assert told.number <= seen.number, f"{what}: {told.number} packets, where only {seen.number} were sent"
    assert told.size <= seen.size, f"{what}: {told.size} bytes, where only {seen.size} were sent"
    assert told.number >= seen.number - FEW_PACKETS, f"{what}: {told.number} packets, where {seen.number} were sent"
    assert told.size >= seen.size - FEW_BYTES, f"{what}: {told.size} bytes, where {seen.size} were sent"


@check(
    points=2,
    hint="getsockopt(TCP_INFO) has it, `ss -tin` shows it: data_segs_out, bytes_sent. They count from the connection's "
    "beginning. Which struct tcp_info has these fields, the one of <netinet/tcp.h> or that of <linux/tcp.h>?",
)
def test_tcp_counts_this_connection(meter, alpha, beta, params):
    """`tcp` tells how many segments with data, and bytes in them, the connection has sent for this transfer."""
    held = meter("shut")
    tcp, total = held.layers.tcp(), 200 * 100
    held.running.write(held.line(200, 100, "plain"))
    there = beta.tcp(port=params.port, state="established")
    all_taken(alpha.tcp(remote__port=params.port), there, total)
    time.sleep(REPORTED_S)
    held.sink.write(b"open\n")
    held.running.expect(b"done\n")
    assert report(held.running.output().stdout)["tcp"] == held.layers.tcp() - tcp, "not all had been sent by then"
    held.end(total)
    running = meter()
    sent = 0
    for count, size, how in ((params.count, params.size, "nodelay"), (params.count, 65536, "plain"), (3, 1, "plain")):
        seen = running.transfer(count, size, how)
        assert seen.told["tcp"] == seen.tcp, f"the kernel has counted {seen.tcp}"
        assert seen.told["socket"].size == count * size, "the bytes that the socket took"
        sent += count * size
    running.end(sent)


@check(
    points=2,
    hint="`strace -f -e trace=network,write -p PID`: how often do you call, and with how many bytes? tcp(7) has "
    "TCP_NODELAY and TCP_CORK. An option stays set until it is set anew.",
    needs=[TELLS],
)
def test_each_piece_is_one_call(meter, peer, params):
    """`socket` tells how many calls sent something: one for each piece, and with the options that HOW asks for."""
    running = meter()
    tracer = peer("alpha/left", "tracer.py", str(running.running.pid), root=True).start()
    tracer.expect(b"attached", stream="stderr")
    wanted = []
    for count, how in ((params.count, "nodelay"), (5, "plain"), (params.count + 1, "cork"), (7, "nodelay")):
        told = running.transfer(count, params.size, how).told["socket"]
        assert told == Amount(count, count * params.size), f"{count} pieces of {params.size} bytes were to be sent"
        wanted.append((count, how))
    running.end(params.size * sum(count for count, _ in wanted))
    check_trace(tracer.wait().stderr.decode(), params.size, wanted)


def check_trace(trace, size, wanted):
    """Check the calls of each transfer; the program's report ends each."""
    options = Counter()
    pieces = 0
    for line in trace.splitlines():
        if option := re.search(r"TCP_(NODELAY|CORK), \[(\d+)\]", line):
            options[option[1]] = int(option[2])
        if re.search(rf"\b(write|sendto|sendmsg|writev)\((?!1,).* = {size}$", line):
            pieces += 1
            _, how = wanted[0]
            assert options["NODELAY"] == (how == "nodelay"), (
                f"TCP_NODELAY is {options['NODELAY']} for a piece of `{how}`"
            )
            assert options["CORK"] == (how == "cork"), f"TCP_CORK is {options['CORK']} for a piece of `{how}`"
        if wanted and pieces == wanted[0][0]:
            wanted = wanted[1:]
            pieces = 0
    assert not wanted and not pieces, f"strace saw {pieces} calls that sent {size} bytes in a transfer of {wanted}"


@check(
    points=2,
    hint="/proc/net/snmp and /proc/net/netstat have a line of names above each line of numbers; /proc/net/dev has a "
    "line for each device. They count from the start of the host. Which of the columns are about sending?",
    needs=[TELLS],
)
def test_ip_and_devices_count_packets(meter, params):
    """`ip` and `device` tell how many packets and bytes the host has sent meanwhile, headers included."""
    running = meter()
    sent = 0
    for count, size, how in ((params.count, 1400, "nodelay"), (params.count, 40000, "plain")):
        seen = running.transfer(count, size, how)
        near(seen.told["ip"], seen.below["ip"], "ip")
        assert f"device {DEVICE}" in seen.told, f"there is no line about the device {DEVICE}"
        near(seen.told[f"device {DEVICE}"], seen.below[f"device {DEVICE}"], DEVICE)
        idle = [name for name, amount in seen.told.items() if amount.number == 0]
        assert not idle, f"`{idle[0]}` has sent nothing and is told all the same"
        sent += count * size
    running.end(sent)


@check(
    points=1,
    hint="Which way do packets take to an address of the same host? `ip route get ADDRESS`. And who sends the answers?",
    needs=[BELOW],
)
def test_the_own_address_is_behind_another_device(meter, alpha, params):
    """To an address of the host itself all goes over the device lo, and what the other end answers counts, too."""
    running = meter(place="alpha/right", address=alpha.ipv4)
    seen = running.transfer(params.count, params.size, "nodelay")
    assert "device lo" in seen.told, "there is no line about the device lo"
    near(seen.told["device lo"], seen.below["device lo"], "lo")
    near(seen.told["ip"], seen.below["ip"], "ip")
    assert seen.told["tcp"] == seen.tcp, f"the kernel has counted {seen.tcp}"
    running.end(params.count * params.size)


@check(
    points=2,
    hint="Three of the counters are whose: the connection's, the host's, the device's? Read them again, before and "
    "after; nothing that you compute from the others can know what somebody else sends, IPv6 for one.",
    needs=[TELLS],
)
def test_what_others_send_counts_below_tcp(meter, peer, alpha, params):
    """What somebody else sends meanwhile counts for `device`, if it is IPv4 for `ip`, not for `tcp` and `socket`."""
    running = meter("shut")
    tcp, below = running.layers.tcp(), running.layers.below()
    running.running.write(running.line(2000, 4000, "plain"))
    alpha.tcp(remote__port=params.port).wait(send_queue=Ge(20000), timeout_s=SOON_S)
    for address in ("{beta.ipv4}", "{beta.ipv6}"):
        peer("alpha/right", "noise.py", address, "9", str(NOISE), str(NOISE_BYTES)).run().exited(0)
    running.sink.write(b"open\n")
    running.running.expect(b"done\n")
    told = report(running.running.output().stdout)
    after = running.layers.below()
    for name, noise in (("ip", NOISE), (f"device {DEVICE}", 2 * NOISE)):
        assert told[name].number >= noise, f"`{name}` does not tell of the packets that somebody else has sent"
        near(told[name], after[name] - below[name], name)
    assert told["tcp"] == running.layers.tcp() - tcp
    assert told["socket"].size == 2000 * 4000
    running.end(2000 * 4000)


@check(
    points=2,
    hint="send() has done its work when the bytes are in the socket's buffer. ioctl SIOCOUTQ, tcp(7), and the column "
    "Send-Q of `ss -tn` tell how many of them the other end has not acknowledged.",
    needs=[TELLS],
)
def test_it_waits_until_all_is_acknowledged(meter, peer, alpha, beta, params):
    """While bytes are taken but not acknowledged, it asks, sleeps a millisecond, asks again, and does not report."""
    running = meter("shut")
    tcp, total = running.layers.tcp(), 200 * 100
    running.running.write(running.line(200, 100, "plain"))
    there = beta.tcp(port=params.port, state="established")
    here = alpha.tcp(remote__port=params.port)
    all_taken(here, there, total)
    held = here.send_queue
    assert held > 0, "the other end has acknowledged what it should have had no room for"
    alpha.processes(pid=running.running.pid).wait(timeout_s=2, state="S")
    looks_seldom(running.running)
    asks(running.running, peer)
    assert b"done" not in running.running.output().stdout, f"it reports while {held} bytes are not acknowledged"
    running.sink.write(b"open\n")
    running.running.expect(b"done\n")
    told = report(running.running.output().stdout)
    assert told["tcp"] == running.layers.tcp() - tcp, "the report came before everything had been sent"
    running.end(total)


def all_taken(here, there, total):
    """Return when the program has got rid of so many bytes, for which there is room; the other end reads none."""
    deadline = time.monotonic() + SOON_S
    # What has arrived and is not acknowledged yet counts twice, for a moment.
    while there.recv_queue + here.send_queue != total:
        assert time.monotonic() < deadline, f"it does not get rid of {total} bytes, for which there is room"


def looks_seldom(running):
    """Check that it sleeps at least a millisecond between two looks: for each it gives the processor away."""
    began, before = time.monotonic(), running.process.voluntary_switches
    time.sleep(WATCHED_S)
    looks = running.process.voluntary_switches - before
    lasted_s = time.monotonic() - began  # no less than what passed between the two counts
    assert looks <= LOOKS_PER_S * lasted_s + MORE_LOOKS, f"it wakes up {looks} times within {lasted_s:.3f} s"


def asks(running, peer):
    """Check that it asks the kernel, more than once; who only lets some time pass knows nothing."""
    tracer = peer("alpha/left", "tracer.py", str(running.pid), "all", root=True).start()
    tracer.expect(b"attached", stream="stderr")
    deadline = time.monotonic() + SOON_S
    while not ASKS_AGAIN.search(tracer.output().stderr.decode()):
        assert b"done" not in running.output().stdout, "it reports while bytes are not acknowledged"
        assert time.monotonic() < deadline, "it does not ask the kernel whether all is acknowledged"
        time.sleep(0.01)
    tracer.signal(SIGINT)
    tracer.wait()


def broken(meter, why):
    """Check that it says that something has failed, and ends without a report."""
    ended = meter.running.wait().exited(1, why)
    assert ended.stdout == b"ready\n", f"it reports though {why}"
    assert ended.stderr, f"nothing is said on standard error though {why}"
    meter.sink.kill()
    meter.sink.wait()


@check(
    points=1,
    hint="Where no way leads to an address, connect() tells. A connection that was reset shows in send(), and in "
    "poll() while you wait for acknowledgements.",
    needs=[TELLS],
)
def test_what_fails_is_said(gauge, ablated, meter, alpha, beta, params):
    """No way, nobody there, a broken connection, a line that says nothing: exit status 1; wrong arguments: 2."""
    ablated.gauge.run(stdin=b"").refused(1)
    for line in (b"1 1\n", b"1 1 fast\n", b"0 1 plain\n", b"1 65537 cork\n", b"1 1 plain 1\n"):
        running = meter()
        running.running.write(line)
        broken(running, "that line says nothing")
    gauge.run(stdin=b"").refused(1)
    here = alpha.tcp(remote__port=params.port, state="established")
    there = beta.tcp(port=params.port, state="established")
    for count, size, what in ((2000, 65536, "while it sends"), (200, 100, "while it waits for acknowledgements")):
        running = meter("shut")
        running.running.write(running.line(count, size, "plain"))
        here.wait(send_queue=Ge(1000), timeout_s=SOON_S)
        if size == 100:
            all_taken(here, there, count * size)
        running.sink.write(b"leave\n")
        running.sink.wait().exited(0)
        broken(running, f"the connection was reset {what}")
    running = meter("shut")
    running.sink.write(b"close\n")
    running.sink.wait().exited(0)
    alpha.tcp(remote__port=params.port).wait(state="close_wait", timeout_s=SOON_S)
    running.running.write(running.line(2000, 1000, "plain"))
    broken(running, "the other end has closed the connection")
    port = str(params.port)
    for words in ([], [beta.ipv4], [beta.ipv4, port, "x"], ["beta", port], [beta.ipv4, "0"], [beta.ipv4, "65536"]):
        gauge.run(args=words, stdin=b"").refused(2)
