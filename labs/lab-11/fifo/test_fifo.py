"""Checks of fifo: who waits where, what comes out of the reader, and what is left."""

from signal import SIGCONT, SIGINT, SIGSTOP, SIGTERM

from orchestrator.checks import PIPE, check

WAITS = "test_reader_makes_a_fifo_and_waits_for_a_writer"
PRINTS = "test_reader_prints_each_line_as_soon_as_it_is_complete"
FILLER = b"." * 63 + b"\n"
FILLERS = (64 << 10) // len(FILLER) - 1
"""A pipe holds 64 KiB: pipe(7)."""


def waiting(reader, alpha, params):
    """A running reader that has made its FIFO."""
    running = reader.start()
    alpha.fifo(params.path).wait(timeout_s=3)
    return running


def fill(reading, peer, alpha):
    """Stop the reader and fill its FIFO, but for room that a name has and a line has not."""
    filler = peer("alpha/right", "raw_writer.py", "{path}", "at-once").start(stdin=PIPE)
    reading.wait_blocked("read")
    reading.signal(SIGSTOP)
    alpha.processes(pid=reading.pid).wait(state="T")
    filler.write(FILLER * FILLERS)
    filler.close_stdin()
    filler.wait()
    return reading


def line(name, text):
    """What the reader prints of a writer's line."""
    return f"{name}: {text}\n".encode()


@check(
    points=1,
    hint="`ls -l /ipc` shows type and mode, `strace ./reader PATH` where it waits. What does fifo(7) say of open()?",
)
def test_reader_makes_a_fifo_and_waits_for_a_writer(reader, alpha, params):
    """The reader makes a FIFO with mode 0660 and sleeps in open() until a writer comes."""
    running = waiting(reader, alpha, params)
    assert alpha.fifo(params.path).mode == 0o660, f"its mode is {alpha.fifo(params.path).mode:04o}"
    running.wait_blocked("openat", path=params.path)


@check(
    points=1,
    hint="Standard output is a pipe here, not a terminal. When does stdio hand over what it was given to print?",
    needs=[WAITS],
)
def test_reader_prints_each_line_as_soon_as_it_is_complete(reader, writer, alpha, params):
    """Each line that a writer is given is printed by the reader at once; then the reader sleeps in read()."""
    reading = waiting(reader, alpha, params)
    writing = writer.start(stdin=PIPE)
    for text in (params.text, params.more):
        writing.write(f"{text}\n".encode())
        reading.expect(line(params.name, text))
        reading.wait_blocked("read", target=params.path)
    fifo = alpha.fifo(params.path)
    assert reading.pid in fifo.readers, "the reader does not have the FIFO open for reading"
    assert writing.pid in fifo.writers, "the writer does not have the FIFO open for writing"


@check(
    points=1,
    hint="read() says end of file when *nobody* has the FIFO open for writing any more. `lsof PATH` lists who has.",
    needs=[PRINTS],
)
def test_reader_ends_when_the_last_writer_has_closed(reader, writer, alpha, params):
    """The reader goes on when one of two writers has gone, and ends with the count of lines when both have."""
    reading = waiting(reader, alpha, params)
    first = writer.start(stdin=PIPE)
    second = writer.start(stdin=PIPE, name=params.other)
    first.write(f"{params.text}\n".encode())
    reading.expect(line(params.name, params.text))
    second.write(f"{params.text}\n".encode())
    reading.expect(line(params.other, params.text))

    first.close_stdin()
    assert first.wait().exit == 0, "the first writer did not exit with 0 at the end of its input"
    second.write(f"{params.more}\n".encode())
    reading.expect(line(params.other, params.more))
    second.close_stdin()
    assert second.wait().exit == 0, "the second writer did not exit with 0 at the end of its input"
    ended = reading.wait()
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"
    assert ended.stdout.endswith(line(params.other, params.more) + b"lines: 3\n")


@check(
    points=1,
    hint="A FIFO carries bytes. One read() may return half a line, or two and a half: pipe(7).",
    needs=[PRINTS],
)
def test_reader_puts_lines_together_from_pieces(reader, peer, alpha, params):
    """A line that comes in two pieces is printed as one line, and two lines that come in one piece as two."""
    reading = waiting(reader, alpha, params)
    pieces = peer("alpha/right", "raw_writer.py", "{path}", "pieces").start(stdin=PIPE)
    half, rest = params.text[:4].encode(), params.text[4:].encode()

    pieces.write(half)
    pieces.expect(f"{len(half)} bytes\n".encode())
    reading.wait_blocked("read", target=params.path)
    assert reading.output().stdout == b"", "half a line was printed"
    pieces.write(rest + b"\n" + params.more.encode() + b"\n" + half)
    reading.expect(params.more.encode() + b"\n")
    pieces.write(rest + b"\n")
    pieces.close_stdin()
    whole = half + rest + b"\n"
    assert reading.wait().stdout == whole + params.more.encode() + b"\n" + whole + b"lines: 3\n"


@check(
    points=1,
    hint="Which write() calls of several writers does a pipe keep apart? Look for PIPE_BUF in pipe(7), and count "
    "yours: strace -e write ./writer PATH NAME",
    needs=[PRINTS],
)
def test_lines_of_several_writers_do_not_mix(reader, writer, peer, alpha, params):
    """Three writers find the FIFO nearly full; each of their lines comes out whole."""
    names = (params.name, params.other, params.name[::-1] + "x")
    texts = [f"{number} {params.text * 12}" for number in range(20)]
    reading = fill(waiting(reader, alpha, params), peer, alpha)
    writers = [writer.start(stdin="".join(f"{text}\n" for text in texts).encode(), name=name) for name in names]
    for writing in writers:
        writing.wait_blocked("write")
    reading.signal(SIGCONT)
    for writing in writers:
        assert writing.wait().exit == 0, "a writer did not exit with 0 at the end of its input"
    printed = reading.wait().stdout.splitlines(keepends=True)
    expected = {line(name, text) for name in names for text in texts}
    torn = [one for one in printed[:-1] if one not in expected and one != FILLER]
    assert not torn[:1], "the reader printed a line that no writer wrote"
    assert printed[-1] == f"lines: {FILLERS + len(expected)}\n".encode()


@check(
    points=1,
    hint="What happens to a process that writes into a pipe without a reader? pipe(7) names a signal and an error.",
    needs=[PRINTS],
)
def test_writer_outlives_its_reader(reader, writer, alpha, params):
    """When the reader is killed, the writer's next line makes it say so and exit with 3: no signal ends it."""
    reading = waiting(reader, alpha, params)
    writing = writer.start(stdin=PIPE)
    writing.write(f"{params.text}\n".encode())
    reading.expect(line(params.name, params.text))
    reading.kill()
    writing.write(f"{params.more}\n".encode())
    ended = writing.wait()
    assert ended.signal is None, f"{ended.signal} ended the writer"
    assert ended.exit == 3, f"exit status {ended.exit}, signal {ended.signal}, not exit status 3"
    assert ended.stderr, "it said nothing on standard error"


@check(
    points=1,
    hint="mkfifo() fails if PATH exists, and stat(2) tells what is there. Whose is it?",
    needs=[WAITS],
)
def test_reader_takes_over_what_a_killed_reader_left(reader, reference, alpha, params):
    """The reader uses a FIFO that a killed reader left; any other file at PATH it leaves alone and exits with 1."""
    waiting(reader, alpha, params).kill()
    assert alpha.fifo(params.path).exists
    reading = reader.start()
    reading.wait_blocked("openat", path=params.path)
    reference.writer.run(stdin=f"{params.text}\n".encode())
    assert reading.wait().stdout == line(params.name, params.text) + b"lines: 1\n"

    refused = reader.run(path="/etc/hostname")
    assert refused.exit == 1, f"exit status {refused.exit}, signal {refused.signal}, not exit status 1"
    assert refused.stdout == b""
    assert refused.stderr, "it said nothing on standard error"


@check(
    points=1,
    hint="The name of a FIFO stays when its last user has gone. Unless a program says otherwise, SIGTERM ends it on "
    "the spot. What may a handler do about the file? signal-safety(7) has a list.",
    needs=[WAITS],
)
def test_reader_removes_its_fifo(reader, reference, alpha, params, leftovers):
    """Nothing is left: neither after end of file, nor when SIGTERM or SIGINT comes to a reader that waits."""
    reading = waiting(reader, alpha, params)
    reference.writer.run(stdin=f"{params.text}\n".encode())
    assert reading.wait().exit == 0, "the reader did not exit with 0 after end of file"
    assert not leftovers(), "left behind after end of file"
    for number in (SIGTERM, SIGINT):
        reading = reader.start()
        reading.wait_blocked("openat", path=params.path)
        reading.signal(number)
        assert reading.wait().exit == 1, f"the reader did not exit with 1 after {number.name}"
        assert not leftovers(), f"left behind after {number.name}"


@check(
    points=1,
    hint="Our programs run as another user of your group and keep to the contract by the letter.",
    needs=[PRINTS],
)
def test_both_work_with_our_programs(reader, writer, reference, alpha, params):
    """Our writer's line comes out of the reader, and the writer's line out of our reader."""
    given, expected = f"{params.text}\n".encode(), line(params.name, params.text) + b"lines: 1\n"
    reading = waiting(reader, alpha, params)
    assert reference.writer.run(stdin=given).exit == 0, "our writer could not write"
    assert reading.wait().stdout == expected

    ours = waiting(reference.reader, alpha, params)
    assert writer.run(stdin=given).exit == 0, "the writer did not exit with 0 at the end of its input"
    assert ours.wait().stdout == expected


@check(
    points=1,
    hint="open() can make a file that is not there. Should a writer make one? What would it be?",
    needs=[PRINTS],
)
def test_a_fifo_joins_nobody_on_another_host(reader, writer, ablated, alpha, island, params):
    """On another host the writer finds no FIFO and makes none; at one of the same name it waits for ever."""
    reading = waiting(reader, alpha, params)
    lost = ablated.writer.run(stdin=f"{params.text}\n".encode())
    assert lost.exit == 1, f"exit status {lost.exit}, signal {lost.signal}, not exit status 1"
    assert lost.stderr, "it said nothing on standard error"
    assert not island.file(params.path).exists, "the writer made a file"

    island.run(f"mkfifo -m 666 {params.path}")
    stranded = ablated.writer.start(stdin=f"{params.text}\n".encode())
    stranded.wait_blocked("openat", path=params.path)
    reading.wait_blocked("openat", path=params.path)
    assert writer.run(stdin=f"{params.more}\n".encode()).exit == 0, "the writer on alpha did not exit with 0"
    assert reading.wait().stdout == line(params.name, params.more) + b"lines: 1\n"
