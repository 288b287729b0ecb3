"""Checks of socketpair: which sockets join the commands, which way bytes go through them, and when they end."""

import re
from os import waitstatus_to_exitcode

import pytest

from orchestrator.checks import PIPE, Contains, In, check

GIVEN = {0, 1, 2}
SIGPIPE, SIGTERM, SIGNALLED = 13, 15, 128
WAIT = "exec sleep 100"
SAYS = "test_r_prints_what_a_command_writes_into_a_socket"
HEARS = "test_w_gives_a_command_what_it_reads"
TALKS = "test_r_plus_talks_with_a_command"
ARROWS = {"-->": "can only be written to", "<--": "can only be read from", "<->": "goes both ways", "---": "is shut"}
"""`ss -x` on a socket, in words."""
LARGE = b"".join(b"%09d\n" % number for number in range(70_000))
"""More than the buffers of both directions hold."""
MOST_COMMANDS = 16
HAS_THESE = "test /proc/$$/fd/0 -ef /proc/$PPID/fd/{} && test /proc/$$/fd/1 -ef /proc/$PPID/fd/{}"
"""A command that ends with 0 if its standard input and output are these descriptors of its parent."""
NO_FD = 99
"""A descriptor that nobody has."""
KEPT = 100_000
"""Of an output so much is kept at each end, at least."""


def told(status):
    """How the exit status of a command that a signal ended is told."""
    return SIGNALLED + status


def has_three(command):
    """Check that a command has the usual three descriptors and no others."""
    more = {one.fd: one.target for one in command.fds if one.fd not in GIVEN}
    assert not more, f"`{command.command}` has more descriptors than three: {more}"


class Joined:
    """A running conduit, its commands, and the sockets between them."""

    def __init__(self, host, running):
        self.host = host
        self.running = running

    def command(self, comm):
        """The command of this name, once it waits for something."""
        return self.host.processes(ppid=self.running.pid, comm=comm).wait(
            timeout_s=2, state="S", syscall__name=In("read", "wait4", "clock_nanosleep")
        )

    def sockets(self):
        """The inodes of the sockets that conduit itself has."""
        process = self.host.processes(pid=self.running.pid).wait(timeout_s=2, state="S")
        pipes = [one.target for one in process.fds if one.kind == "pipe" and one.fd not in GIVEN]
        assert not pipes, f"conduit has made a pipe with pipe(): {pipes}"
        return [one.ino for one in process.fds if one.kind == "socket"]

    def socket(self):
        """The inode of its only socket."""
        inodes = self.sockets()
        assert len(inodes) == 1, f"conduit has {len(inodes)} sockets open, not one"
        return inodes[0]

    def end(self, process, fd):
        """The inode of the stream socket that a command has under a number."""
        one = process.descriptor(fd)
        assert one is not None, f"`{process.command}` has no descriptor {fd}"
        assert one.kind == "socket", f"descriptor {fd} of `{process.command}` is {one.target}, no socket"
        socket = self.host.unix_socket(ino=one.ino).fact
        assert socket is not None, f"descriptor {fd} of `{process.command}` is no Unix socket"
        assert socket.type == "stream", f"descriptor {fd} of `{process.command}` is a {socket.type} socket"
        return one.ino

    def joined(self, one, other):
        """Check that two sockets are the two ends of one pair."""
        peer = self.host.unix_socket(ino=one).peer
        assert peer == other, f"the other end of socket {one} is socket {peer}, not {other}"

    def goes(self, inode, arrow):
        """Check which way bytes can go at a socket, as `ss -xe` shows it."""
        listed = self.host.run("ss -xeH").stdout
        found = re.search(rf"\* {inode}\s+\* \d+.*?([-<]-[->])\s*$", listed, flags=re.MULTILINE)
        assert found, f"ss does not list socket {inode}"
        assert found[1] == arrow, f"the socket {ARROWS[found[1]]}; it should be one that {ARROWS[arrow]}"


class Library:
    """The library as our own program calls it, function by function."""

    def __init__(self, running):
        self.running = running

    def call(self, *words):
        """What a function gave."""
        return self._ask(words)[0]

    def pipe(self):
        """Both ends."""
        ends = self._ask(("pipe",))
        assert ends[0] >= 0, f"sock_pipe() failed, with errno {ends[1]}"
        return ends

    def fails(self, *words):
        """It must give -1 and say why, and leave open what was open before, and nothing else."""
        before = self.fds()
        result, errno = self._ask(words)
        what = f"sock_{words[0]}({', '.join(words[1:])})"
        assert result == -1, f"{what} gave {result}, not -1"
        assert errno != 0, f"{what} gave -1, and errno is 0"
        assert self.fds() == before, f"{what} failed, and of the descriptors {before} there are now {self.fds()}"

    def status(self, pid):
        """The exit status of a child that sock_spawn() has started."""
        assert pid > 0, f"sock_spawn() gave {pid}"
        return waitstatus_to_exitcode(self.call("wait", str(pid)))

    def fds(self):
        """All that it has open while it waits for the next line; before, the loader still has files open."""
        return sorted(one.fd for one in self.running.wait_blocked("read", fd=0).fds)

    def inode(self, fd):
        """Of its socket."""
        return self.running.process.descriptor(fd).ino

    def _ask(self, words):
        answer = self.running.ask(" ".join(words).encode() + b"\n")
        first, second = map(int, answer.split())
        return first, second


@pytest.fixture
def library(drive):
    """The student's."""
    return Library(drive.start(stdin=PIPE))


@pytest.fixture
def start(alpha, conduit):
    """Starts a conduit, with its standard input open."""

    def begin(*words, until=None):
        return Joined(alpha, conduit.start(args=list(words), stdin=PIPE, until=until))

    return begin


@check(
    points=2,
    hint="`ls -l /proc/PID/fd` of conduit and of its command, `ss -xp` for the other ends. Which descriptors outlive "
    "execl()? What does SOCK_CLOEXEC do, socket(2), and what has dup2() to do with it?",
)
def test_r_prints_what_a_command_writes_into_a_socket(start, alpha, params):
    """`r` runs a command whose standard output is a socket of its own, prints what comes at once, ends with it."""
    joined = start("r", f"echo {params.text}; {WAIT}", until=f"{params.text}\n".encode())
    command = joined.command("sleep")
    has_three(command)
    joined.joined(joined.end(command, 1), joined.socket())
    assert command.descriptor(0).kind != "socket", "the command's standard input is a socket, too"
    alpha.run("kill %s", str(command.pid))
    ended = joined.running.wait()
    assert ended.stdout == f"{params.text}\n".encode()


@check(
    points=1,
    hint="The same as `r`, the other way round. Do you hand on what you have read before you read more? And which "
    "descriptors does a command wait for that waits for the end of its input?",
)
def test_w_gives_a_command_what_it_reads(start, params):
    """`w` hands each line at once to a command that reads from a socket, and then the end of its input."""
    joined = start("w", 'while read -r line; do echo "<$line>"; done; echo end')
    command = joined.command("sh")
    joined.joined(joined.end(command, 0), joined.socket())
    for text in (params.text, params.more):
        assert joined.running.ask(f"{text}\n".encode()) == f"<{text}>\n".encode()
    joined.running.close_stdin()
    ended = joined.running.wait().exited(0)
    assert ended.stdout == f"<{params.text}>\n<{params.more}>\nend\n".encode()


@check(
    points=1,
    hint="What shutdown(2) does at one end is seen at the other one, too. `ss -xe` draws an arrow: -->, <--, <->.",
    needs=[SAYS, HEARS],
)
def test_a_pipe_goes_one_way(start, params):
    """The sockets of `r` and `w` go one way only: what a pipe can't do these can't do, either."""
    joined = start("r", WAIT)
    joined.goes(joined.end(joined.command("sleep"), 1), "-->")
    joined.goes(joined.socket(), "<--")
    joined.running.kill()

    joined = start("w", WAIT)
    joined.goes(joined.end(joined.command("sleep"), 0), "<--")
    joined.goes(joined.socket(), "-->")
    joined.running.kill()


@check(
    points=2,
    hint="Which descriptors does the second command inherit that lead to the first one? Which child does waitpid() "
    "wait for, and which one does sock_pclose() want?",
    needs=[HEARS],
)
def test_w_serves_several_commands(start, conduit, alpha, params, leftovers):
    """`w` gives several commands the same, leaves out one that has ended, and tells the status of the last."""
    first, last = ("sed -u s/^/1:/; exit 3", "sed -u s/^/2:/; exit 4"), "read -r line; echo 3:$line; exit 9"
    joined = start("w", *first, last)
    given, running = params.text.encode(), joined.running
    third = alpha.processes(ppid=running.pid, comm="sh", argv=Contains(last)).wait().pid
    running.write(given + b"\n")
    for number in b"123":
        running.expect(b"%c:%s\n" % (number, given))
    alpha.processes(pid=third, state=In("R", "S", "D")).wait_gone()
    for command in first:  # and they wait for more
        has_three(alpha.processes(ppid=running.pid, argv=Contains(command)).wait(state="S", syscall__name="wait4"))
    assert len(joined.sockets()) in {2, 3}, "conduit has not one socket for each command"
    running.write(params.more.encode() + b"\n")
    for number in b"12":
        running.expect(b"%c:%s\n" % (number, params.more.encode()))
    running.close_stdin()
    ended = running.wait().exited(9, "the last of the three commands did")
    expected = [f"{n}:{params.text}" for n in (1, 2, 3)] + [f"{n}:{params.more}" for n in (1, 2)]
    assert sorted(ended.stdout.decode().splitlines()) == sorted(expected)
    ended = conduit.run(args=["w", *MOST_COMMANDS * ["cat"]], stdin=given + b"\n").exited(0)
    assert ended.stdout == MOST_COMMANDS * (given + b"\n"), f"what {MOST_COMMANDS} commands print"
    assert not leftovers()


@check(
    points=2,
    hint="close() ends both directions. What does the command see, and what can it still do, after "
    "shutdown(fd, SHUT_WR)?",
)
def test_r_plus_talks_with_a_command(start, alpha, params):
    """`r+` talks with a command both ways over one socket; at the end of its input it goes on listening."""
    joined = start("r+", f'while read -r line; do echo "<$line>"; done; echo end; {WAIT}')
    command = joined.command("sh")
    ours = joined.socket()
    assert joined.end(command, 0) == joined.end(command, 1), "its standard input and output are not the same socket"
    joined.joined(joined.end(command, 0), ours)
    joined.goes(ours, "<->")
    for text in (params.text, params.more):
        assert joined.running.ask(f"{text}\n".encode()) == f"<{text}>\n".encode()

    joined.running.close_stdin()
    joined.running.expect(b"end\n")
    command = joined.command("sleep")
    joined.goes(ours, "<--")
    alpha.run("kill %s", str(command.pid))
    joined.running.wait()


@check(
    points=2,
    hint="conduit writes, the command reads, writes, and finds its way back full. Who reads there? poll(2) waits for "
    "both ends at once; MSG_DONTWAIT in send(2) takes what there is room for.",
    needs=[TALKS],
)
def test_r_plus_never_waits_for_one_who_waits_for_it(conduit, leftovers):
    """`r+` sends and receives at the same time: however much goes both ways, nobody waits for ever."""
    ended = conduit.run(args=["r+", "tr 0-9 a-j"], stdin=LARGE).exited(0)
    expected = LARGE.translate(bytes.maketrans(b"0123456789", b"abcdefghij"))
    assert ended.stdout_total == len(expected), f"{ended.stdout_total} of {len(expected)} bytes came back"
    assert ended.stdout[:KEPT] == expected[:KEPT]
    assert ended.stdout[-KEPT:] == expected[-KEPT:]
    # One that first says a lot, and reads then.
    ended = conduit.run(args=["r+", f"head -c {len(LARGE)} /dev/zero; wc -c"], stdin=LARGE).exited(0)
    assert ended.stdout.endswith(b"%d\n" % len(LARGE)), "the command did not get all that conduit was given"
    assert not leftovers()


@check(
    points=2,
    hint="Two children, one pair of sockets, and a parent that has neither end open while it waits. In which order do "
    "you start, close and wait?",
)
def test_pipe_joins_two_commands(start, conduit, alpha, params, leftovers):
    """`pipe` joins two commands that run at the same time by a socket that goes one way, and keeps no end of it."""
    joined = start(
        "pipe", f"echo {params.text}; {WAIT}", "exec sed -u s/^/got:/", until=f"got:{params.text}\n".encode()
    )
    writer, reader = joined.command("sleep"), joined.command("sed")
    has_three(writer)
    has_three(reader)
    joined.joined(joined.end(writer, 1), joined.end(reader, 0))
    joined.goes(joined.end(writer, 1), "-->")
    joined.goes(joined.end(reader, 0), "<--")
    assert not joined.sockets(), "conduit itself has an end open: who waits for its closing?"
    alpha.run("kill %s", str(writer.pid))
    joined.running.wait()

    ended = conduit.run(args=["pipe", "cat", "tr 0-9 a-j | wc -c"], stdin=LARGE)
    assert ended.stdout == b"%d\n" % len(LARGE), "the second command did not get all that conduit was given"
    assert not leftovers()


@check(
    points=1,
    hint="What is ignored stays ignored across execve(): signal(7). `grep SigIgn /proc/PID/status` of a command: 1000 "
    "is SIGPIPE. A socket can do without: MSG_NOSIGNAL in send(2).",
    needs=[HEARS, TALKS],
)
def test_a_command_that_stops_reading_ends_nobody(start, conduit, alpha, params):
    """conduit outlives commands that stop reading, and yet SIGPIPE is not ignored in any command."""
    joined = start("w", 'read -r line; echo "$line"; exit 6')
    joined.running.ask(f"{params.text}\n".encode())
    alpha.processes(ppid=joined.running.pid, state=In("R", "S", "D")).wait_gone()
    joined.running.write(f"{params.more}\n".encode())
    joined.running.wait().exited(6, "its only command did, and nobody listens any more")
    for how in ("w", "r+"):
        joined = start(how, WAIT)
        assert SIGPIPE not in joined.command("sleep").sig.ignored, f"a command of `{how}` ignores SIGPIPE"
        joined.running.kill()
        ended = conduit.run(args=[how, "head -n 1; exit 6"], stdin=params.text.encode() + b"\n" + LARGE)
        assert ended.exited(6, "the command did").stdout == f"{params.text}\n".encode()


@check(
    points=1,
    hint="wait(2): WIFEXITED, WIFSIGNALED. Compare with `sh -c COMMAND; echo $?`.",
    needs=[SAYS, HEARS, TALKS],
)
def test_the_status_is_that_of_the_command(conduit):
    """conduit exits with the status of its command, or with 128 and the number of the signal that ended it."""
    for how in ("r", "w", "r+"):
        conduit.run(args=[how, "exit 7"], stdin=b"").exited(7, f"the command of `{how}` did")
        conduit.run(args=[how, "kill -TERM $$"], stdin=b"").exited(told(SIGTERM), "SIGTERM ended the command")
    conduit.run(args=["r", "/no/such/program"], stdin=b"").exited(127, "that is how the shell tells it")
    conduit.run(args=["pipe", "exit 3", "exit 4"], stdin=b"").exited(4, "the second command did")
    conduit.run(args=["pipe", "exit 3", "kill -TERM $$"], stdin=b"").exited(told(SIGTERM), "SIGTERM ended the second")


@check(
    points=1,
    hint="A command sees the end of its input when nobody has the other end open. Has it perhaps itself?",
    needs=[TALKS],
)
def test_nobody_stays_when_conduit_is_killed(start, alpha):
    """When conduit is killed, its commands see the end of their input, and end."""
    for how in ("w", "r+"):
        joined = start(how, "echo up; exec cat", until=b"up\n")
        command = joined.command("cat")
        joined.running.signal(9)
        joined.running.wait()
        alpha.processes(pid=command.pid).wait_gone(timeout_s=2)


@check(
    points=1,
    hint="socketpair() fails when the descriptor table is full: `ulimit -n 4`. Wrong arguments end with 2.",
    needs=[SAYS],
)
def test_what_fails_is_said(conduit):
    """If there can be no socket, conduit says so and exits with 1, before it starts a command. Wrong arguments: 2."""
    for words in (["r", "echo x"], ["w", "echo x"], ["r+", "echo x"], ["pipe", "echo x", "echo y"]):
        conduit.run(args=words, stdin=b"", limits={"nofile": 4}).refused(1)
    for words in (
        [],
        ["r"],
        ["r", "true", "true"],
        ["w"],
        ["r+"],
        ["pipe", "true"],
        ["rw", "true"],
        ["pipe", *3 * ["true"]],
        ["w", *(MOST_COMMANDS + 1) * ["true"]],
    ):
        conduit.run(args=words, stdin=b"").refused(2)


@check(
    points=2,
    hint="A program of yours that includes sockpipe.h, calls one function and sleeps, and `ls -l /proc/PID/fd`. Which "
    "descriptors does execl() keep that you have not made? What if dup2() fails, or its target is the other one of the "
    "two? And which child do you wait for?",
    needs=[SAYS, HEARS],
)
def test_the_library_is_of_use_to_others(library, alpha):
    """In a program of ours: a pair goes one way, a command has three descriptors and is waited for alone."""
    joined = Joined(alpha, library.running)
    reads, writes = library.pipe()
    joined.joined(library.inode(reads), library.inode(writes))
    joined.goes(library.inode(reads), "<--")
    joined.goes(library.inode(writes), "-->")

    others = (library.call("open"), reads, writes)
    for fd in others:
        status = library.status(library.call("spawn", "0", "1", f"test ! -e /proc/$$/fd/{fd}"))
        assert status == 0, f"a command of sock_spawn() has descriptor {fd}, too"
    for ends in ((str(NO_FD), "1"), ("0", str(NO_FD))):
        pid = library.call("spawn", *ends, "exit 0")
        assert pid == -1 or library.status(pid) != 0, f"a command was started, though of {ends} one is no descriptor"
    for ends in (("1", "0"), ("0", "0"), ("1", "1")):
        status = library.status(library.call("spawn", *ends, HAS_THESE.format(*ends)))
        assert status == 0, f"a command of sock_spawn() has something else than {ends} as its standard input and output"

    # Two that have ended and have not been waited for, one that ends when its input does.
    spawned = library.call("spawn", "0", "1", "exit 7")
    reads_on = "read -r line; exit 3"
    first, second = library.call("popen", "w", reads_on), library.call("popen", "w", "exit 5")
    children = {one.pid for one in alpha.processes(ppid=library.running.pid).facts}
    reader = alpha.processes(ppid=library.running.pid, argv=Contains(reads_on)).wait().pid
    for pid in children - {reader}:
        alpha.processes(pid=pid, state="Z").wait()
    for fd, status in ((first, 3), (second, 5)):
        assert waitstatus_to_exitcode(library.call("pclose", str(fd))) == status, "the status of sock_pclose()"
        assert fd not in library.fds(), "sock_pclose() has left its descriptor open"
    assert library.status(spawned) == 7, "the status of a command that sock_pclose() had nothing to do with"


@check(
    points=1,
    hint="Which of your calls can fail, and what is open by then that the caller does not know of? setrlimit(2) with "
    "RLIMIT_NPROC makes fork() fail, with RLIMIT_NOFILE socketpair().",
    needs=[SAYS, HEARS],
)
def test_a_function_that_fails_leaves_nothing_open(library, drive):
    """Each function of the library gives -1 and sets errno when it fails, and then nothing more is open than before."""
    reads, _ = library.pipe()
    for fd in (reads, NO_FD, -1):
        library.fails("pclose", str(fd))
    library.fails("popen", "x", "true")
    ended = library.call("popen", "r", "true")
    library.call("pclose", str(ended))
    library.fails("pclose", str(ended))
    assert library.call("no-more-processes") == 0
    library.fails("spawn", "0", "1", "true")
    for mode in ("r", "w", "r+"):
        library.fails("popen", mode, "true")

    crowded = Library(drive.start(stdin=PIPE, limits={"nofile": 4}))
    crowded.fails("pipe")
    for mode in ("r", "w", "r+"):
        crowded.fails("popen", mode, "true")
