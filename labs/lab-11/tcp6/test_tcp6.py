"""Checks of tcp6: who can reach the one socket, how addresses are written, and which of them a client tries."""

import re
from signal import SIGCONT, SIGSTOP, SIGTERM

import pytest

from orchestrator.checks import PIPE, check

LISTENS = "test_one_socket_listens_for_both_families"
TOLD = "test_clients_are_told_where_they_come_from"
CONNECTS = "test_client_connects_and_prints_what_comes"
MUCH = 200_000
NOBODY = "Connection refused"


def unused(host, params):
    """Some ports on which no connection of an earlier run winds down: that would be no fault of this server."""
    return [
        port for port in (params.port, params.second, params.third, params.fourth) if not host.tcp(port=port).exists
    ]


@pytest.fixture
def port(params, beta):
    """A port that is the server's alone."""
    return unused(beta, params)[0]


def listening(server, host, port):
    """A running server that can be connected to."""
    running = server.start(port=port)
    host.tcp(port=port).wait(timeout_s=3, state="listen")
    return running


@pytest.fixture
def hall(peer):
    """Start a server of ours for one client, over some of the families: 4, 6 or 46."""

    def start(families, place="beta/main"):
        return peer(place, "hall.py", "{port}", families).start(stdin=PIPE, until=b"listening\n")

    return start


@pytest.fixture
def dial(peer):
    """Call an address as a client of ours: the port that it had, and what it heard until the server closed."""

    def call(address, port, place="alpha/left"):
        caller = peer(place, "dial.py", address, str(port))
        said = caller.run(timeout_s=3).exited(0, "our client could not connect").stdout
        own, _, heard = said.decode().partition("\n")
        return own.removeprefix("port "), heard.removesuffix("closed\n")

    return call


def link_local(tool, place):
    """A host's address that is good on one link only, with its zone: the interface that is meant."""
    shown = tool(place, "ip", "-oneline", "-6", "address", "show", "scope", "link").run().exited(0).stdout.decode()
    _, interface, _, address, *_ = shown.split()
    return f"{address.partition('/')[0]}%{interface}"


def addresses(tool, name):
    """All addresses of a name in the order in which they are to be tried."""
    rows = tool("alpha/left", "getent", "ahosts", name).run().exited(0).stdout.decode().splitlines()
    return list(dict.fromkeys(row.split()[0] for row in rows))


def refusals(ended):
    """The lines about addresses that did not work."""
    return ended.stderr.decode("ascii", "replace").splitlines()


def refused_at(address):
    """What the client says when nobody listens at an address."""
    return f"client: {address}: {NOBODY}"


@check(
    points=1,
    hint="`ss -tln` on beta: one line with your port, and `*` or `[::]` for its address? Which byte of a port comes "
    "first? A server that has nothing to do is in accept().",
)
def test_one_socket_listens_for_both_families(server, beta, port):
    """The server has one listening socket, an IPv6 one on PORT of every address, and sleeps while nobody comes."""
    running = listening(server, beta, port)
    running.sleeps()  # and has made all sockets that it makes
    sockets = beta.tcp(port=port).facts
    assert len(sockets) == 1, f"there are {len(sockets)} sockets on its port"
    assert sockets[0].family == 6, f"it listens on {sockets[0].local}, for IPv{sockets[0].family} only"
    assert sockets[0].local.ip == "::", f"it listens on {sockets[0].local.ip}"


@check(
    points=2,
    hint="What is the address of an IPv4 client on an IPv6 socket, and how do you tell? inet_ntop() must know the "
    "family of what it is given, and in which byte order is a port?",
    needs=[LISTENS],
)
def test_clients_are_told_where_they_come_from(server, dial, alpha, beta, port):
    """Clients of both families are told address and port as they write them themselves; the server prints that, too."""
    running = listening(server, beta, port)
    printed = ""
    for to, own in ((beta.ipv6, alpha.ipv6), (beta.ipv4, alpha.ipv4), (beta.ipv6, alpha.ipv6)):
        near, heard = dial(to, port)
        assert heard == f"{own} {near}\n"
        printed += heard
        running.expect(printed.encode())
    for to in ("::1", "127.0.0.1"):
        near, heard = dial(to, port, "beta/main")
        assert heard == f"{to} {near}\n"
        printed += heard
    running.expect(printed.encode())
    assert running.output().stdout == printed.encode()


@check(
    points=1,
    hint="`ip -6 address` shows the address that begins with fe80. Every link has such addresses: which member of "
    "struct sockaddr_in6 says which link is meant, and which function writes that, too?",
    needs=[TOLD],
)
def test_an_address_on_a_link_is_told_with_its_zone(server, dial, tool, beta, port):
    """A client with a link-local address is told it with the interface of the server's host, such as fe80::1%eth0."""
    listening(server, beta, port)
    own = link_local(tool, "beta/main")
    near, heard = dial(own, port, "beta/main")
    assert heard == f"{own} {near}\n"


@check(
    points=1,
    hint="`cat /proc/sys/net/ipv6/bindv6only` on both hosts: it is what a socket does that nobody has told. Tell it.",
    needs=[TOLD],
)
def test_ipv4_is_let_in_whatever_the_host_prefers(server, dial, island, params):
    """On island, where an IPv6 socket is for IPv6 only unless told otherwise, the server takes IPv4, too."""
    place = "island/solo"
    assert island.file("/proc/sys/net/ipv6/bindv6only").content_string.strip() == "1"
    port = unused(island, params)[0]
    listening(server.at(place), island, port)
    for to in ("::1", "127.0.0.1"):
        near, heard = dial(to, port, place)
        assert heard == f"{to} {near}\n"


@check(
    points=1,
    hint="Between connect() of a client and your accept() it may have gone: send() says so. And who keeps a port busy "
    "after a connection, the one that closes first or the other? socket(7) has an option.",
    needs=[TOLD],
)
def test_server_outlives_its_clients_and_its_predecessor(server, dial, peer, alpha, beta, port):
    """A client that has gone at once harms nobody; after SIGTERM the next server has the port immediately."""
    running = listening(server, beta, port)
    dial(beta.ipv4, port)
    running.signal(SIGSTOP)
    for address in (beta.ipv4, beta.ipv6):
        peer("alpha/left", "dial.py", address, str(port), "reset").run().exited(0)
    running.signal(SIGCONT)
    near, heard = dial(beta.ipv6, port)
    assert heard == f"{alpha.ipv6} {near}\n"
    running.signal(SIGTERM)
    running.wait()

    listening(server, beta, port)
    near, heard = dial(beta.ipv4, port)
    assert heard == f"{alpha.ipv4} {near}\n"


@check(
    points=2,
    hint="What is printed must be seen at once, also when standard output is a pipe. recv() gives what has come, and 0 "
    "when the server has closed the connection; -1 is something else.",
)
def test_client_connects_and_prints_what_comes(client, hall, tool, params):
    """The client connects to the first address of HOST, says which it is, and prints all that the server sends."""
    first = addresses(tool, "beta")[0]
    ours = hall("46")
    talking = client.start()
    ours.expect(b"come\n", timeout_s=3)
    expected = f"connected to {first}\n"
    talking.expect(expected.encode())
    for text in (params.text, params.more):
        ours.write(f"say {text}\n".encode())
        expected += text
        talking.expect(expected.encode())
    ours.write(f"say {'z' * MUCH}\nclose\n".encode())
    ended = talking.wait().exited(0)
    assert ended.stdout.startswith(expected.encode())
    assert ended.stdout_total == len(expected) + MUCH, "not all that was sent was printed"
    assert ended.stderr == b""

    ours = hall("46")
    talking = client.start()
    ours.write(f"say {params.text}\n".encode())
    talking.expect(params.text.encode())
    ours.write(b"reset\n")
    assert talking.wait().exited(1, "the connection broke, it was not closed").stderr


@check(
    points=2,
    hint="`getent ahosts beta`: all of them may be the one. A socket is of one family: can it be used for the next "
    "address? And is the first one closed?",
    needs=[CONNECTS],
)
def test_client_tries_the_next_address(client, hall, tool, alpha, params):
    """Where an address does not work, the client says so and tries the next; of all its sockets one stays open."""
    order = addresses(tool, "beta")
    assert len(order) == 2, f"beta has two addresses, not {order}"
    for family in "46":
        ours = hall(family)
        reached = next(one for one in order if (":" in one) == (family == "6"))
        talking = client.start()
        ours.expect(b"come\n", timeout_s=3)
        talking.expect(f"connected to {reached}\n".encode())
        ours.write(f"say {params.text}\n".encode())
        talking.expect(params.text.encode())
        held = [fd for fd in alpha.processes(pid=talking.pid).fact.fds if fd.kind == "socket"]
        assert len(held) == 1, f"it has {len(held)} sockets open"
        ours.close_stdin()
        ended = talking.wait().exited(0)
        assert ended.stdout == f"connected to {reached}\n{params.text}".encode()
        assert refusals(ended) == [refused_at(one) for one in order[: order.index(reached)]]


@check(
    points=1,
    hint="getaddrinfo() takes numbers as well as names, and a zone after a %: is what it gives used as it is, or only "
    "a part of it?",
    needs=[CONNECTS],
)
def test_client_takes_addresses_in_numbers(client, hall, tool, beta):
    """HOST may be an address of either family in numbers, also a link-local one with its zone; so it is shown."""
    beyond, here = "beta/main", "alpha/right"
    for place, host in ((beyond, beta.ipv4), (beyond, beta.ipv6), (here, link_local(tool, here))):
        ours = hall("46", place)
        talking = client.start(host=host)
        ours.expect(b"come\n", timeout_s=3)
        ours.close_stdin()
        assert talking.wait().exited(0).stdout == f"connected to {host}\n".encode()
        ours.wait()


@check(
    points=2,
    hint="Each address once: which member of the hints sees to that? getaddrinfo() does not tell its errors in errno: "
    "gai_strerror(3). What does bind() return when somebody has the port?",
    needs=[LISTENS, CONNECTS],
)
def test_what_can_not_be_done_is_said(server, client, ablated, hall, tool, beta, params):
    """Nobody at any address, each tried once, no such name, no way, a port that is taken: 1. Wrong arguments: 2."""
    ended = client.run().refused(1)
    assert refusals(ended) == [refused_at(one) for one in addresses(tool, "beta")]
    ended = client.run(host=f"no {params.text}").refused(1)
    assert refusals(ended) == [f"client: no {params.text}: Name or service not known"]
    ours = hall("46")
    ablated.client.run().refused(1)
    for host in (beta.ipv4, beta.ipv6):
        assert NOBODY not in "".join(refusals(ablated.client.run(host=host).refused(1)))
    server.run().refused(1)
    ours.kill()

    port = str(params.port)
    for args in ([], [port, port], ["port"], ["65536"]):
        server.run(args=args).refused(2)
    for args in ([], ["beta"], ["beta", "port"], ["beta", "0"], ["beta", port, port]):
        client.run(args=args).refused(2)


@check(
    points=1,
    hint="Our programs keep to the contract by the letter: which lines does each of the two print, and what is sent?",
    needs=[LISTENS],
)
def test_both_work_with_our_programs(server, client, reference, alpha, beta, params):
    """Our client is served over both families, and the client by our server, at every address."""
    first, second, *_ = unused(beta, params)
    for one, other, port in ((server, reference.client, first), (reference.server, client, second)):
        running = listening(one, beta, port)
        printed = ""
        for to, own in ((beta.ipv6, alpha.ipv6), (beta.ipv4, alpha.ipv4)):
            said, told = other.run(host=to, port=port).exited(0).stdout.decode("ascii", "replace").splitlines()
            assert said == f"connected to {to}"
            assert re.fullmatch(rf"{re.escape(own)} \d+", told), f"the client printed `{told}`"
            printed += told + "\n"
        running.expect(printed.encode())
