"""Checks of sysv-shm: what the kernel shows of the segment while two programs talk through it."""

from signal import SIGINT, SIGTERM

from orchestrator.checks import check

LOOKS_PER_S = 20
CPU_SHARE = 0.05
WIDE = 8 << 20


def ready(server, **parameters):
    """A running server that has left its message."""
    running = server.start(**parameters)
    running.expect(b"ready\n")
    return running


@check(
    points=1,
    hint="No `ready`? Standard output is a pipe here, not a terminal: stdio keeps a line until fflush(stdout). Else "
    "compare `ipcs -m` while your server waits with what you asked for: key, bytes, perms, nattch.",
)
def test_server_makes_the_segment(server, alpha, params):
    """The server makes a segment of SIZE bytes and mode 0660 under KEY and stays attached to it."""
    running = ready(server)
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
def test_client_works_with_our_server(reference, client, params):
    """The client prints the message that our server left, then marks it, and our server sees the mark."""
    ours = ready(reference.server)
    printed = client.run()
    assert printed.stdout == params.message.encode() + b"\n"
    assert printed.exit == 0, f"exit status {printed.exit}, signal {printed.signal}, not exit status 0"
    assert ours.wait().exit == 0, "our server did not see the mark"


@check(
    points=1,
    hint="Our client knows KEY and SIZE, nothing else, and runs as another user of your group. It starts when your "
    "server's `ready` is seen, and standard output is a pipe here: fflush(stdout).",
)
def test_server_works_with_our_client(server, reference, params):
    """Our client prints the message that the server left, and the server sees its mark."""
    running = ready(server)
    ours = reference.client.run()
    assert ours.stdout == params.message.encode() + b"\n"
    assert running.wait().exit == 0, "the server did not exit with 0 after the mark"


@check(
    points=1,
    hint="A segment outlives every process. Which call removes it, and who makes that call last? Standard output is a "
    "pipe here: `ready` and `done` need a newline each, and `ready` an fflush(stdout).",
)
def test_nothing_is_left_after_the_exchange(server, client, params, leftovers):
    """Server and client exchange the message, both exit with 0, and no segment or file is left."""
    running = ready(server)
    assert client.run().stdout == params.message.encode() + b"\n"
    ended = running.wait()
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"
    assert ended.stdout == b"ready\ndone\n"
    assert not leftovers()


@check(
    points=1,
    hint="Between two looks the server has to give the CPU away, for 50 ms at least. `time ./server ...` tells what it "
    "took, `grep ctxt /proc/PID/status` how often it gave it away.",
    needs=["test_server_makes_the_segment"],
)
def test_server_sleeps_while_it_waits(server, alpha, params):
    """While nobody comes, the server waits, looks at most 20 times a second and takes less than 5 % of a CPU."""
    alone = ready(server).wait(timeout_s=1.0, allow_timeout=True)
    assert alone.timed_out, "the server ended though nobody had left a mark"
    assert alpha.sysv_shm(key=params.key).exists, "the segment was gone though nobody had left a mark"
    assert alone.cpu_s < CPU_SHARE * alone.wall_s, f"{alone.cpu_s:.2f} s of CPU time in {alone.wall_s:.2f} s"
    # A look may cost more than one switch, and starting and printing sleep too: the bound is a generous one.
    assert alone.voluntary_switches < 5 * LOOKS_PER_S * alone.wall_s, (
        f"it gave the CPU away {alone.voluntary_switches} times in {alone.wall_s:.2f} s"
    )


@check(
    points=1,
    hint="Unless a program says otherwise, SIGTERM ends it on the spot: no line after that is executed.",
    needs=["test_server_makes_the_segment"],
)
def test_server_cleans_up_when_it_is_told_to_stop(server, leftovers):
    """After SIGTERM and after SIGINT the server removes its segment, prints no more and exits with 1."""
    for number in (SIGTERM, SIGINT):
        running = ready(server)
        running.signal(number)
        ended = running.wait()
        assert not leftovers(), f"left behind after {number.name}"
        assert ended.exit == 1, f"exit status {ended.exit}, signal {ended.signal}, not exit status 1"
        assert ended.stdout == b"ready\n"


@check(
    points=1,
    hint="shmget() can insist on making a segment that is not there yet. What does it say if there is one?",
    needs=["test_server_makes_the_segment"],
)
def test_server_leaves_the_segment_of_another_alone(server, reference, params):
    """If there is a segment under KEY already, the server leaves it as it is, says so and exits with 1."""
    ready(reference.server)
    refused = server.run(message=params.message[::-1])
    assert refused.exit == 1, f"exit status {refused.exit}, signal {refused.signal}, not exit status 1"
    assert refused.stdout == b""
    assert refused.stderr, "it said nothing on standard error"
    assert reference.client.run().stdout == params.message.encode() + b"\n", "the other's message is not what it was"


@check(
    points=1,
    hint="A string is its characters and a NUL. Who says that there is one in memory that others write to?",
    needs=["test_client_works_with_our_server", "test_server_works_with_our_client"],
)
def test_both_stay_within_the_segment(server, client, reference, alpha, params):
    """The server refuses a message that does not fit with its NUL; the client prints no more than SIZE bytes."""
    message = params.message.encode()
    refused = server.run(size=len(message))
    assert refused.exit == 2, "SIZE was the length of the message: no room for the NUL"
    assert refused.stderr, "it said nothing on standard error"
    assert not alpha.sysv_shm(key=params.key).exists, "it made a segment all the same"

    ours = ready(reference.server)
    assert client.run(size=len(message) // 2).stdout == message[: len(message) // 2] + b"\n"
    ours.wait()

    fitting = ready(server, size=len(message) + 1)
    assert reference.client.run(size=len(message) + 1).stdout == message + b"\n"
    assert fitting.wait().exit == 0, "the server did not exit with 0 after the mark"


@check(
    points=1,
    hint="Read RETURN VALUE in shmget(2) and in shmop(2): they do not report a failure in the same way.",
    needs=["test_client_works_with_our_server"],
)
def test_client_says_so_when_it_cannot_attach(client, reference):
    """If the segment is too small or can't be attached, the client says so, prints no message and exits with 1."""
    ready(reference.server, size=WIDE)
    too_small = client.run(size=WIDE + 1)
    # shmget() finds it, but shmat() has no room for it in an address space of the same size.
    no_room = client.run(size=WIDE, limits={"as": WIDE})
    for failed in (too_small, no_room):
        assert failed.exit == 1, f"exit status {failed.exit}, signal {failed.signal}, not exit status 1"
        assert failed.stdout == b""
        assert failed.stderr, "it said nothing on standard error"


@check(
    points=1,
    hint="`ipcs -m` on both hosts: a key means something within one IPC namespace only. Who may make a segment?",
    needs=["test_client_works_with_our_server", "test_server_works_with_our_client"],
)
def test_client_on_another_host_finds_nothing(server, client, ablated, island, params):
    """On a host with an IPC namespace of its own the client fails and makes nothing; on the server's host it works."""
    ready(server)
    lost = ablated.client.run()
    assert lost.exit == 1, f"exit status {lost.exit}, signal {lost.signal}, not exit status 1"
    assert lost.stdout == b""
    assert lost.stderr, "it said nothing on standard error"
    assert not island.sysv_shm(key=params.key).exists, "the client made a segment"
    assert client.run().stdout == params.message.encode() + b"\n"
