"""Checks of stdio-sockets: what lies in which buffer while somebody waits, and how each side hears of the end."""

import hashlib
import json
import re
from signal import SIGTERM

import pytest

from orchestrator.checks import PIPE, Ge, In, Length, check

ANSWER_S = 1
"""An answer that has not come by then won't."""
MUCH_S = 10
"""The same for one of very many bytes: whoever takes a call for each line needs most of a second for a million."""
CROWD = 18
LONGEST_LINE, LONGEST_ANSWER = 1000, 1 << 20
MUCH = 10_000
BYTES_A_WRITE = 1000
"""So many bytes go out with each call, at least."""
AT_ONCE = 30
"""Lines that come together: who sleeps before or after each of them wakes as often."""
ASLEEP_S = 0.2
PROCESS = "test_server_gives_each_client_a_process"
TALKS = "test_each_line_is_answered_at_once"
LINES = "test_server_reads_lines_not_pieces"
BLOCKS = "test_client_waits_for_all_of_an_answer"


class Puppet:
    """A process of ours that plays clients and servers: wire.py says what it can do."""

    def __init__(self, running):
        self.running = running

    def __getattr__(self, method):
        return lambda *arguments: self._ask(ANSWER_S, method, *arguments)

    def _ask(self, within_s, *words):
        return json.loads(self.running.ask(json.dumps(words).encode() + b"\n", timeout_s=within_s))

    def expect(self, name, text):
        """Check that exactly this comes next."""
        if len(text) > MUCH:
            told = [len(text), hashlib.sha256(text.encode()).hexdigest()]
            assert self._ask(MUCH_S, "digest", name, len(text)) == told, (
                f"not all of {len(text)} bytes came from the server as they should"
            )
            return
        got = self.receive(name, len(text))
        assert got == text, f"'{got[:200]}' came from the server, not '{text[:200]}'"

    def expect_end(self, name, text):
        """Check that this comes, and then the end."""
        got = self.receive(name, len(text) + 100)
        assert got == text, f"'{got[:200]}' and the end came from the server, not '{text[:200]}'"


@pytest.fixture
def listening(server, beta, params):
    """Starts a server that can be connected to."""

    def start():
        running = server.start()
        beta.tcp(port=params.port).wait(ANSWER_S, state="listen")
        return running

    return start


@pytest.fixture
def clients(peer):
    """Clients that do as they are told."""
    return Puppet(peer("alpha/left", "wire.py").start(stdin=PIPE))


@pytest.fixture
def ours(peer, params):
    """A server that does as it is told."""
    puppet = Puppet(peer("beta/main", "wire.py").start(stdin=PIPE))
    puppet.listen(params.port)
    return puppet


@pytest.fixture
def connected(client, ours, alpha, params):
    """Starts a client that is connected to a server of ours, and has a line for it."""

    def start(line):
        running = client.start(stdin=PIPE)
        alpha.tcp(remote__port=params.port).wait(ANSWER_S, state="established")
        ours.accept("c")
        if line:
            running.write(line)
            assert ours.line("c").encode() == line, "what the client sent is not the line that it was given"
        return running

    return start


def answer(count, text):
    """What the server answers."""
    return f"{count * (len(text) + 1)}\n" + count * f"{text}\n"


def block(count, text):
    """What the client prints of it."""
    return (count * f"{text}\n").encode()


def logged(running, *lines):
    """Check that the server has printed these lines, in any order, and nothing else."""
    for line in lines:
        running.expect(f"{line}\n".encode(), timeout_s=ANSWER_S)
    printed = sorted(running.output().stdout.decode().splitlines())
    assert printed == sorted(lines), f"the server has printed {printed}"


@check(
    points=2,
    hint="After fork() both processes have all descriptors, and all that stdio has not written yet. Which of these "
    "does each need? `ss -tanp` shows who has what; wait(2) what becomes of a child that has ended.",
)
def test_server_gives_each_client_a_process(listening, clients, beta, params):
    """A process for each client has the connection alone; open and closed are logged once; no process stays behind."""
    running = listening()
    listener = beta.tcp(port=params.port, state="listen")
    assert str(listener.local.ip) == "0.0.0.0", f"it listens at {listener.local.ip}, not at every address"
    ports = clients.connect(beta.ipv4, params.port, "one", "other")
    logged(running, "open 1", "open 2")
    beta.processes(pid=running.pid).wait(ANSWER_S, state="S")
    for port in ports:
        (pid,) = beta.tcp(port=params.port, remote__port=port).wait(ANSWER_S, pids=Length(1)).pids
        assert pid != running.pid, "the server itself has the connection, not a process for this client"
        child = beta.processes(pid=pid).wait(ANSWER_S, ppid=running.pid, state="S")
        sockets = {one.ino for one in child.fds if one.kind == "socket"}
        assert len(sockets) == 1, f"the client's process has {len(sockets)} sockets: more than its connection"
    beta.tcp(port=params.port, state="listen").wait(ANSWER_S, pids=(running.pid,))
    clients.close("one")
    logged(running, "open 1", "open 2", "closed 1 0")
    clients.close("other")
    logged(running, "open 1", "open 2", "closed 1 0", "closed 2 0")
    beta.processes(ppid=running.pid).wait_gone(ANSWER_S)
    running.sleeps(0.3)


@check(
    points=1,
    hint="Who waits for whom? What has been printed lies in a buffer of your process until somebody flushes it: `ss "
    "-tn` shows what is in the kernel's. There are two streams in each of two programs, and standard output.",
    needs=[PROCESS],
)
def test_each_line_is_answered_at_once(listening, client, params):
    """Each line that the client is given is answered by the server and printed at once; in the end there is a total."""
    running = listening()
    talking = client.start(stdin=PIPE)
    printed = b""
    for count, text in ((params.count, params.text), (1, params.more), (2, params.text)):
        expected = block(count, text)
        assert talking.ask(f"{count} {text}\n".encode(), until=expected) == expected
        printed += expected
    assert talking.ask(f"{params.more}\n".encode()) == b"bad\n"
    talking.write(f"1 {params.text}".encode())
    talking.close_stdin()
    ended = talking.wait().exited(0)
    assert ended.stdout == printed + b"bad\n" + block(1, params.text) + b"total 5\n"
    logged(running, "open 1", "closed 1 5")


@check(
    points=1,
    hint="What one read() gives is a piece of the stream, not a line: half of one, or three. Who keeps what comes too "
    "early?",
    needs=[PROCESS],
)
def test_server_reads_lines_not_pieces(listening, clients, beta, params):
    """A line that comes in pieces is answered when it is whole, and several that come at once one after the other."""
    listening()
    (port,) = clients.connect(beta.ipv4, params.port, "c")
    connection = beta.tcp(port=params.port, remote__port=port)
    request = f"{params.count} {params.text}\n"
    for piece in (request[0], request[1:7], request[7:-1]):
        clients.send("c", piece)
        connection.wait(ANSWER_S, recv_queue=0)
    clients.send("c", request[-1])
    clients.expect("c", answer(params.count, params.text))

    clients.send("c", f"2 {params.more}\nx\n1  {params.text} \n")
    clients.expect("c", answer(2, params.more) + "bad\n" + answer(1, f" {params.text} "))

    (pid,) = connection.wait(ANSWER_S, pids=Length(1)).pids
    before = beta.processes(pid=pid).voluntary_switches
    clients.send("c", "1 a\n", AT_ONCE)
    clients.expect("c", AT_ONCE * answer(1, "a"))
    woke = beta.processes(pid=pid).voluntary_switches - before
    assert woke < AT_ONCE / 2, f"{AT_ONCE} lines had come, and the server slept {woke} times while it answered them"


@check(
    points=1,
    hint="What does fgets() do with a line that is longer than its buffer, and with the last one if it has no newline? "
    "What does strtol() do with a number that is too large, and where does it end?",
    needs=[LINES],
)
def test_what_is_no_request_is_bad(listening, clients, beta, params):
    """Too long a line, no number, no text, more than 1 MiB: bad, and the next line is answered; so is the last one."""
    listening()
    clients.connect(beta.ipv4, params.port, "c")
    for wrong in ("", "1", "1 ", " 1 a", "0 a", "-1 a", "1x a", "a 1", "524289 a", "18446744073709551617 a"):
        clients.send("c", f"{wrong}\n1 {params.more}\n")
        clients.expect("c", "bad\n" + answer(1, params.more))

    longest = params.text.ljust(LONGEST_LINE - len("1 \n"), "x")
    clients.send("c", f"1 {longest}\n1 {longest}y\n1 {longest}{longest * 5}\n1 {params.more}\n")
    clients.expect("c", answer(1, longest) + "bad\nbad\n" + answer(1, params.more))
    clients.send("c", f"{LONGEST_ANSWER // 2} a\n")
    clients.expect("c", answer(LONGEST_ANSWER // 2, "a"))

    clients.send("c", f"1 {params.text}")
    clients.shut("c")
    clients.expect_end("c", answer(1, params.text) + "total 26\n")
    for wrong in ("x", f"1 {longest}yz"):
        clients.connect(beta.ipv4, params.port, "c")
        clients.send("c", wrong)
        clients.shut("c")
        clients.expect_end("c", "bad\ntotal 1\n")


@check(
    points=2,
    hint="read() gives what is there, fread() waits for all. And fgets() has perhaps read more than its line: where is "
    "that now?",
)
def test_client_waits_for_all_of_an_answer(connected, ours, alpha, params):
    """It sleeps until all of an answer has come: in pieces, with its size, of any bytes; it prints it, no nonsense."""
    talking = connected(b"1 x\n")
    given = f"{params.text}\n{params.more}\n".encode()
    size = f"{len(given)}\n"
    for piece in (size[0], size[1:], given[:5].decode()):
        ours.send("c", piece)
        alpha.tcp(remote__port=params.port).wait(ANSWER_S, recv_queue=0)
    talking.sleeps(ASLEEP_S)
    assert talking.output().stdout == b"", "it printed a part of an answer"
    ours.send("c", given[5:].decode())
    talking.expect(given)

    for text, times in ((f"\0{params.more}\n\0\xff", 1), ("bad\n", 1), (f"{params.text}\n", 20_000)):
        talking.write(b"1 y\n")
        assert ours.line("c") == "1 y\n"
        ours.send("c", f"{len(text) * times}\n{text}")
        ours.send("c", text, times - 1)
        given += text.encode("latin-1") * times
        talking.expect(text.encode("latin-1") * 2 if times > 1 else given)
    talking.write(b"z\n")
    assert ours.line("c") == "z\n"
    ours.send("c", "bad\n")
    talking.expect(text.encode("latin-1") + b"bad\n")
    size = len(given) + len("bad\n")
    assert talking.output().stdout_total == size, "it printed more or less than the answers"

    talking.sleeps(ASLEEP_S)
    before = talking.process.voluntary_switches
    talking.write(b"x\n" * AT_ONCE)
    ours.answer("c", "bad\n", AT_ONCE)
    talking.expect(b"bad\n" * (AT_ONCE + 1))
    woke = talking.process.voluntary_switches - before
    assert woke < 1.5 * AT_ONCE, f"it had {AT_ONCE} lines to send, and waited for something else than the answers, too"
    talking.kill()

    for nonsense in ("x\n", "\n", "12x\n1", f"{LONGEST_ANSWER + 1}\n", "-3\n", "1" * 25 + "\n"):
        talking = connected(b"1 x\n")
        ours.send("c", nonsense)
        talking.wait().refused(1, f"the answer was {nonsense!r}")


@check(
    points=2,
    hint="`ss -tan` at the end of the input: FIN-WAIT-2 is one who has said all and listens. Does fclose() of one "
    "stream say anything, while another one has a copy of the descriptor? And what is closed if it has none?",
    needs=[BLOCKS],
)
def test_the_client_says_all_and_still_listens(connected, ours, alpha, params):
    """At the end of its input the client ends its own direction only: it waits for the total, prints it, exits."""
    talking = connected(f"1 {params.text}\n".encode())
    ours.send("c", answer(1, params.text))
    talking.expect(block(1, params.text))
    talking.close_stdin()
    assert ours.line("c") == "", "the client sent something more"
    alpha.tcp(remote__port=params.port).wait(ANSWER_S, state="fin_wait2", pids=Length(1))
    talking.sleeps(ASLEEP_S)
    ours.send("c", "total")
    alpha.tcp(remote__port=params.port).wait(ANSWER_S, recv_queue=0)
    assert talking.alive, "the client ended before all of the total had come"
    ours.send("c", f" {params.count}\n")
    assert talking.wait().exited(0).stdout == block(1, params.text) + f"total {params.count}\n".encode()

    talking = connected(b"")
    talking.write(params.more.encode())
    talking.close_stdin()
    assert ours.line("c") == f"{params.more}\n", "what it sent of a last line without a newline"
    ours.send("c", "bad\ntotal 1\n")
    assert ours.line("c") == "", "the client sent something more"
    assert talking.wait().exited(0).stdout == b"bad\ntotal 1\n"

    talking = connected(b"")
    talking.close_stdin()
    assert ours.line("c") == ""
    ours.send("c", "totals\n")
    talking.wait().refused(1, "that is no total")


@check(
    points=2,
    hint="fgets() and fread() give the same at the end and when something is wrong: ferror(3) tells the two apart. And "
    "what becomes of a process that writes into a broken connection?",
    needs=[LINES],
)
def test_server_tells_the_end_from_an_error(listening, clients, beta, params):
    """A client that says all is closed, one that breaks off is broken, while it is read from or written to."""
    running = listening()
    said = [f"open {number}" for number in range(1, 6)]
    ports = clients.connect(beta.ipv4, params.port, "a", "b", "c", "d", "e")
    clients.send("a", f"1 {params.text}\n")
    clients.expect("a", answer(1, params.text))
    logged(running, *said)
    clients.reset("a")
    said.append("broken 1")
    logged(running, *said)

    clients.send("b", f"10000 {params.text}\n", 100)
    deaf = beta.tcp(port=params.port, remote__port=ports[1])
    (pid,) = deaf.wait(ANSWER_S, send_queue=Ge(10_000), pids=Length(1)).pids
    beta.processes(pid=pid).wait(
        ANSWER_S, state="S", syscall__name=In("write", "writev", "sendto", "sendmsg", "poll", "ppoll")
    )
    clients.reset("b")
    said.append("broken 2")
    logged(running, *said)
    # After the end of the client's direction the kernel tells it by SIGPIPE.
    clients.send("e", f"10000 {params.text}\n", 100)
    clients.shut("e")
    beta.tcp(port=params.port, remote__port=ports[4]).wait(ANSWER_S, send_queue=Ge(10_000), state="close_wait")
    clients.reset("e")
    said.append("broken 5")
    logged(running, *said)

    clients.send("c", f"1 {params.text}\n1 {params.more}\n")
    clients.shut("c")
    clients.expect_end("c", answer(1, params.text) + answer(1, params.more) + "total 2\n")
    said.append("closed 3 2")
    logged(running, *said)
    clients.shut("d")
    clients.expect_end("d", "total 0\n")
    said.append("closed 4 0")
    logged(running, *said)
    beta.processes(ppid=running.pid).wait_gone(ANSWER_S)


@check(
    points=2,
    hint="feof(3), ferror(3): which of the two is it? And SIGPIPE ends a program without a word.",
    needs=[BLOCKS],
)
def test_client_tells_the_end_from_an_error(connected, ours, alpha, params):
    """Before an answer is complete: at the end of the connection it exits with 3, when that breaks with 4."""
    part = answer(2, params.text)[:-5]
    for how, status in (("close", 3), ("reset", 4)):
        for piece in (part, part[:1], ""):
            talking = connected(f"2 {params.text}\n".encode())
            ours.send("c", piece)
            alpha.tcp(remote__port=params.port).wait(ANSWER_S, recv_queue=0)
            getattr(ours, how)("c")
            talking.wait().refused(status, f"{how} after '{piece[:20]}'")
        talking = connected(b"")
        talking.close_stdin()
        ours.line("c")
        ours.send("c", "tot")
        alpha.tcp(remote__port=params.port).wait(ANSWER_S, recv_queue=0)
        getattr(ours, how)("c")
        talking.wait().refused(status, f"{how} in the middle of the total")
    for ends_first in (False, True):
        talking = connected(b"")
        if ends_first:  # then the kernel tells it by SIGPIPE
            ours.shut("c")
            alpha.tcp(remote__port=params.port).wait(ANSWER_S, state="close_wait")
        ours.reset("c")
        alpha.tcp(remote__port=params.port, state=In("established", "close_wait")).wait_gone(ANSWER_S)
        talking.write(f"2 {params.text}\n".encode())
        talking.wait().refused(4, "the connection was broken before the line was sent")


@check(
    points=1,
    hint="`strace -c` counts calls. Which of the three ways of buffering has a stream, and who chooses: setvbuf(3)?",
    needs=[LINES],
)
def test_a_long_answer_takes_few_calls(listening, clients, beta, params):
    """The lines of an answer go out together: 1,000 bytes and more with each call of write(), not one line."""
    listening()
    (port,) = clients.connect(beta.ipv4, params.port, "c")
    clients.send("c", "1 a\n")
    clients.expect("c", answer(1, "a"))
    (pid,) = beta.tcp(port=params.port, remote__port=port).wait(ANSWER_S, pids=Length(1)).pids

    def calls():
        found = re.search(r"^syscw: (\d+)$", beta.run("cat /proc/%s/io", str(pid)).stdout, flags=re.MULTILINE)
        if found is None:
            pytest.skip("this kernel does not count calls of write()")
        return int(found[1])

    before = calls()
    expected = answer(3000 + params.count, params.text)
    clients.send("c", f"{3000 + params.count} {params.text}\n")
    clients.expect("c", expected)
    took, allowed = calls() - before, 2 + len(expected) // BYTES_A_WRITE
    assert took <= allowed, f"{took} calls of write() for {len(expected)} bytes, not {allowed} at most"


@check(
    points=1,
    hint="fgets() waits for one client, fflush() for another one. Who waits for the others?",
    needs=[TALKS, LINES],
)
def test_no_client_holds_up_another(listening, clients, client, beta, params):
    """While 18 clients are silent, one stops in the middle of a line and one never reads, others are served at once."""
    running = listening()
    clients.connect(beta.ipv4, params.port, *(f"s{number}" for number in range(CROWD)))
    clients.send("s0", f"{params.count} {params.text}")
    (port,) = clients.connect(beta.ipv4, params.port, "deaf")
    clients.send("deaf", f"10000 {params.text}\n", 100)
    beta.tcp(port=params.port, remote__port=port).wait(ANSWER_S, send_queue=Ge(10_000))
    ended = client.run(stdin=f"{params.count} {params.more}\n".encode()).exited(0)
    assert ended.stdout == block(params.count, params.more) + b"total 1\n"
    clients.send("s0", "\n")
    clients.expect("s0", answer(params.count, params.text))
    running.sleeps(0.3)


@check(
    points=1,
    hint="Who has the listening socket open, and the port with it? `ss -tanp` after the server has gone. And what does "
    "SO_REUSEADDR allow: socket(7)?",
    needs=[TALKS],
)
def test_clients_outlive_the_server(listening, clients, client, beta, params, leftovers):
    """SIGTERM ends the server, not its clients' processes: these go on to their end, while another server listens."""
    first = listening()
    clients.connect(beta.ipv4, params.port, "old")
    first.expect(b"open 1\n")
    clients.send("old", f"1 {params.text}\n")
    clients.expect("old", answer(1, params.text))
    first.signal(SIGTERM)
    first.wait()
    beta.tcp(port=params.port, state="listen").wait_gone(ANSWER_S)
    second = listening()
    assert client.run(stdin=f"1 {params.more}\n".encode()).stdout == block(1, params.more) + b"total 1\n"
    clients.send("old", f"2 {params.text}\n")
    clients.shut("old")
    clients.expect_end("old", answer(2, params.text) + "total 2\n")
    second.signal(SIGTERM)
    second.wait()
    clients.running.kill()
    clients.running.wait()
    beta.processes(comm="server").wait_gone(ANSWER_S)
    assert not leftovers()


@check(
    points=1,
    hint="Our programs run as another user and keep to the contract by the letter. `tcpdump -A` shows what is sent.",
    needs=[TALKS],
)
def test_both_work_with_our_programs(listening, client, reference, ablated, beta, params):
    """Our client is served by the server and the client by our server; where there is none it says so."""
    given = f"{params.count} {params.text}\nx\n1 {params.more}\n".encode()
    expected = block(params.count, params.text) + b"bad\n" + block(1, params.more) + b"total 3\n"
    running = listening()
    assert reference.client.run(stdin=given).exited(0).stdout == expected
    ablated.client.run(stdin=given).refused(1, "it is on a host without a network")
    running.signal(SIGTERM)
    running.wait()
    client.run(stdin=given).refused(1, "nobody listens")
    reference.server.start()
    beta.tcp(port=params.port).wait(ANSWER_S, state="listen")
    assert client.run(stdin=given).exited(0).stdout == expected


@check(
    points=1,
    hint="Which status tells a wrong call from a failure? strtol() tells where a number ends.",
    needs=[PROCESS],
)
def test_what_can_not_be_done_is_said(listening, server, client, beta, params):
    """Wrong arguments: exit status 2. A port that is taken: 1."""
    for args in ([], ["x"], ["0"], ["65536"], ["80x"], [str(params.port), "x"]):
        server.run(args=args).refused(2)
    for args in ([], [beta.ipv4], [beta.ipv4, "x"], [beta.ipv4, "0"], ["beta..", "80"], [beta.ipv4, "80", "x"]):
        client.run(args=args).refused(2)
    listening()
    server.run().refused(1, "another server has the port")
