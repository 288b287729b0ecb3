"""Checks of tcp: where the server listens, what goes over the wire, and who outlives whom."""

import struct
from signal import SIGCONT, SIGSTOP, SIGTERM

from orchestrator.checks import PIPE, check

LISTENS = "test_server_listens_on_its_port"
ANSWERS = "test_each_line_is_answered"
ALL_BYTES = bytes(range(256))
LINE = bytes(byte for byte in ALL_BYTES if byte != ord("\n"))
"""Whatever a line may hold."""
MOST = 1 << 20
CROWD = 13
"""With three more clients there are 16."""
SHOWN_BYTES = 100_000
"""Of what a program prints, the beginning and the end are kept."""


def listening(server, beta, params):
    """A running server that can be connected to."""
    running = server.start()
    beta.tcp(port=params.port).wait(timeout_s=3, state="listen")
    return running


def connected(peer):
    """Our own end of a connection to the server, byte by byte."""
    return peer("alpha/left", "raw_peer.py", "connect", "{beta.ipv4}", "{port}").start(stdin=PIPE)


def accepting(peer, beta, params):
    """Our own end of a connection from a client, byte by byte."""
    raw = peer("beta/main", "raw_peer.py", "listen", "{port}").start(stdin=PIPE)
    beta.tcp(port=params.port).wait(state="listen")
    return raw


def message(text):
    """A message as it goes over the wire, of a text or of any bytes."""
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("!I", len(data)) + data


def answer(text):
    """What the client prints for a line."""
    return text[::-1].encode() + b"\n"


def wide(text):
    """The longest message."""
    return (text * MOST)[:MOST].encode()


def printed(ended, expected):
    """Whether a program has printed `expected`, which may be longer than what is kept of it."""
    ends = ended.stdout[:SHOWN_BYTES], ended.stdout[-SHOWN_BYTES:]
    return ended.stdout_total == len(expected) and ends == (expected[:SHOWN_BYTES], expected[-SHOWN_BYTES:])


def refused(ended, exit_status):
    """Check that a program has said what is wrong, has printed nothing and has exited with `exit_status`."""
    assert ended.signal is None, f"{ended.signal} ended it"
    assert ended.exit == exit_status, f"exit status {ended.exit}, not {exit_status}"
    assert ended.stdout == b""
    assert ended.stderr, "it said nothing on standard error"


def converse(client, text):
    """Check that `client`, which is connected, gets `text` answered."""
    client.write(f"{text}\n".encode())
    client.expect(answer(text))


def send_in_pieces(raw, whole, cuts, near, far):
    """Send `whole` cut into pieces, each of them when the program at the other end has taken the one before.

    `near` and `far` are the two ends of the connection, as the hosts' TCP modules.
    """
    for begin, end in zip((0, *cuts), (*cuts, len(whole)), strict=True):
        raw.write(whole[begin:end])
        raw.expect(b"sent %d\n" % end)
        near.wait(send_queue=0)  # the other host has it
        far.wait(recv_queue=0)  # the program has it


@check(
    points=1,
    hint="`ss -tln` on beta shows address and port. Who can reach 127.0.0.1? And which byte of a port comes first?",
)
def test_server_listens_on_its_port(server, beta, params):
    """The server listens on PORT of every address of its host."""
    listening(server, beta, params)
    listener = beta.tcp(port=params.port, state="listen").fact
    assert listener.local.ip in ("0.0.0.0", "::"), f"it listens on {listener.local.ip}"


@check(
    points=1,
    hint="Follow one line with `strace -e trace=network` on both sides: how many bytes does each call send or receive?",
    needs=[LISTENS],
)
def test_each_line_is_answered(server, client, alpha, beta, params):
    """The client prints the answer to each line at once, also to an empty one, and exits with 0 after the last."""
    listening(server, beta, params)
    talking = client.start(stdin=PIPE)
    converse(talking, params.text)
    connections = beta.tcp(port=params.port, state="established").facts
    # A socket for both families shows an IPv4 peer as ::ffff:10.11.0.3.
    peers = {connection.remote.ip.removeprefix("::ffff:") for connection in connections}
    assert alpha.ipv4 in peers, "no connection comes from alpha"
    talking.write(f"\n{params.more}\n".encode())
    talking.close_stdin()
    ended = talking.wait()
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"
    assert ended.stdout == answer(params.text) + answer("") + answer(params.more)


@check(
    points=1,
    hint="TCP carries bytes, not messages: one recv() may give two bytes of a length, or two messages and a half. And "
    "in which order do the bytes of a number travel?",
    needs=[LISTENS],
)
def test_server_puts_messages_together_from_pieces(server, peer, alpha, beta, params):
    """A message that comes in three pieces is answered once, two that come in one are both, whatever their bytes."""
    listening(server, beta, params)
    raw = connected(peer)
    near = alpha.tcp(**{"remote.port": params.port})
    far = beta.tcp(port=params.port, state="established")
    send_in_pieces(raw, message(params.text), (2, 9), near, far)
    raw.expect(message(params.text[::-1]))
    raw.write(message(params.more) + message(ALL_BYTES))
    raw.expect(message(params.more[::-1]) + message(ALL_BYTES[::-1]))


@check(
    points=1,
    hint="TCP carries bytes, not messages: one recv() may give less than you asked for. And in which order do the "
    "bytes of a number travel?",
    needs=[ANSWERS],
)
def test_client_puts_answers_together_from_pieces(client, peer, alpha, beta, params):
    """The client sends length and line, and prints what is answered, in three pieces or whatever it may be."""
    raw = accepting(peer, beta, params)
    talking = client.start(stdin=PIPE)
    talking.write(f"{params.text}\n".encode())
    raw.expect(message(params.text))
    near = beta.tcp(port=params.port, state="established")
    far = alpha.tcp(**{"remote.port": params.port})
    send_in_pieces(raw, message(params.more), (2, 9), near, far)
    talking.expect(f"{params.more}\n".encode())
    talking.write(LINE + b"\n")
    raw.expect(message(LINE))
    raw.write(message(LINE))  # not in reverse: what nobody could have answered but this server
    talking.expect(LINE + b"\n")
    talking.close_stdin()
    assert talking.wait().exit == 0, "the client did not exit with 0 at the end of its input"


@check(
    points=1,
    hint="While the server waits for one client, who waits for the others? pthread_create(3), fork(2) and poll(2) are "
    "three answers.",
    needs=[ANSWERS],
)
def test_several_clients_are_served_at_the_same_time(server, client, peer, beta, params):
    """Two clients are answered in turns, while 13 are silent and one has stopped, and then gone, amid a message."""
    running = listening(server, beta, params)
    silent = peer("alpha/left", "crowd.py", "{beta.ipv4}", "{port}", str(CROWD)).start(stdin=PIPE)
    silent.expect(b"connected\n")
    half = connected(peer)
    half.write(message(params.text)[:6])
    half.expect(b"sent 6\n")
    one, other = client.start(stdin=PIPE), client.start(stdin=PIPE)
    converse(one, params.text)
    converse(other, params.text)
    half.kill()
    converse(one, params.more)
    converse(other, params.more)
    running.sleeps(0.6)
    silent.close_stdin()
    assert silent.wait().stdout == b"connected\nright\n", "of 13 silent clients not all were served in the end"
    for talking in (one, other):
        talking.close_stdin()
        assert talking.wait().exit == 0, "a client did not exit with 0 at the end of its input"


@check(
    points=1,
    hint="Believe nothing that somebody else sends. And what if nobody is there to send to? Look for EPIPE in send(2).",
    needs=[ANSWERS],
)
def test_server_outlives_bad_clients(server, client, peer, beta, params):
    """Who announces more than 1 MiB is cut off; one that leaves without its answers ends only its own connection."""
    running = listening(server, beta, params)
    for length, text in ((0xFFFFFFFF, params.text), (MOST + 1, "")):
        greedy = connected(peer)
        greedy.write(struct.pack("!I", length) + text.encode())
        greedy.wait()

    hasty = connected(peer)
    hasty.write(message(params.text))
    hasty.expect(message(params.text[::-1]))
    running.signal(SIGSTOP, to="all")  # so that the answers come when nobody is there any more
    hasty.write(message(params.more) * 50)
    hasty.expect(b"sent %d\n" % len(message(params.text) + message(params.more) * 50))
    hasty.kill()
    closed = beta.tcp(port=params.port, state="close_wait")
    closed.wait()
    running.signal(SIGCONT, to="all")
    closed.wait_gone()
    assert client.run(stdin=f"{params.text}\n".encode()).stdout == answer(params.text)
    assert running.alive, "the server has ended"


@check(
    points=1,
    hint="recv() returns 0 when the other end is closed. Had everything come by then? And who ends a program that goes "
    "on sending?",
    needs=[ANSWERS],
)
def test_client_notices_that_the_server_has_gone(client, peer, alpha, beta, params):
    """When the server goes amid an answer, or before the next line, the client says so and exits with 3."""
    raw = accepting(peer, beta, params)
    talking = client.start(stdin=PIPE)
    talking.write(f"{params.text}\n".encode())
    raw.expect(message(params.text))
    raw.write(message(params.text[::-1])[:-2])
    raw.expect(b"sent %d\n" % (len(message(params.text)) - 2))
    raw.kill()
    refused(talking.wait(), exit_status=3)

    raw = accepting(peer, beta, params)
    talking = client.start(stdin=PIPE)
    beta.tcp(port=params.port, state="established").wait()
    beta.tcp(port=params.port, state="listen").wait_gone()  # it has accepted
    raw.kill()
    alpha.tcp(**{"remote.port": params.port}).wait(state="close_wait")
    talking.write(wide(params.text) + b"\n")  # more than can be sent before the answer is that nobody is there
    refused(talking.wait(), exit_status=3)


@check(
    points=1,
    hint="`ss -tan` on beta after the server has ended: in which state is the old connection? socket(7) has an option.",
    needs=[ANSWERS],
)
def test_server_can_be_started_again_at_once(server, client, alpha, beta, params, leftovers):
    """SIGTERM ends the server and all it started, nothing is left, and the next one can take the port at once."""
    running = listening(server, beta, params)
    talking = client.start(stdin=PIPE)
    converse(talking, params.text)
    # Somebody else's connection to such a port may be in TIME-WAIT.
    mine = alpha.tcp(remote__port=params.port, state="established").local.port
    running.signal(SIGTERM)
    assert running.wait(timeout_s=1).stdout == b"", "the server printed something"
    beta.tcp(port=params.port, state="established").wait_gone(timeout_s=1)
    talking.close_stdin()
    talking.wait()
    alpha.tcp(local__port=mine, remote__port=params.port).wait_gone()
    assert not leftovers()

    again = listening(server, beta, params)
    assert client.run(stdin=f"{params.more}\n".encode()).stdout == answer(params.more)
    assert again.alive, "the second server has ended"


@check(
    points=1,
    hint="Our programs keep to the contract by the letter: the length comes first, in network byte order, and a "
    "message may be long.",
    needs=[ANSWERS],
)
def test_both_work_with_our_programs(server, client, reference, beta, params):
    """Our client is answered by the server, and the client by our server, also on a line of 1 MiB."""
    longest = wide(params.text)
    given = f"{params.more}\n".encode() + longest + b"\n"
    expected = answer(params.more) + longest[::-1] + b"\n"
    running = listening(server, beta, params)
    assert printed(reference.client.run(stdin=given), expected), "our client did not print the answers"
    running.signal(SIGTERM)
    running.wait()

    listening(reference.server, beta, params)
    ended = client.run(stdin=given)
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"
    assert printed(ended, expected), "the client did not print the answers"


@check(
    points=1,
    hint="Which calls of the client can fail when nobody is there? Each of them says so in errno.",
    needs=[ANSWERS],
)
def test_client_without_a_server_says_so(server, client, reference, ablated, beta, island, params):
    """Where no server listens, or no network leads to it, the client exits with 1; where one does, it is answered."""
    given, expected = f"{params.text}\n".encode(), answer(params.text)
    refused(client.run(stdin=given), exit_status=1)
    listening(server, beta, params)
    refused(ablated.client.run(stdin=given), exit_status=1)
    reference.server.at("island/solo").start()
    island.tcp(port=params.port).wait(state="listen")
    there = ablated.client.run(stdin=given, args=["127.0.0.1", str(params.port)])
    assert there.stdout == expected, "on another host its server did not answer it"


@check(
    points=1,
    hint="argc is the number of arguments and one more. What does bind() return when somebody has the port? And who "
    "counts the bytes of a line, and of an answer, before they are taken?",
    needs=[LISTENS],
)
def test_what_can_not_be_done_is_said(server, client, reference, peer, beta, params):
    """Wrong arguments end with status 2; a port that is taken, a line or an answer of more than 1 MiB with 1."""
    port, address = str(params.port), beta.ipv4
    for args in ([], [port, port], ["port"]):
        refused(server.run(args=args), exit_status=2)
    for args in ([], [address], [address, "port"], [address, port, port]):
        refused(client.run(args=args), exit_status=2)

    raw = accepting(peer, beta, params)
    refused(client.run(stdin=wide(params.text) + b"x\n"), exit_status=1)
    assert raw.wait().stdout == b"", "something of a line of more than 1 MiB was sent"

    raw = accepting(peer, beta, params)
    talking = client.start(stdin=PIPE)
    talking.write(f"{params.text}\n".encode())
    raw.expect(message(params.text))
    raw.write(struct.pack("!I", MOST + 1))
    refused(talking.wait(), exit_status=1)
    raw.wait()

    listening(reference.server, beta, params)
    refused(server.run(), exit_status=1)
