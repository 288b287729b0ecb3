"""Checks of pipe-buffer: what is in the pipe, who sleeps at which end of it, and what comes out."""

from collections import Counter
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import pytest

from orchestrator.checks import PIPE, In, check

WITNESS = (Path(__file__).parent / "witness.py").read_text()
READY = b"ready\n"
LETTERS = "abc"
CAPACITY = 64 << 10
EVERYTHING = b"100000000\n"
SIGPIPE = 13
MEASURES = "test_gauge_measures_small_chunks"
SLEEP = "test_writers_sleep_while_the_pipe_is_full"
ENDS = "test_each_process_has_one_end"


class Buffer:
    """A pipe that a process has made, seen through one of its descriptors."""

    def __init__(self, host, process):
        """The only pipe that the process has and was not started with."""
        given = {one.ino for one in process.fds if one.fd <= 2}
        made = [one for one in process.fds if one.kind == "pipe" and one.ino not in given]
        assert made, f"{process.describe()} has made no pipe"
        assert len({one.ino for one in made}) == 1, f"{process.describe()} has more than one pipe"
        self.host = host
        self.ino = made[0].ino
        self.target = f"pipe:[{self.ino}]"
        self.path = f"/proc/{process.pid}/fd/{made[0].fd}"

    def ends(self):
        """Who has the reading end, and who has the writing end."""
        fact = self.host.pipe(ino=self.ino).fact
        return (set(fact.readers), set(fact.writers)) if fact else (set(), set())

    def look(self):
        """How many bytes are in it, and how many there is room for."""
        held, capacity = self._witness().split()
        return int(held), int(capacity)

    def take(self, count):
        """Take bytes out, unseen by those who use the pipe."""
        return self._witness("take", str(count))

    def put(self, text):
        """Put a text in."""
        self._witness("put", text)

    def _witness(self, *words):
        done = self.host.run("python3 -I -S -c %s" + " %s" * (1 + len(words)), WITNESS, self.path, *words)
        assert done.rc == 0, f"the pipe can't be looked at: {done.stderr.strip().splitlines()[-1:]}"
        return done.stdout


class Flow:
    """A running `flow` of three writers, each with more to write than a pipe takes."""

    def __init__(self, host, program, size, *words):
        self.host = host
        self.size = size
        # One writer alone fills the pipe, and the page that one record leaves when it is taken out.
        self.records = CAPACITY // size + 3
        self.running = program.start(
            until=READY, stdin=PIPE, args=[str(len(LETTERS)), str(self.records), str(size), *words]
        )
        self.writers = sorted(one.pid for one in host.processes(ppid=self.running.pid).facts)
        assert len(self.writers) == len(LETTERS), f"flow has {len(self.writers)} children, not {len(LETTERS)}"
        self.pipe = Buffer(host, self.running.process)

    def wait_until_full(self):
        """Return when all writers sleep in write() of the pipe: the processes."""
        return [
            self.host.processes(pid=pid).wait(
                timeout_s=2, state="S", syscall__name="write", syscall__target=self.pipe.target
            )
            for pid in self.writers
        ]

    def stop(self):
        """Stop all writers, in the middle of their write()."""
        self.host.processes(pid=In(*self.writers)).signal(SIGSTOP)

    def pour_record(self):
        """The next record, taken out and printed at once."""
        printed = self.running.ask(f"{self.size}\n".encode())
        assert len(printed) == self.size, f"flow was told to take {self.size} bytes out and printed {len(printed)}"
        self.running.wait_blocked("read", fd=0)
        return printed

    def finish(self):
        """Let it end: how it did, and its last lines, one for each writer."""
        self.running.close_stdin()
        ended = self.running.wait().exited(0)
        return ended, ended.stdout.decode().splitlines()[-len(LETTERS) :]


@pytest.fixture
def full(alpha, flow, params):
    """A flow whose writers all sleep because its pipe is full."""
    running = Flow(alpha, flow, params.size)
    running.wait_until_full()
    return running


def whole_records(printed, size):
    """How many records of each letter there are, all of them whole."""
    lines = printed.splitlines(keepends=True)
    torn = [line for line in lines if len(line) != size or len(set(line)) != 2 or not line.endswith(b"\n")]
    assert not torn, f"{len(torn)} of {len(lines)} lines are not {size - 1} equal letters and a newline"
    return Counter(chr(line[0]) for line in lines)


def same_measures(alpha, gauge, reference, *args):
    """What a gauge printed, when it is what ours prints and what is in its pipe."""
    words = list(map(str, args))
    expected = reference.gauge.run(args=words, stdin=b"").exited(0).stdout
    running = gauge.start(args=words, stdin=PIPE)
    running.expect(expected)
    waiting = running.wait_blocked("read", fd=0)
    figures = dict(line.split() for line in expected.decode().splitlines())
    pipe = Buffer(alpha, waiting)
    assert pipe.ends() == ({running.pid}, {running.pid}), "gauge has not both ends of its pipe"
    held, capacity = pipe.look()
    assert capacity == int(figures["capacity"]), f"the kernel says that its pipe takes {capacity} bytes"
    left = int(figures["bytes"]) - int(figures["freed"])
    assert left < held <= left + args[0], f"there are {held} bytes in its pipe"
    running.close_stdin()
    assert running.wait().exited(0).stdout == expected
    return figures


@check(
    points=2,
    hint="With O_NONBLOCK a write() for which there is no room fails, and errno says so. `strace -e trace=read,write "
    "./gauge CHUNK` shows how many succeed, before and after bytes are taken out. Does each byte taken out make room?",
)
def test_gauge_measures_small_chunks(gauge, reference, alpha, params):
    """`gauge` fills a pipe of its own, tells how much went in and how much must come out, and keeps it as it is."""
    same_measures(alpha, gauge, reference, params.chunk)
    running = gauge.start(args=[str(params.chunk)], stdin=PIPE)
    running.wait_blocked("read", fd=0)
    running.sleeps(0.3)


@check(
    points=1,
    hint="write() returns how much was taken. Above PIPE_BUF that may be a part of what was offered: see PIPE_BUF "
    "in pipe(7), O_NONBLOCK enabled.",
    needs=[MEASURES],
)
def test_gauge_counts_what_the_pipe_took(gauge, reference, alpha, params):
    """Of a chunk above PIPE_BUF the pipe may take a part: `gauge` counts the bytes that it took."""
    same_measures(alpha, gauge, reference, params.large)


@check(
    points=1,
    hint="fcntl(2): F_SETPIPE_SZ is a request, and F_GETPIPE_SZ tells what came of it. /proc/sys/fs/pipe-max-size is "
    "the most that a user without privileges gets.",
    needs=[MEASURES],
)
def test_gauge_asks_for_another_capacity(gauge, reference, alpha, params):
    """With CAPACITY `gauge` asks for a larger or smaller buffer and prints what it got, or that it got none."""
    figures = same_measures(alpha, gauge, reference, params.chunk, params.capacity)
    assert int(figures["capacity"]) >= params.capacity
    same_measures(alpha, gauge, reference, params.chunk, 1)
    most = int(alpha.file("/proc/sys/fs/pipe-max-size").content_string)
    for more in (most + 1, 2**31, 2**32 + params.capacity):
        gauge.run(args=[str(params.chunk), str(more)], stdin=b"").refused(1)


@check(
    points=2,
    hint="`strace -f ./flow 3 50 1500`: in which call does each process sleep, and with how many bytes? `ps -o "
    "pid,stat,wchan:20,args` says the same of one that runs already.",
)
def test_writers_sleep_while_the_pipe_is_full(flow, alpha, params):
    """Three writers fill a pipe, then each sleeps in a write() of one whole record; the reader sleeps, too."""
    running = Flow(alpha, flow, params.size)
    for writer in running.wait_until_full():
        offered = writer.syscall.args[2]
        assert offered == params.size, f"a record of {params.size} bytes is written by a write() of {offered}"
    running.running.wait_blocked("read", fd=0)
    running.running.sleeps(0.3)
    held, capacity = running.pipe.look()
    # A record that does not fit into what is left of a page begins another one: each page is more than half full.
    assert held > capacity // 2, f"only {held} of {capacity} bytes are in the pipe"


@check(
    points=1,
    hint="fork() duplicates every descriptor. `ls -l /proc/PID/fd` of parent and children: who has which end of "
    "`pipe:[...]`, and who needs it?",
    needs=[SLEEP],
)
def test_each_process_has_one_end(full):
    """Only the parent has the reading end of the pipe, only the children have the writing end."""
    readers, writers = full.pipe.ends()
    assert readers == {full.running.pid}, f"the reading end is open in {readers}, the parent is {full.running.pid}"
    assert writers == set(full.writers), f"the writing end is open in {writers}, the children are {full.writers}"


@check(
    points=2,
    hint="read() returns what is there, up to what was asked for: less is no end, nothing is. stdio reads ahead, and "
    "keeps back what it prints.",
    needs=[SLEEP],
)
def test_reader_takes_as_many_bytes_as_it_is_told(full, params):
    """The reader takes out as many bytes as a line says and no more, prints them at once, sleeps while some lack."""
    full.stop()
    stolen = full.pipe.take(2 * params.size)
    assert whole_records(stolen.encode(), params.size).total() == 2
    held, _ = full.pipe.look()
    full.pour_record()
    full.running.write(b"7\n")
    full.running.wait_blocked("read", fd=0)
    left, _ = full.pipe.look()
    assert held - left == params.size + 7, f"{held - left} bytes have left the pipe, {params.size} and 7 were asked for"

    # More than there are: what is missing comes later.
    full.running.write(f"{left + len(params.word)}\n".encode())
    full.running.wait_blocked("read", target=full.pipe.target)
    full.pipe.put(params.word)
    full.running.expect(params.word.encode())
    full.running.wait_blocked("read", fd=0)
    full.running.kill()
    printed = full.running.wait().stdout.removeprefix(READY)
    assert printed.endswith(params.word.encode()), "it printed more than it was told to take out"
    records = whole_records(printed.removesuffix(params.word.encode()), params.size)
    assert records.total() * params.size == held, "what it printed is not what was in the pipe"


@check(
    points=2,
    hint="When nobody has the writing end open any more, read() returns 0: nobody. And what is printed twice was still "
    "in a buffer of stdio when the process was doubled.",
    needs=[ENDS],
)
def test_every_record_comes_out_whole(full, params, leftovers):
    """What three writers pour into a full pipe comes out in whole records, then the file ends, and all exit with 0."""
    full.running.write(EVERYTHING * 2)
    full.running.wait_blocked("read", fd=0)
    ended, reports = full.finish()
    assert reports == [f"{letter}: exit 0" for letter in LETTERS]
    printed = ended.stdout.removeprefix(READY)
    printed = printed.removesuffix("".join(f"{report}\n" for report in reports).encode())
    assert whole_records(printed, params.size) == dict.fromkeys(LETTERS, full.records)
    assert not leftovers()


@check(
    points=1,
    hint="`kill -l 13`; pipe(7) says when the kernel sends it. waitpid() tells an exit status from a signal: wait(2).",
    needs=[ENDS],
)
def test_writers_are_killed_when_nobody_reads(full, leftovers):
    """At the end of its input the reader closes its end: SIGPIPE ends the sleeping writers, and it says so of each."""
    taken = full.pour_record()
    ended, reports = full.finish()
    assert reports == [f"{letter}: signal {SIGPIPE}" for letter in LETTERS]
    assert len(ended.stdout) == len(READY) + len(taken) + sum(len(report) + 1 for report in reports), (
        "it printed more than what it was told to take out, and one line for each writer"
    )
    assert not leftovers()


@check(
    points=1,
    hint="If the signal is ignored, write() fails, and errno is EPIPE. `grep SigIgn /proc/PID/status` of a writer is "
    "a mask of bits: 1000 is signal 13.",
    needs=[ENDS],
)
def test_writers_may_ignore_the_signal(flow, alpha, params):
    """With `ignore` the writers outlive the signal: write() fails with EPIPE, they say so and exit with 3."""
    running = Flow(alpha, flow, params.size, "ignore")
    for writer in running.wait_until_full():
        assert SIGPIPE in writer.sig.ignored, "a writer does not ignore SIGPIPE"
    ended, reports = running.finish()
    assert reports == [f"{letter}: exit 3" for letter in LETTERS]
    assert ended.stderr.count(b"\n") >= len(LETTERS), "the writers did not say on standard error what failed"


@check(
    points=1,
    hint="Nobody reads any more, and yet a writer sleeps: who still has the reading end? `ls -l /proc/PID/fd`.",
    needs=[SLEEP],
)
def test_nobody_writes_to_a_dead_reader(full, alpha):
    """When the reader is killed in the middle, no writer goes on sleeping: the kernel tells them."""
    full.running.signal(9)
    full.running.wait()
    for pid in full.writers:
        alpha.processes(pid=pid).wait_gone(timeout_s=2)


@check(
    points=1,
    hint="A write() of more than PIPE_BUF that is interrupted when it has written something returns how much that was: "
    "write(2), pipe(7).",
    needs=[SLEEP],
)
def test_a_writer_that_is_interrupted_writes_the_rest(flow, alpha, params):
    """A writer that was stopped in the middle of a record above PIPE_BUF goes on with its rest: nothing is missing."""
    size = CAPACITY + params.large
    running = flow.start(until=READY, stdin=PIPE, args=["1", "2", str(size)])
    writer = alpha.processes(ppid=running.pid).wait(timeout_s=2, state="S", syscall__name="write")
    for signal in (SIGSTOP, SIGCONT):
        alpha.processes(pid=writer.pid).signal(signal)
    running.write(EVERYTHING)
    running.close_stdin()
    printed = running.wait().exited(0).stdout
    assert printed.endswith(b"a: exit 0\n"), "the writer did not exit with 0"
    assert whole_records(printed.removeprefix(READY).removesuffix(b"a: exit 0\n"), size) == {"a": 2}


@check(
    points=1,
    hint="Each call can fail; a descriptor table that is full, `ulimit -n 4`, makes pipe() fail. Wrong arguments end "
    "with 2, before any call.",
    needs=[MEASURES, SLEEP],
)
def test_what_fails_is_said(gauge, flow, alpha, params):
    """A pipe that can't be made, and a line that is no number: 1 and a message. Wrong arguments: 2."""
    gauge.run(args=[str(params.chunk)], limits={"nofile": 4}).refused(1)
    flow.run(args=["2", "10", "100"], limits={"nofile": 4}).refused(1)
    for line in (b"0\n", b"7x\n", b"\n"):
        ended = flow.run(args=["2", str(CAPACITY), "100"], stdin=line).exited(1, f"{line!r} is no number of bytes")
        assert ended.stderr, "it said nothing on standard error"
    for words in ([], ["0"], ["x"], [str(params.chunk), "1k"], [str(params.chunk), "1", "1"]):
        gauge.run(args=words, stdin=b"").refused(2)
    for words in (["2", "10"], ["0", "10", "100"], ["27", "10", "100"], ["2", "10", "1"], ["2", "10", "100", "x"]):
        flow.run(args=words, stdin=b"").refused(2)
    alpha.processes(comm="flow").wait_gone(timeout_s=2)
