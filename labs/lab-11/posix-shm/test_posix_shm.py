"""Checks of posix-shm: what the kernel shows of the object while two programs talk through it."""

from signal import SIGINT, SIGTERM
from struct import pack

from orchestrator.checks import check

LOOKS_PER_S = 20
CPU_SHARE = 0.05
PAGE_BYTES = 4096
THERE, TAKEN = 1, 2
PEER, STUDENTS = 1999, 1000


def ready(writer, **parameters):
    """A running writer that has left its message."""
    running = writer.start(**parameters)
    running.expect(b"ready\n")
    return running


def note(state, length, rest):
    """The bytes of an object."""
    return pack("=II", state, length) + rest


@check(
    points=1,
    hint="No `ready`? Standard output is a pipe here, not a terminal: stdio keeps a line until fflush(stdout). Else "
    "look while your writer waits: `ls -l /dev/shm`, `ls -l /proc/PID/fd`, `grep shm /proc/PID/maps`.",
)
def test_writer_makes_the_object(writer, alpha, params):
    """The writer makes an object of SIZE bytes and mode 0660 under NAME, maps it shared and closes its descriptor."""
    running = ready(writer)
    made = alpha.posix_shm(params.name).fact
    assert made is not None, f"there is no object {params.name} after `ready`"
    assert made.size == params.size, f"it has {made.size} bytes, {params.size} were asked for"
    assert made.mode & 0o777 == 0o660, f"its mode is {made.mode & 0o777:04o}"
    mappings = [mapping.perms for mapping in running.process.maps if mapping.ino == made.ino]
    assert mappings == ["rw-s"], "the writer must map it once, to read and to write, shared with others"
    assert made.open == (), "the writer still has a descriptor of it"


@check(
    points=1,
    hint="The text, a newline, then the state: `strace ./reader NAME` shows what the reader finds and prints. Does its "
    "last step reach the writer's memory? SIGSEGV and SIGBUS mean that it touched what is not there.",
)
def test_reader_works_with_our_writer(reference, reader, params):
    """The reader prints the message that our writer left, and our writer sees that it has been taken."""
    ours = ready(reference.writer)
    printed = reader.run()
    assert printed.stdout == params.message.encode() + b"\n"
    assert printed.exit == 0, f"exit status {printed.exit}, signal {printed.signal}, not exit status 0"
    assert ours.wait().exit == 0, "our writer did not see that the message was taken"


@check(
    points=1,
    hint="`xxd /dev/shm/NAME` while your writer waits, beside the layout in the brief. Our reader is another user, and "
    "starts when `ready` is seen: standard output is a pipe here, so fflush(stdout).",
)
def test_writer_works_with_our_reader(writer, reference, params):
    """Our reader prints the message that the writer left, and the writer sees that it has been taken."""
    running = ready(writer)
    ours = reference.reader.run()
    assert ours.stdout == params.message.encode() + b"\n"
    assert running.wait().exit == 0, "the writer did not exit with 0 after the message was taken"


@check(
    points=1,
    hint="An object is a file in /dev/shm. What removes a file, and when may that happen? Standard output is a pipe "
    "here: `ready` and `done` need a newline each, and `ready` an fflush(stdout).",
)
def test_nothing_is_left_after_the_exchange(writer, reader, params, leftovers):
    """Writer and reader exchange the message, both exit with 0, and no object or file is left."""
    running = ready(writer)
    assert reader.run().stdout == params.message.encode() + b"\n"
    ended = running.wait()
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"
    assert ended.stdout == b"ready\ndone\n"
    assert not leftovers()


@check(
    points=1,
    hint="Between two looks the writer has to give the CPU away, for 50 ms at least. `time ./writer ...` tells what it "
    "took, `grep ctxt /proc/PID/status` how often it gave it away.",
    needs=["test_writer_makes_the_object"],
)
def test_writer_sleeps_while_it_waits(writer, alpha, params):
    """While nobody comes, the writer waits, looks at most 20 times a second and takes less than 5 % of a CPU."""
    alone = ready(writer).wait(timeout_s=1.0, allow_timeout=True)
    assert alone.timed_out, "the writer ended though nobody had taken the message"
    assert alpha.posix_shm(params.name).exists, "the object was gone though nobody had taken the message"
    assert alone.cpu_s < CPU_SHARE * alone.wall_s, f"{alone.cpu_s:.2f} s of CPU time in {alone.wall_s:.2f} s"
    # A look may cost more than one switch, and starting and printing sleep too: the bound is a generous one.
    assert alone.voluntary_switches < 5 * LOOKS_PER_S * alone.wall_s, (
        f"it gave the CPU away {alone.voluntary_switches} times in {alone.wall_s:.2f} s"
    )


@check(
    points=1,
    hint="Unless a program says otherwise, SIGTERM ends it on the spot: no line after that is executed.",
    needs=["test_writer_makes_the_object"],
)
def test_writer_cleans_up_when_it_is_told_to_stop(writer, leftovers):
    """After SIGTERM and after SIGINT the writer unlinks its object, prints no more and exits with 1."""
    for number in (SIGTERM, SIGINT):
        running = ready(writer)
        running.signal(number)
        ended = running.wait()
        assert not leftovers(), f"left behind after {number.name}"
        assert ended.exit == 1, f"exit status {ended.exit}, signal {ended.signal}, not exit status 1"
        assert ended.stdout == b"ready\n"


@check(
    points=1,
    hint="shm_open() can insist on making an object that is not there yet. What does it say if there is one?",
    needs=["test_writer_works_with_our_reader"],
)
def test_writer_leaves_the_object_of_another_alone(writer, reference, params):
    """If there is an object under NAME already, the writer leaves it as it is, says so and exits with 1."""
    # Two writers of one user: fs.protected_regular may keep a user from opening another's file with O_CREAT.
    first = ready(writer)
    refused = writer.run(message=params.message[::-1])
    assert refused.exit == 1, f"exit status {refused.exit}, signal {refused.signal}, not exit status 1"
    assert refused.stdout == b""
    assert refused.stderr, "it said nothing on standard error"
    assert reference.reader.run().stdout == params.message.encode() + b"\n", "the other's message is not what it was"
    assert first.wait().exit == 0, "the first writer did not exit with 0 after its message was taken"


@check(
    points=1,
    hint="Compare what ftruncate() says with what `df /dev/shm` says. Who finds out, and when, that memory is short?",
    needs=["test_writer_makes_the_object"],
)
def test_writer_takes_no_more_than_there_is(writer, alpha, params):
    """If /dev/shm has less than SIZE bytes left, the writer says so, leaves no object and exits with 1."""
    left_bytes = int(alpha.check_output("df --block-size=1 --output=avail /dev/shm | tail -n 1"))
    refused = writer.run(size=left_bytes + PAGE_BYTES)
    assert refused.exit == 1, f"exit status {refused.exit}, signal {refused.signal}, not exit status 1"
    assert refused.stdout == b""
    assert refused.stderr, "it said nothing on standard error"
    assert not alpha.posix_shm(params.name).exists, "the object is still there"


@check(
    points=1,
    hint="Anybody in your group can write into the object. Which values does your reader use, and what if they lie?",
    needs=["test_reader_works_with_our_writer"],
)
def test_reader_believes_nothing_that_it_has_not_tested(reader, alpha, params):
    """The reader refuses what holds no message, prints exactly as many bytes as there are, and never crashes."""
    lies = {
        "-empty": b"",
        "-new": bytes(64),
        "-taken": note(TAKEN, 5, b"hello" + bytes(51)),
        "-long": note(THERE, 57, b"#" * 56),
        "-huge": note(THERE, 2**32 - 4, b"#" * 56),
    }
    for suffix, content in lies.items():
        alpha.agent.put(f"/dev/shm{params.name}{suffix}", content, mode=0o660, uid=PEER, gid=STUDENTS)
        refused = reader.run(name=params.name + suffix)
        assert refused.exit == 1, f"an object of {len(content)} bytes that begins with {content[:8].hex(' ')}"
        assert refused.stdout == b""
        assert refused.stderr, "it said nothing on standard error"

    message = params.message.encode()
    told = note(THERE, len(message), message + b"#" * 60)
    alpha.agent.put(f"/dev/shm{params.name}", told, mode=0o660, uid=PEER, gid=STUDENTS)
    assert reader.run().stdout == message + b"\n"


@check(
    points=1,
    hint="`ls -l /dev/shm` on both hosts: a name means something on one host only. Who may make an object?",
    needs=["test_reader_works_with_our_writer", "test_writer_works_with_our_reader"],
)
def test_reader_on_another_host_finds_nothing(writer, reader, ablated, island, params):
    """On a host with a /dev/shm of its own the reader fails and makes nothing; on the writer's host it works."""
    ready(writer)
    lost = ablated.reader.run()
    assert lost.exit == 1, f"exit status {lost.exit}, signal {lost.signal}, not exit status 1"
    assert lost.stdout == b""
    assert lost.stderr, "it said nothing on standard error"
    assert not island.posix_shm(params.name).exists, "the reader made an object"
    assert reader.run().stdout == params.message.encode() + b"\n"
