"""Checks of fifo: who waits where, what comes out of the reader, and what is left."""

from signal import SIGCONT, SIGINT, SIGSTOP, SIGTERM

from orchestrator.checks import PIPE, check

WAITS = "test_reader_makes_a_fifo_and_waits_for_a_writer"
PRINTS = "test_reader_prints_each_line_as_soon_as_it_is_complete"
LONGEST = 2000 - len("\n")
ODD = b"100% %s %n " + bytes(byte for byte in range(1, 256) if byte != ord("\n"))
"""Whatever a line may hold."""
SILENCE_S = 1.2
"""Longer than what those wait who take silence for the end."""
FILLER = b"." * 63 + b"\n"
FILLERS = (64 << 10) // len(FILLER) - 1
"""A pipe holds 64 KiB: pipe(7)."""


def waiting(reader, alpha, params):
    """A running reader that has made its FIFO."""
    running = reader.start()
    alpha.fifo(params.path).wait(timeout_s=3)
    return running


def fill(reading, peer):
    """Stop the reader and fill its FIFO, but for room that a name has and a line has not."""
    filler = peer("alpha/right", "raw_writer.py", "{path}", "at-once").start(stdin=PIPE)
    reading.wait_blocked("read")
    reading.signal(SIGSTOP)
    filler.write(FILLER * FILLERS)
    filler.close_stdin()
    filler.wait()
    return reading


def line(name, text):
    """What the reader prints of a writer's line."""
    return f"{name}: {text}\n".encode()


def stop(reading, number, printed=b""):
    """Check that a signal ends the reader within a second, and that it prints no more."""
    reading.signal(number)
    ended = reading.wait(timeout_s=1)
    assert ended.exit == 1, f"the reader did not exit with 1 after {number.name}"
    assert ended.stdout == printed, f"it printed more after {number.name}"


def refused(ended, exit_status=1):
    """Check that a program has said what is wrong, has printed nothing and has exited with `exit_status`."""
    assert ended.exit == exit_status, f"exit status {ended.exit}, signal {ended.signal}, not exit status {exit_status}"
    assert ended.stdout == b""
    assert ended.stderr, "it said nothing on standard error"


@check(
    points=1,
    hint="`ls -l /ipc` shows type and mode, `strace ./reader PATH` where it waits. What does fifo(7) say of open()?",
)
def test_reader_makes_a_fifo_and_waits_for_a_writer(reader, alpha, params):
    """The reader makes a FIFO with mode 0660 and sleeps in open() until a writer comes."""
    running = waiting(reader, alpha, params)
    running.wait_blocked("openat", path=params.path)
    assert alpha.fifo(params.path).mode == 0o660, f"its mode is {alpha.fifo(params.path).mode:04o}"


@check(
    points=1,
    hint="Standard output is a pipe here, not a terminal. When does stdio hand over what it was given to print?",
    needs=[WAITS],
)
def test_reader_prints_each_line_as_soon_as_it_is_complete(reader, writer, alpha, params):
    """Each line that a writer is given is printed by the reader at once; then the reader sleeps till the next one."""
    reading = waiting(reader, alpha, params)
    writing = writer.start(stdin=PIPE)
    for text in (params.text, "", params.more):
        writing.write(f"{text}\n".encode())
        reading.expect(line(params.name, text))
        reading.wait_blocked("read", target=params.path)
    fifo = alpha.fifo(params.path)
    assert reading.pid in fifo.readers, "the reader does not have the FIFO open for reading"
    assert reading.pid not in fifo.writers, "the reader has the FIFO open for writing"
    assert writing.pid in fifo.writers, "the writer does not have the FIFO open for writing"
    assert writing.pid not in fifo.readers, "the writer has the FIFO open for reading"
    reading.sleeps(SILENCE_S)
    assert reading.alive, "the reader ended though a writer had the FIFO open"


@check(
    points=1,
    hint="read() says end of file when *nobody* has the FIFO open for writing any more. `lsof PATH` lists who has. And "
    "where does a line end that its writer was given without a newline?",
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

    first.write(params.more.encode())  # no newline: the writer adds it
    first.close_stdin()
    gone = first.wait()
    assert gone.exit == 0, "the first writer did not exit with 0 at the end of its input"
    assert gone.stdout == b"", "the first writer printed something"
    reading.expect(line(params.name, params.more))
    assert alpha.fifo(params.path).exists, "the first writer removed the FIFO"
    second.write(f"{params.more}\n".encode())
    reading.expect(line(params.other, params.more))
    second.close_stdin()
    assert second.wait().exit == 0, "the second writer did not exit with 0 at the end of its input"
    ended = reading.wait()
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"
    assert ended.stdout.endswith(line(params.other, params.more) + b"lines: 4\n")


@check(
    points=1,
    hint="A FIFO carries bytes. One read() may return half a line, or two and a half: pipe(7).",
    needs=[PRINTS],
)
def test_reader_puts_lines_together_from_pieces(reader, peer, alpha, params):
    """A line that comes in two pieces is printed as one, two that come in one as two, and the last gets its newline."""
    reading = waiting(reader, alpha, params)
    pieces = peer("alpha/right", "raw_writer.py", "{path}", "pieces").start(stdin=PIPE)
    half, rest = params.text[:4].encode(), params.text[4:].encode()

    pieces.write(half)
    pieces.expect(f"{len(half)} bytes\n".encode())
    reading.wait_blocked("read", target=params.path)
    assert reading.output().stdout == b"", "half a line was printed"
    pieces.write(rest + b"\n" + params.more.encode() + b"\n" + half)
    reading.expect(params.more.encode() + b"\n")
    pieces.write(rest)
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
    """Three writers find the FIFO nearly full; each of their lines, 2,000 bytes long, comes out whole."""
    names = (params.name, params.other, params.name[::-1] + "x")
    texts = [f"{number} {params.text * LONGEST}"[:LONGEST] for number in range(20)]
    reading = fill(waiting(reader, alpha, params), peer)
    writers = [writer.start(stdin="".join(f"{text}\n" for text in texts).encode(), name=name) for name in names]
    for name, writing in zip(names, writers, strict=True):
        size_bytes = writing.wait_blocked("write", target=params.path).syscall.args[2]
        whole = len(line(name, texts[0]))
        assert size_bytes == whole, f"a line of {whole} bytes is written by a write() of {size_bytes}"
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
    refused(ended, exit_status=3)


@check(
    points=1,
    hint="mkfifo() fails if PATH exists, and stat(2) tells what is there. Whose is it?",
    needs=[WAITS],
)
def test_reader_takes_over_what_a_killed_reader_left(reader, reference, alpha, params):
    """The reader uses a FIFO that a killed reader left; any other file at PATH it leaves alone and exits with 1."""
    waiting(reader, alpha, params).kill()
    left = alpha.fifo(params.path).ino
    reading = reader.start()
    reading.wait_blocked("openat", path=params.path)
    assert alpha.fifo(params.path).ino == left, "it made another FIFO in its place"
    reference.writer.run(stdin=f"{params.text}\n".encode())
    assert reading.wait().stdout == line(params.name, params.text) + b"lines: 1\n"

    diary = f"{params.path}.txt"
    alpha.run(f"echo {params.more} > {diary} && chown judged {diary}")  # which the reader may remove
    refused(reader.run(path=diary))
    assert alpha.file(diary).is_file, "the reader removed a file that was no FIFO"
    assert alpha.file(diary).content_string == f"{params.more}\n"


@check(
    points=1,
    hint="The name of a FIFO stays when its last user has gone. Unless a program says otherwise, SIGTERM ends it on "
    "the spot. What may a handler do about the file? signal-safety(7) has a list.",
    needs=[PRINTS],
)
def test_reader_removes_its_fifo(reader, reference, alpha, params, leftovers):
    """Nothing is left: after end of file, and after SIGTERM and SIGINT to a reader in open() and to one in read()."""
    reading = waiting(reader, alpha, params)
    reference.writer.run(stdin=b"")
    ended = reading.wait()
    assert ended.exit == 0, "the reader did not exit with 0 after end of file"
    assert ended.stdout == b"lines: 0\n"
    assert not leftovers(), "left behind after end of file"
    for number in (SIGTERM, SIGINT):
        reading = reader.start()
        reading.wait_blocked("openat", path=params.path)
        stop(reading, number)
        assert not leftovers(), f"left behind after {number.name} in open()"

        reading = waiting(reader, alpha, params)
        writing = reference.writer.start(stdin=PIPE)
        writing.write(f"{params.text}\n".encode())
        reading.expect(line(params.name, params.text))
        stop(reading, number, printed=line(params.name, params.text))
        writing.close_stdin()
        writing.wait()
        assert not leftovers(), f"left behind after {number.name} in read()"


@check(
    points=1,
    hint="Our programs run as another user of your group and keep to the contract by the letter. A line is bytes, and "
    "getc() returns an int.",
    needs=[PRINTS],
)
def test_both_work_with_our_programs(reader, writer, reference, alpha, params):
    """Our writer's line comes out of the reader, and the writer's line out of our reader, whatever bytes it holds."""
    given = params.text.encode() + ODD + b"\n"
    expected = f"{params.name}: ".encode() + given + b"lines: 1\n"
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
def test_a_fifo_joins_nobody_on_another_host(reader, writer, reference, ablated, alpha, island, params):
    """A writer without a FIFO makes none; on another host it finds only the FIFO there, and that host's reader."""
    given = f"{params.text}\n".encode()
    refused(writer.run(stdin=given))
    assert not alpha.file(params.path).exists, "the writer made a file"
    reading = waiting(reader, alpha, params)
    refused(ablated.writer.run(stdin=given))
    assert not island.file(params.path).exists, "the writer made a file on another host"

    island.run(f"mkfifo -m 666 {params.path} && chown peer {params.path}")
    stranded = ablated.writer.start(stdin=given)
    stranded.wait_blocked("openat", path=params.path)
    reading.wait_blocked("openat", path=params.path)
    there = reference.reader.at("island/solo").start()
    assert stranded.wait().exit == 0, "the writer on the other host did not exit with 0"
    assert there.wait().stdout == line(params.name, params.text) + b"lines: 1\n"

    reading.wait_blocked("openat", path=params.path)
    assert writer.run(stdin=f"{params.more}\n".encode()).exit == 0, "the writer on alpha did not exit with 0"
    assert reading.wait().stdout == line(params.name, params.more) + b"lines: 1\n"


@check(
    points=1,
    hint="argc is the number of arguments and one more. And which status tells a wrong call from a failure?",
    needs=[WAITS],
)
def test_wrong_arguments_are_refused(reader, writer, params):
    """With too few or too many arguments, reader and writer say so on standard error and exit with 2."""
    for args in ([], [params.path, params.path]):
        refused(reader.run(args=args), exit_status=2)
    for args in ([], [params.path], [params.path, params.name, params.name]):
        refused(writer.run(args=args), exit_status=2)
