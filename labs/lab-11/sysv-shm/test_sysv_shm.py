"""Checks of sysv-shm: what the kernel shows of the segment while two programs talk through it."""

from signal import SIGCONT, SIGINT, SIGSTOP, SIGTERM

from orchestrator.checks import check

READY = b"ready\n"
LOOKS_PER_S = 20
CPU_SHARE = 0.05
REACTS_S = 0.75
"""Half a second until the next look, and a quarter for a machine that others use, too."""
STOPS_S = 1.5
"""A second, and half of one for the same reason."""


def meddle(peer, data=b"", **parameters):
    """The bytes of the segment; then another process of the group puts `data` at their beginning."""
    other = peer("alpha/right", "raw_segment.py", "{key}", "{size}").run(stdin=data, **parameters)
    other.exited(0, "another process of the group can't attach the segment")
    return other.stdout


@check(
    points=1,
    hint="No `ready`? Standard output is a pipe here, not a terminal: stdio keeps a line until fflush(stdout). Else "
    "compare `ipcs -m` while your server waits with what you asked for: key, bytes, perms, nattch.",
)
def test_server_makes_the_segment(server, alpha, params):
    """The server makes a segment of SIZE bytes and mode 0660 under KEY and stays attached to it."""
    running = server.start(until=READY)
    segment = alpha.sysv_shm(key=params.key).fact
    assert segment is not None, f"there is no segment under key {params.key} ({params.key:#010x}) after `ready`"
    assert segment.cpid == running.pid, "somebody else made the segment"
    assert segment.size == params.size, f"it has {segment.size} bytes, {params.size} were asked for"
    assert segment.mode == 0o660, f"its mode is {segment.mode:04o}"
    assert segment.nattch == 1, f"{segment.nattch} are attached to it while the server waits"


@check(
    points=1,
    hint="The message, a newline, then the mark: `strace ./client KEY SIZE` shows what the client finds and prints. "
    "SIGSEGV means that it touched what is not there: what did shmat() return, and was it looked at?",
)
def test_client_works_with_our_server(reference, client, peer, params):
    """The client prints what is in our server's segment by then, and marks its first byte only; our server sees it."""
    ours = reference.server.start(until=READY)
    ours.signal(SIGSTOP)  # so that the segment is still there when the mark is
    text = f"{params.other}%d".encode()
    left = (text + b"\0").ljust(params.size, b"#")
    meddle(peer, left)
    printed = client.run()
    assert printed.stdout == text + b"\n"
    printed.exited(0)
    assert meddle(peer) == b"*" + left[1:], "the first byte is not `*`, or others have changed"
    ours.signal(SIGCONT)
    ours.wait().exited(0, "our server did not see the mark")


@check(
    points=1,
    hint="Our client knows KEY and SIZE, nothing else, and runs as another user of your group. It starts when your "
    "server's `ready` is seen, and standard output is a pipe here: fflush(stdout).",
)
def test_server_works_with_our_client(server, reference, params):
    """Our client prints the message that the server left, and the server sees its mark."""
    running = server.start(until=READY)
    ours = reference.client.run()
    assert ours.stdout == params.message.encode() + b"\n"
    running.wait().exited(0, "the server did not exit with 0 after the mark")


@check(
    points=1,
    hint="A segment outlives every process. Which call removes it, and who makes that call last? Standard output is a "
    "pipe here: `ready` and `done` need a newline each, and `ready` an fflush(stdout).",
)
def test_nothing_is_left_after_the_exchange(server, client, params, leftovers):
    """Server and client exchange the message, both exit with 0, and no segment or file is left."""
    running = server.start(until=READY)
    printed = client.run()
    assert printed.stdout == params.message.encode() + b"\n"
    printed.exited(0)
    ended = running.wait()
    ended.exited(0)
    assert ended.stdout == b"ready\ndone\n"
    assert not leftovers()


@check(
    points=1,
    hint="Only a `*` in the first byte is the mark, whenever it comes. Between two looks the server has to give the "
    "CPU away, for 50 ms at least and 500 ms at most. `time ./server ...` tells what it took, `grep ctxt "
    "/proc/PID/status` how often it gave it away.",
    needs=["test_server_makes_the_segment"],
)
def test_server_sleeps_while_it_waits(server, peer, alpha, params):
    """The server waits for the mark and nothing else, looks 2 to 20 times a second, takes less than 5 % of a CPU."""
    waiting = server.start(until=READY)
    # The other one was started later and ends earlier: it is the mark that counts, not the time.
    marked = server.start(until=READY, key=params.other_key)
    meddle(peer, b"*" + params.other.encode(), key=params.other_key)
    meddle(peer, b"+" + params.other[1:].encode())  # no message begins like that
    marked.wait(timeout_s=REACTS_S).exited(0, "the server did not exit with 0 after the mark")
    alone = waiting.leave_alone(params.alone_ms / 1000)
    assert alpha.sysv_shm(key=params.key).exists, "the segment was gone though nobody had left a mark"
    # A look may cost more than one switch, and starting and printing sleep too: the bound is a generous one.
    alone.idle(CPU_SHARE, switches_per_s=5 * LOOKS_PER_S)


@check(
    points=1,
    hint="Unless a program says otherwise, SIGTERM ends it on the spot: no line after that is executed. What is there "
    "to remove when shmat() fails? And may a program say `done` before it knows that it is?",
    needs=["test_server_makes_the_segment"],
)
def test_server_cleans_up_when_it_is_told_to_stop(server, peer, alpha, params, leftovers):
    """After SIGTERM, after SIGINT and after a call that fails the server removes its segment and exits with 1."""
    for number in (SIGTERM, SIGINT):
        running = server.start(until=READY)
        running.signal(number)
        ended = running.wait(timeout_s=STOPS_S)
        assert not leftovers(), f"left behind after {number.name}"
        ended.exited(1)
        assert ended.stdout == b"ready\n"

    # There is no room for so much in an address space of the same size.
    server.run(size=params.wide, limits={"as": params.wide}).refused(1)
    assert not leftovers(), "left behind after shmat() has failed"

    robbed = server.start(until=READY)
    robbed.signal(SIGSTOP)
    meddle(peer, b"*")
    alpha.agent.remove(**alpha.sysv_shm(key=params.key).wait().removal())
    robbed.signal(SIGCONT)
    ended = robbed.wait()
    # shmctl() fails for who has detached already, and removes it once more for who has not.
    assert (ended.exit, ended.stdout) in ((1, b"ready\n"), (0, b"ready\ndone\n")), (
        f"somebody else has removed the segment: exit status {ended.exit} after {ended.stdout!r}"
    )


@check(
    points=1,
    hint="shmget() can insist on making a segment that is not there yet. What does it say if there is one?",
    needs=["test_server_makes_the_segment"],
)
def test_server_leaves_the_segment_of_another_alone(server, reference, peer, params):
    """If there is a segment under KEY already, in use or not, the server leaves it as it is, says so, exits with 1."""
    reference.server.start(until=READY)
    server.run(message=params.other).refused(1)
    assert reference.client.run().stdout == params.message.encode() + b"\n", "the other's message is not what it was"

    # Nobody is attached to this one, and it belongs to the user that the server runs as.
    server.start(until=READY, key=params.other_key).kill()
    left = meddle(peer, key=params.other_key)
    server.run(key=params.other_key, message=params.other).refused(1)
    assert meddle(peer, key=params.other_key) == left, "the segment is not what it was"


@check(
    points=1,
    hint="A string is its characters and a NUL. Who says that there is one in memory that others write to?",
    needs=["test_client_works_with_our_server", "test_server_works_with_our_client"],
)
def test_both_stay_within_the_segment(server, client, reference, params, leftovers):
    """The server refuses a message that does not fit with its NUL; the client prints no more than SIZE bytes."""
    message = params.message.encode()
    for size in (len(message), params.size % (len(message) - 1) + 1):
        server.run(size=size).refused(2)
        assert not leftovers(), "it made a segment all the same"

    ours = reference.server.start(until=READY)
    assert client.run(size=len(message) // 2).stdout == message[: len(message) // 2] + b"\n"
    ours.wait()

    fitting = server.start(until=READY, size=len(message) + 1)
    assert reference.client.run(size=len(message) + 1).stdout == message + b"\n"
    fitting.wait().exited(0, "the server did not exit with 0 after the mark")


@check(
    points=1,
    hint="Read RETURN VALUE in shmget(2) and in shmop(2): they do not report a failure in the same way.",
    needs=["test_client_works_with_our_server"],
)
def test_client_says_so_when_it_cannot_attach(client, reference, params):
    """If the segment is too small or can't be attached, the client says so, prints no message and exits with 1."""
    reference.server.start(until=READY, size=params.wide)
    client.run(size=params.wide + 1).refused(1)
    # shmget() finds it, but shmat() has no room for it in an address space of the same size.
    client.run(size=params.wide, limits={"as": params.wide}).refused(1)
    assert client.run(size=params.wide).stdout == params.message.encode() + b"\n", "with room enough"


@check(
    points=1,
    hint="`ipcs -m` on both hosts: a key means something within one IPC namespace only. Who may make a segment?",
    needs=["test_client_works_with_our_server", "test_server_works_with_our_client"],
)
def test_client_on_another_host_finds_nothing(server, client, ablated, alpha, island, params):
    """Under another key and on a host with an IPC namespace of its own the client fails and makes nothing."""
    server.start(until=READY)
    client.run(key=params.other_key).refused(1)
    assert not alpha.sysv_shm(key=params.other_key).exists, "the client made a segment"
    ablated.client.run().refused(1)
    assert not island.sysv_shm(key=params.key).exists, "the client made a segment"
    assert client.run().stdout == params.message.encode() + b"\n"


@check(
    points=1,
    hint="The starters read the arguments as the brief wants it; look at what you have changed there. `echo $?` prints "
    "the exit status, and strtoul() knows 0x when its base is 0.",
    needs=["test_client_works_with_our_server", "test_server_works_with_our_client"],
)
def test_both_read_their_arguments(server, client, params, leftovers):
    """Both take hexadecimal numbers, refuse wrong arguments with a line on standard error, and exit with 2 then."""
    key, size, message = str(params.key), str(params.size), params.message
    for wrong in ([], [key, size], [key, size, message, message], ["0", size, message], [key, "0", message],
                  [f"{key}x", size, message], [key, "size", message], [key, size, f"*{message}"]):  # fmt: skip
        server.run(args=wrong).refused(2)
    for wrong in ([], [key], [key, size, message], ["0", size], [key, "0"], [f"{key}x", size], [key, "size"]):
        client.run(args=wrong).refused(2)
    assert not leftovers(), "a segment was made all the same"

    server.start(until=READY, args=[f"{params.key:#x}", f"{params.size:#x}", message])
    assert client.run(args=[f"{params.key:#x}", f"{params.size:#x}"]).stdout == f"{message}\n".encode()
