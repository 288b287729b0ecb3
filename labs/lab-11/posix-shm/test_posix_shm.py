"""Checks of posix-shm: what the kernel shows of the object while two programs talk through it."""

from signal import SIGCONT, SIGINT, SIGSTOP, SIGTERM
from struct import pack

from orchestrator.checks import check

READY = b"ready\n"
LOOKS_PER_S = 20
CPU_SHARE = 0.05
REACTS_S = 0.75
"""Half a second until the next look, and a quarter for a machine that others use, too."""
STOPS_S = 1.5
"""A second, and half of one for the same reason."""
PAGE_BYTES = 4096
BLOCK_BYTES = 512
HEADER_BYTES = 8
THERE, TAKEN, UNHEARD_OF = 1, 2, 3
PEER, STUDENTS = 1999, 1000


def note(state, length, rest):
    """The bytes of an object."""
    return pack("=II", state, length) + rest


def meddle(peer, data=b"", **parameters):
    """The bytes of the object; then another process of the group puts `data` at their beginning."""
    other = peer("alpha/right", "raw_note.py", "{name}").run(stdin=data, **parameters)
    other.exited(0, "another process of the group can't open the object")
    return other.stdout


@check(
    points=1,
    hint="No `ready`? Standard output is a pipe here, not a terminal: stdio keeps a line until fflush(stdout). Else "
    "look while your writer waits: `ls -l /dev/shm`, `ls -l /proc/PID/fd`, `grep shm /proc/PID/maps`.",
)
def test_writer_makes_the_object(writer, alpha, params):
    """The writer makes an object of SIZE bytes and mode 0660 under NAME, maps it shared and closes its descriptor."""
    running = writer.start(until=READY)
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
def test_reader_works_with_our_writer(reference, reader, peer, params):
    """The reader prints what is in our writer's object by then, and changes the state only; our writer sees it."""
    ours = reference.writer.start(until=READY)
    ours.signal(SIGSTOP)  # so that the object is still there when it says that the message was taken
    text = f"{params.other}%d".encode()
    left = note(THERE, len(text), text).ljust(params.size, b"#")
    meddle(peer, left)
    printed = reader.run()
    assert printed.stdout == text + b"\n"
    printed.exited(0)
    assert meddle(peer) == pack("=I", TAKEN) + left[4:], "the state is not 2, or other bytes have changed"
    ours.signal(SIGCONT)
    ours.wait().exited(0, "our writer did not see that the message was taken")


@check(
    points=1,
    hint="`xxd /dev/shm/NAME` while your writer waits, beside the layout in the brief. Our reader is another user, and "
    "starts when `ready` is seen: standard output is a pipe here, so fflush(stdout).",
)
def test_writer_works_with_our_reader(writer, reference, params):
    """Our reader prints the message that the writer left, and the writer sees that it has been taken."""
    running = writer.start(until=READY)
    ours = reference.reader.run()
    assert ours.stdout == params.message.encode() + b"\n"
    running.wait().exited(0, "the writer did not exit with 0 after the message was taken")


@check(
    points=1,
    hint="An object is a file in /dev/shm. What removes a file, and when may that happen? Standard output is a pipe "
    "here: `ready` and `done` need a newline each, and `ready` an fflush(stdout).",
)
def test_nothing_is_left_after_the_exchange(writer, reader, params, leftovers):
    """Writer and reader exchange the message, both exit with 0, and no object or file is left."""
    running = writer.start(until=READY)
    printed = reader.run()
    assert printed.stdout == params.message.encode() + b"\n"
    printed.exited(0)
    ended = running.wait()
    ended.exited(0)
    assert ended.stdout == b"ready\ndone\n"
    assert not leftovers()


@check(
    points=1,
    hint="Only state 2 says that the message was taken, whenever it comes. Between two looks the writer has to give "
    "the CPU away, for 50 ms at least and 500 ms at most. `time ./writer ...` tells what it took, `grep ctxt "
    "/proc/PID/status` how often it gave it away.",
    needs=["test_writer_makes_the_object"],
)
def test_writer_sleeps_while_it_waits(writer, peer, alpha, params):
    """The writer waits for state 2 and nothing else, looks 2 to 20 times a second, takes less than 5 % of a CPU."""
    waiting = writer.start(until=READY)
    # The other one was started later and ends earlier: it is the state that counts, not the time.
    taken = writer.start(until=READY, name=params.other_name)
    meddle(peer, note(TAKEN, 5, b"hello"), name=params.other_name)
    meddle(peer, note(UNHEARD_OF, 5, b"hello"))
    taken.wait(timeout_s=REACTS_S).exited(0, "the writer did not exit with 0 after the message was taken")
    alone = waiting.leave_alone(params.alone_ms / 1000)
    assert alpha.posix_shm(params.name).exists, "the object was gone though nobody had taken the message"
    # A look may cost more than one switch, and starting and printing sleep too: the bound is a generous one.
    alone.idle(CPU_SHARE, switches_per_s=5 * LOOKS_PER_S)


@check(
    points=1,
    hint="Unless a program says otherwise, SIGTERM ends it on the spot: no line after that is executed. And may a "
    "program say `done` before it knows that it is?",
    needs=["test_writer_makes_the_object"],
)
def test_writer_cleans_up_when_it_is_told_to_stop(writer, peer, alpha, params, leftovers):
    """After SIGTERM, after SIGINT and if its object is gone already the writer is not `done` and exits with 1."""
    for number in (SIGTERM, SIGINT):
        running = writer.start(until=READY)
        running.signal(number)
        ended = running.wait(timeout_s=STOPS_S)
        assert not leftovers(), f"left behind after {number.name}"
        ended.exited(1)
        assert ended.stdout == b"ready\n"

    robbed = writer.start(until=READY)
    robbed.signal(SIGSTOP)
    meddle(peer, pack("=I", TAKEN))
    alpha.check_output("rm /dev/shm%s", params.name)
    robbed.signal(SIGCONT)
    ended = robbed.wait()
    ended.exited(1, "it exited as if it had unlinked its object, which somebody else had done before")
    assert ended.stdout == b"ready\n"
    assert ended.stderr, "it said nothing on standard error"


@check(
    points=1,
    hint="shm_open() can insist on making an object that is not there yet. What does it say if there is one?",
    needs=["test_writer_works_with_our_reader"],
)
def test_writer_leaves_the_object_of_another_alone(writer, reference, params):
    """If there is an object NAME already, in use or not, the writer leaves it as it is, says so and exits with 1."""
    # Two writers of one user: fs.protected_regular may keep a user from opening another's file with O_CREAT.
    first = writer.start(until=READY)
    writer.run(message=params.other).refused(1)
    first.kill()
    writer.run(message=params.other).refused(1)
    assert reference.reader.run().stdout == params.message.encode() + b"\n", "the other's message is not what it was"


@check(
    points=1,
    hint="Compare what ftruncate() says with what `df /dev/shm` says. Who finds out, and when, that memory is short? "
    "And that there is no room in the address space?",
    needs=["test_writer_makes_the_object"],
)
def test_writer_takes_no_more_than_there_is(writer, alpha, params):
    """The writer has memory for all SIZE bytes, or else says so, leaves no object and exits with 1."""
    alpha.check_output("fallocate --length %s /dev/shm%s-full", str(params.wide), params.name)
    left_bytes = int(alpha.check_output("df --block-size=1 --output=avail /dev/shm | tail -n 1"))
    writer.run(size=left_bytes + PAGE_BYTES).refused(1)
    assert not alpha.posix_shm(params.name).exists, "the object is still there, though there was no memory for it"

    size_bytes = left_bytes - PAGE_BYTES
    # The object gets its memory, but mmap() has no room for it in an address space of the same size.
    writer.run(size=size_bytes, limits={"as": size_bytes}).refused(1)
    assert not alpha.posix_shm(params.name).exists, "the object is still there, though mmap() has failed"

    writer.start(until=READY, size=size_bytes)
    blocks = int(alpha.check_output("stat --format=%%b /dev/shm%s", params.name))
    assert blocks * BLOCK_BYTES >= size_bytes, f"there is memory for {blocks * BLOCK_BYTES} bytes of {size_bytes}"


@check(
    points=1,
    hint="Anybody in your group can write into the object. Which values does your reader use, and what if they lie?",
    needs=["test_reader_works_with_our_writer"],
)
def test_reader_believes_nothing_that_it_has_not_tested(reader, alpha, params):
    """The reader refuses what holds no message, leaves it as it is, and never crashes."""
    message, rest = params.message.encode(), b"#" * (params.size - HEADER_BYTES)
    lies = {
        "-empty": b"",
        "-short": note(THERE, 0, b"")[:-1],
        "-new": bytes(params.size),
        "-taken": note(TAKEN, 5, rest),
        "-odd": note(THERE + 256, 5, rest),
        "-long": note(THERE, len(rest) + 1, rest),
        "-huge": note(THERE, 2**32 - 4, rest),
    }
    for suffix, content in lies.items():
        path = f"/dev/shm{params.name}{suffix}"
        alpha.agent.put(path, content, mode=0o660, uid=PEER, gid=STUDENTS)
        reader.run(name=params.name + suffix).refused(1)
        assert alpha.agent.get(path).data == content, "the reader changed what it refused"

    # The last byte of this object is the last one of its text.
    alpha.agent.put(f"/dev/shm{params.name}", note(THERE, len(message), message), mode=0o660, uid=PEER, gid=STUDENTS)
    assert reader.run().stdout == message + b"\n"


@check(
    points=1,
    hint="Read RETURN VALUE in shm_open(3) and in mmap(2): they do not report a failure in the same way. Who maps an "
    "object needs no memory of its own for it.",
    needs=["test_reader_works_with_our_writer"],
)
def test_reader_says_so_when_it_cannot_map(reader, alpha, params):
    """The reader maps the object; if that fails, or it can't be opened to write, it says so and exits with 1."""
    path, content = f"/dev/shm{params.name}", note(THERE, len(params.message), params.message.encode())
    alpha.agent.put(path, content, mode=0o640, uid=PEER, gid=STUDENTS)
    reader.run().refused(1)
    alpha.agent.put(path, content, mode=0o660, uid=PEER, gid=STUDENTS)
    alpha.check_output("truncate --no-create --size=%s %s", str(params.wide), path)
    reader.run(limits={"as": params.wide}).refused(1)
    # A shared mapping is not among the data that a process may have, a copy of the object is: getrlimit(2).
    mapped = reader.run(limits={"data": params.wide // 2})
    assert mapped.stdout == params.message.encode() + b"\n", "there is room for the object, but not for a copy of it"


@check(
    points=1,
    hint="`ls -l /dev/shm` on both hosts: a name means something on one host only. Who may make an object?",
    needs=["test_reader_works_with_our_writer", "test_writer_works_with_our_reader"],
)
def test_reader_on_another_host_finds_nothing(writer, reader, ablated, alpha, island, params):
    """Under another name and on a host with a /dev/shm of its own the reader fails and makes nothing."""
    writer.start(until=READY)
    reader.run(name=params.other_name).refused(1)
    assert not alpha.posix_shm(params.other_name).exists, "the reader made an object"
    ablated.reader.run().refused(1)
    assert not island.posix_shm(params.name).exists, "the reader made an object"
    assert reader.run().stdout == params.message.encode() + b"\n"


@check(
    points=1,
    hint="The starters read the arguments as the brief wants it; look at what you have changed there. `echo $?` prints "
    "the exit status. And what has to fit into SIZE bytes beside MESSAGE?",
    needs=["test_reader_works_with_our_writer", "test_writer_works_with_our_reader"],
)
def test_both_read_their_arguments(writer, reader, params, leftovers):
    """Both refuse wrong arguments, and the writer what does not fit: a line on standard error, exit with 2."""
    name, size, message = params.name, str(params.size), params.message
    for wrong in ([], [name, size], [name, size, message, message], [name, "0", message], [name, "size", message],
                  [name, f"{size}x", message]):  # fmt: skip
        writer.run(args=wrong).refused(2)
    for narrow in (len(message) + HEADER_BYTES - 1, len(message), params.size % HEADER_BYTES + 1):
        writer.run(size=narrow).refused(2)
    for wrong in ([], [name, size]):
        reader.run(args=wrong).refused(2)
    assert not leftovers(), "an object was made all the same"

    writer.start(until=READY, size=len(message) + HEADER_BYTES)
    assert reader.run().stdout == message.encode() + b"\n"
