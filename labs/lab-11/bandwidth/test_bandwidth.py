"""Checks of bandwidth: which way the bytes took, when the clock ran, and how its figures stand beside ours."""

from dataclasses import dataclass, replace
from random import Random
from signal import SIGCONT, SIGSTOP

import pytest

from orchestrator.checks import PIPE, Contains, check
from orchestrator.checks.chart import Curve, Panel, drawn

LEFT, RIGHT = "alpha/left", "alpha/right"
MECHANISMS = ("pipe", "fifo", "unix", "tcp", "shm")
STREAMS = MECHANISMS[:-1]
NAMED = MECHANISMS[1:]
BLOCK = 4096
LARGE = 1 << 16
SIZE = "bytes in a block"
MS, US = 1_000_000, 1000
"""Nanoseconds."""
ROUNDS = 6
SHARE = 0.25
"""Of the speed of ours: what a block of 64 KiB must reach in one of the rounds."""
WATCHED_S = 0.05
"""Who looks again and again does so more than once in that time."""
MANY = 2_000_000
"""Blocks that take seconds."""
NOTICES_S = 0.5
THIRDS = ("first", "middle", "last")
SPARE_S = 0.01
"""By which the processor time that two programs take before and after their transfer may differ."""
TRIES = 3
MECHANISM_OF = "test_blocks_come_through_each_mechanism"
CLOCK = "test_the_clock_runs_from_the_first_block_to_the_last_byte"
VERIFIES = "test_a_wrong_block_is_no_figure"
FAST = "test_it_is_about_as_fast_as_ours"
SENDER = "test_our_receiver_understands_the_sender"


@dataclass(frozen=True)
class Figures:
    """The line that a receiver prints."""

    mechanism: str
    block: int
    count: int
    seconds: float
    mb_per_s: float
    age_us: float

    @classmethod
    def of(cls, ended, *words):
        """What it has printed after `ready`, which must begin with these words and agree with itself."""
        lines = ended.exited(0).stdout.decode("ascii", "replace").split("\n")
        ready = [] if words[0] == "memory" else ["ready"]
        assert (lines[:-2], lines[-1]) == (ready, ""), f"it printed {lines}"
        parts = lines[-2].split(" ")
        assert parts[:3] == [str(word) for word in words], f"its line begins with {' '.join(parts[:3])}"
        try:
            seconds, mb_per_s, age_us = map(float, parts[3:])
        except ValueError:
            raise AssertionError(f"no three numbers: {' '.join(parts[3:])}") from None
        figures = cls(words[0], int(words[1]), int(words[2]), seconds, mb_per_s, age_us)
        assert seconds > 0 and age_us >= 0, f"seconds and microseconds are {seconds} and {age_us}"
        right = figures.block * figures.count / seconds / 1e6
        assert abs(mb_per_s - right) <= 0.01 * right + 0.001, f"{right:.3f} MB/s, not {mb_per_s}, for {lines[-2]}"
        return figures


@dataclass(frozen=True)
class Redirected:
    """A program whose standard input or output is a FIFO of ours: `<` or `>`, and its path."""

    build: object
    context: object
    how: str
    path: str

    @property
    def user(self):
        """Whose it is."""
        return self.build.user

    def install(self, program, place):
        """A script that runs it so."""
        binary, user = self.build.install(program, place), self.user
        script = f'#!/bin/sh\nexec {binary} "$@" {self.how} {self.path}\n'
        path = f"/build/{user.name}/bandwidth/{program}{'-in' if self.how == '<' else '-out'}"
        self.context.agent(place).put(path, script.encode(), mode=0o500, uid=user.uid, gid=user.gid, parents=True)
        return path


class Way:
    """One mechanism of one check, with a place of its own: whom to start how."""

    def __init__(self, mechanism, alpha, params, pipe):
        self.mechanism, self.alpha, self.params, self.pipe = mechanism, alpha, params, pipe
        self.place = {
            "pipe": "-",
            "fifo": f"/ipc{params.name}.fifo",
            "unix": f"/ipc{params.name}.sock",
            "tcp": f"127.0.0.1:{params.port}",
            "shm": params.name,
        }[mechanism]

    def words(self, command, block, count, *more):
        """Its arguments."""
        return [command, self.mechanism, self.place, str(block), str(count), str(self.params.seed), *map(str, more)]

    def receive(self, program, block, count, **options):
        """A receiver to which a sender may come."""
        if self.mechanism == "pipe":  # the shell opens the pipe, and waits for the sender
            program = replace(program, build=Redirected(program.build, program.context, "<", self.pipe))
        else:
            options["until"] = b"ready\n"
        return program.start(args=self.words("receive", block, count), **options)

    def send(self, program, block, count, *pause, **options):
        """A sender."""
        if self.mechanism == "pipe":
            program = replace(program, build=Redirected(program.build, program.context, ">", self.pipe))
        return program.at(RIGHT).start(args=self.words("send", block, count, *pause), **options)

    def transfer(self, receiver, sender, block, count, *pause, cpus=()):
        """The figures of one transfer, and how receiver and sender ended; on these processors, or on any."""
        near, far = (cpus[0:1], cpus[-1:]) if cpus else ((), ())
        receiving = self.receive(receiver, block, count, cpus=near)
        sent = self.send(sender, block, count, *pause, cpus=far).wait().exited(0)
        assert sent.stdout == b"", "a sender prints nothing"
        received = receiving.wait()
        return Figures.of(received, self.mechanism, block, count), received, sent

    def held_by(self, pid):
        """Check that a receiver with a sender uses this mechanism, by what the kernel says."""
        alpha, place = self.alpha, self.place
        if self.mechanism == "pipe":
            assert pid in alpha.fifo(self.pipe).readers, "it has closed its standard input"
        elif self.mechanism == "fifo":
            assert pid in alpha.fifo(place).readers, "it has not opened the FIFO for reading"
            assert alpha.fifo(place).mode == 0o660, f"the FIFO's mode is {alpha.fifo(place).mode:04o}"
        elif self.mechanism == "unix":
            assert alpha.socket_file(place).mode == 0o660, f"its mode is {alpha.socket_file(place).mode:04o}"
            alpha.unix_socket(state="established", pids=Contains(pid)).wait()
        elif self.mechanism == "tcp":
            alpha.tcp(port=self.params.port, state="established", pids=Contains(pid)).wait()
        else:
            memory = alpha.posix_shm(place).fact
            assert memory is not None, f"there is no object {place}"
            assert memory.mode == 0o660, f"its mode is {memory.mode:04o}"
            assert pid in memory.mapped, "it does not share the object's memory"

    def gone(self):
        """Check that nothing is left at the place."""
        for path in (self.place, f"/dev/shm{self.place}"):
            assert self.mechanism in ("pipe", "tcp") or not self.alpha.file(path).exists, f"{path} is left behind"


@pytest.fixture
def cpus(alpha):
    """The processors that there are."""
    listed = alpha.file("/proc/self/status").content_string.partition("Cpus_allowed_list:")[2].split()[0]
    ranges = [[int(end) for end in one.split("-")] for one in listed.split(",")]
    return [number for ends in ranges for number in range(ends[0], ends[-1] + 1)]


@pytest.fixture
def way(alpha, params):
    """A way of this mechanism."""
    pipe = f"/ipc{params.name}.pipe"

    def made(mechanism):
        if not alpha.fifo(pipe).exists:
            alpha.run("mkfifo %s && chmod 666 %s", pipe, pipe)
        return Way(mechanism, alpha, params, pipe)

    return made


class Told:
    """A sender that does what it is told; each answer is the time of the machine's clock, in nanoseconds."""

    def __init__(self, running):
        self.running = running

    def __call__(self, *words):
        """When this command was done."""
        return int(self.running.ask(f"{' '.join(map(str, words))}\n".encode()).split()[-1])

    def whole(self, block, *indices, age=0):
        """These blocks, as they should be."""
        for index in indices:
            self("block", index, age)
            self("send", 0, block)


@pytest.fixture
def told(peer):
    """A sender of ours that has joined."""

    def joined(way, block):
        place = way.pipe if way.mechanism == "pipe" else way.place
        raw = peer(RIGHT, "raw_sender.py", way.mechanism, place, str(block), str(way.params.seed))
        return Told(raw.start(stdin=PIPE, until=b"joined\n"))

    return joined


def asleep(running, alpha):
    """Return when it sleeps. What was written before into a pipe, a Unix socket or shared memory is taken then."""
    alpha.processes(pid=running.pid).wait(state="S")


@pytest.fixture
def random(params):
    """Drawn from the run's seed."""
    return Random(params.seed)


@check(
    points=2,
    hint="How many bytes does one read() give? And is it the mechanism that was asked for: `ls -l /proc/PID/fd`, "
    "`ss -xp`, `/proc/PID/maps` of a receiver that waits?",
)
def test_blocks_come_through_each_mechanism(measure, reference, way, told, alpha, params, leftovers):
    """A receiver takes blocks that come in pieces through each mechanism, says how fast, and leaves nothing."""
    count = params.blocks
    for mechanism in MECHANISMS:
        line = way(mechanism)
        receiving = line.receive(measure, BLOCK, count)
        sender = told(line, BLOCK)
        sender.whole(BLOCK, *range(count))
        sender("block", count, 0)
        if mechanism != "shm":
            sender("send", 0, 11)
        asleep(receiving, alpha)
        line.held_by(receiving.pid)
        receiving.sleeps(WATCHED_S)
        sender("send", 0 if mechanism == "shm" else 11, BLOCK)
        Figures.of(receiving.wait(), mechanism, BLOCK, count)
        line.gone()
        sender.running.kill()
    # The end that was closed first, the receiver's, is in TIME_WAIT now, with the port.
    again = way("tcp").receive(measure, BLOCK, 1)
    way("tcp").send(reference.measure, BLOCK, 1).wait().exited(0)
    again.wait().exited(0)
    assert not leftovers()


@check(
    points=2,
    hint="The clock starts when block 0 is verified, not when you start, nor when somebody connects; it stops when the "
    "last byte of the last block is. Which clock goes on while you sleep: clock_gettime(2)?",
    needs=[MECHANISM_OF],
)
def test_the_clock_runs_from_the_first_block_to_the_last_byte(measure, way, told, alpha):
    """SECONDS are those between block 0 and the end of the last block, not those before, nor any less."""
    for mechanism in ("fifo", "unix", "shm"):
        line = way(mechanism)
        receiving = line.receive(measure, BLOCK, 2)
        sender = told(line, BLOCK)
        sender("block", 0, 0)
        cut = 0 if mechanism == "shm" else BLOCK - 1
        if cut:
            sender("send", 0, cut)
        begins_after = sender("wait", 40)
        sender("send", cut, BLOCK)
        asleep(receiving, alpha)
        begins_before = sender("block", 1, 0)
        sender("send", 0, BLOCK)
        sender("block", 2, 0)
        if cut:
            sender("send", 0, cut)
        ends_after = sender("wait", 120)
        sender("send", cut, BLOCK)
        ended = receiving.wait()
        ends_before = sender("block", 0, 0)
        seconds = Figures.of(ended, mechanism, BLOCK, 2).seconds
        least, most = (ends_after - begins_before) / 1e9, (ends_before - begins_after) / 1e9
        assert least - 1e-6 <= seconds <= most + 1e-6, (
            f"through {mechanism} it took between {least:.4f} and {most:.4f} s, but the receiver says {seconds:.4f} s"
        )
        sender.running.kill()


@check(
    points=1,
    hint="Sort the ages and take the middle one. Block 0 has none. An age ends when its block is verified.",
    needs=[MECHANISM_OF],
)
def test_the_age_is_the_median(measure, way, told, random):
    """The last number is the median age of the blocks after the first, whose stamps may be as old as you like."""
    ages = [2 * MS, 90 * MS, random.randint(1500, 2000) * MS, 6000 * MS, 7000 * MS]
    middle = ages[2]
    random.shuffle(ages)
    line = way("unix")
    receiving = line.receive(measure, BLOCK, len(ages))
    sender = told(line, BLOCK)
    began = sender("wait", 0)
    sender.whole(BLOCK, 0, age=8000 * MS)
    for index, age in enumerate(ages, start=1):
        sender.whole(BLOCK, index, age=age)
    ended = receiving.wait()
    later = sender("block", 0, 0) - began
    said = Figures.of(ended, "unix", BLOCK, len(ages)).age_us * US
    assert middle <= said + US, f"the median age was {middle / US:.0f} us and more, but it says {said / US:.0f} us"
    assert said <= middle + later, f"no more than {(middle + later) / US:.0f} us, but it says {said / US:.0f} us"


@check(
    points=1,
    hint="Compare every byte: memcmp(3) is faster than a loop of yours. And which number has the block?",
    needs=[MECHANISM_OF],
)
def test_a_wrong_block_is_no_figure(measure, way, told, random, params, leftovers):
    """A wrong byte in any block, a block out of order, an end too early: the receiver prints no figures, status 1."""
    byte, last = random.randrange(16, BLOCK - 1), params.count
    for mechanism, wrong, right, index in (
        ("fifo", byte, last, last),
        ("unix", BLOCK - 1, some := random.randrange(last), some),
        ("shm", byte, 0, 0),
        ("shm", byte, last, last),
        ("tcp", None, last, last + 1),
        ("pipe", None, last, None),
    ):
        line = way(mechanism)
        receiving = line.receive(measure, BLOCK, last)
        sender = told(line, BLOCK)
        sender("whole", 0, right)
        if index is None:
            sender("block", 0, 0)
            sender("send", 0, BLOCK - 1)
            sender.running.kill()
        else:
            sender("block", index, 0)
            if wrong is not None:
                sender("spoil", wrong)
            sender("send", 0, BLOCK)
        ended = receiving.wait().exited(1, f"through {mechanism} not everything came as it should")
        assert ended.stdout == b"ready\n", f"it printed {ended.stdout!r}"
        assert ended.stderr, "it said nothing on standard error"
        line.gone()
        sender.running.kill()
    assert not leftovers()


@check(
    points=2,
    hint="Our receiver compares each byte with what the brief says. Print the first bytes of your block 1, and of what "
    "the brief asks for.",
)
def test_our_receiver_understands_the_sender(measure, reference, way, params, leftovers):
    """Our receiver gets every block, small or large, through each mechanism; a sender that finds no room sleeps."""
    for mechanism in MECHANISMS:
        line = way(mechanism)
        for block in (64, 1 << 20):
            line.transfer(reference.measure, measure, block, params.blocks)
    for mechanism in NAMED:
        line = way(mechanism)
        receiving = line.receive(reference.measure, LARGE, params.count)
        receiving.signal(SIGSTOP)
        sending = line.send(measure, LARGE, params.count)
        sending.sleeps(WATCHED_S)
        receiving.signal(SIGCONT)
        sending.wait().exited(0)
        receiving.wait().exited(0)
    assert not leftovers()


@check(
    points=1,
    hint="A block's stamp is the time right before it is sent: after the pause. Does it leave at once? TCP_NODELAY.",
    needs=[SENDER],
)
def test_a_pause_is_before_each_block_and_its_stamp(measure, reference, way):
    """With PAUSE the sender rests that long before each block, stamps it then, and sends it at once."""
    count, pause_us = 7, 30_000
    least = (count + 1) * pause_us / 1e6
    for mechanism in ("tcp", "shm"):
        ages, longest_s = [], 0.0
        while not ages or ages[-1] > pause_us / 2 or longest_s < least / 4:
            assert len(ages) < TRIES, (
                f"its blocks come {min(ages):.0f} us after their stamps, pauses are {pause_us} us, "
                f"and all but the first come within {longest_s:.4f} s"
            )
            figures, _, sent = way(mechanism).transfer(reference.measure, measure, 64, count, pause_us)
            assert sent.wall_s >= least, (
                f"{count + 1} pauses, and it ended after {sent.wall_s:.3f} s, not {least:.3f} s"
            )
            ages.append(figures.age_us)
            longest_s = max(longest_s, figures.seconds)


@check(
    points=1,
    hint="`memory` does what the others do, without another process: memcpy(3) into the buffers in turn, then compare, "
    "each block and all of it. A check changes the bytes in your program's memory while it runs.",
)
def test_memory_is_copied(measure, reference, peer, params, cpus):
    """`memory` copies each block and looks at the copy: in its memory, and by its figures, which are like ours."""
    for part in range(len(THIRDS)):
        it_copies_and_compares(measure, peer, params, part)
    tries = []
    for _ in range(ROUNDS):
        (ours, our_work_s), (theirs, work_s) = (copied(one, params, cpus[:1]) for one in (reference.measure, measure))
        within(theirs, work_s)
        tries.append((theirs.mb_per_s / ours.mb_per_s, work_s / our_work_s))
        if min(tries[-1]) >= SHARE and work_s <= our_work_s / SHARE:
            return
    said = ", ".join(f"{speed:.2f} and {work:.2f}" for speed, work in tries)
    raise AssertionError(f"its speed and its work are, as shares of ours: {said}")


def it_copies_and_compares(program, peer, params, part):
    """Check that the pattern moves in its memory, and that it notices if a part of each block is spoilt."""
    words = [str(LARGE), str(params.seed)]
    running = program.start(args=["memory", words[0], str(MANY), words[1]])
    spoiler = peer(LEFT, "spoiler.py", str(running.pid), *words, str(part), root=True).run().exited(0)
    assert not spoiler.stdout.endswith(b"ended\n"), f"it does not go on: {running.end()}"
    assert spoiler.stdout == b"copied\nspoiled\n", "nothing of the pattern is copied to other places in its memory"
    ended = running.wait(NOTICES_S, allow_timeout=True)
    assert not ended.timed_out, (
        f"again and again its blocks were spoilt in its memory, in their {THIRDS[part]} third, and it has not noticed"
    )
    ended.refused(1, "a block was not as it should be")


def copied(program, params, cpus):
    """What `memory` says of many blocks of 64 KiB, and the processor time that one block alone does not take."""
    runs = []
    for count in (1, 10 * params.count):
        words = ["memory", str(LARGE), str(count), str(params.seed)]
        ended = program.run(args=words, cpus=cpus)
        figures = Figures.of(ended, *words[:3])
        assert figures.seconds <= ended.wall_s, f"it says {figures.seconds:.4f} s and ended after {ended.wall_s:.4f} s"
        runs.append((figures, ended.cpu_s))
    return runs[1][0], runs[1][1] - runs[0][1]


def within(figures, work_s):
    """Check that a transfer on one processor says at least the time for which it has worked."""
    assert work_s <= 1.25 * figures.seconds + SPARE_S, (
        f"for {figures.mechanism} it says {figures.seconds:.4f} s, in which one processor has worked {work_s:.4f} s"
    )


@check(
    points=3,
    hint="How many system calls, copies and comparisons does a block of 64 KiB cost? `strace -c` counts the calls, "
    "a few clocks of your own tell the rest. memcmp(3), memcpy(3); a pattern is made once.",
    needs=[MECHANISM_OF, SENDER],
)
def test_it_is_about_as_fast_as_ours(measure, reference, way, params, cpus):
    """Blocks of 64 KiB go at a quarter of our speed at least, with our sender and with our receiver, in 6 rounds."""
    pairs = [(mechanism, end) for mechanism in MECHANISMS for end in ("receiver", "sender")]
    best, block, count = dict.fromkeys(pairs, 0.0), LARGE, 4 * params.count
    for _ in range(ROUNDS):
        slow = [pair for pair in pairs if best[pair] < SHARE]
        ours = {one: speed(way(one), reference.measure, reference.measure, block, count, cpus) for one, _ in slow}
        for mechanism, end in slow:
            ends = (measure, reference.measure) if end == "receiver" else (reference.measure, measure)
            share = speed(way(mechanism), *ends, block, count, cpus) / ours[mechanism]
            best[mechanism, end] = max(best[mechanism, end], share)
    slow = [f"{end} of {one} {share:.3f}" for (one, end), share in best.items() if share < SHARE]
    assert not slow, f"of our speed, at best: {', '.join(slow)}"


def speed(line, receiver, sender, block, count, cpus):
    """MB/s of a transfer on one processor."""
    figures, _, _ = line.transfer(receiver, sender, block, count, cpus=cpus[:1])
    return figures.mb_per_s


@check(
    points=2,
    hint="A table of yours: both ends, sizes from 64 bytes on. Nobody moves bytes in less time than a processor works.",
    needs=[MECHANISM_OF, SENDER, CLOCK, VERIFIES, FAST],
)
def test_the_table_is_possible(measure, way, params, cpus, exhibit):
    """Its own table, of all mechanisms and four sizes, is possible: on one processor no more work than time."""
    table = {64: 30 * params.count, 4096: 10 * params.count, LARGE: 16 * params.count, 1 << 20: params.count // 4}
    one, two = cpus[:1], cpus[:2]
    fast = transfers(measure, way, table, one)
    rested = transfers(measure, way, dict.fromkeys((64, LARGE, 1 << 20), 9), one, pause_us=500)
    for mechanism in MECHANISMS:
        (figures, work_s), (_, idle_s) = fast[mechanism, LARGE], rested[mechanism, LARGE]
        within(figures, work_s - idle_s)
    floor = Curve(
        "memory", [(block, floor_at(measure, params, block, table[block], one)) for block in table], dashed=True
    )
    panels = [speeds("one processor", floor, fast)]
    if len(two) > 1:
        fewer = {block: count // 4 for block, count in table.items() if block > 64}
        panels.append(speeds("two processors", floor, transfers(measure, way, fewer, two)))
    panels.append(Panel("one processor, a rest before each block", SIZE, "microseconds to arrive", ages(rested)))
    exhibit("bandwidth.svg", drawn("How fast, and how late: who waits sleeps, and every byte is verified", panels))


def transfers(measure, way, counts, cpus, pause_us=0):
    """What the program says of each mechanism and size, and the processor time that both its ends took."""
    found = {}
    for mechanism in MECHANISMS:
        for block, count in counts.items():
            figures, *ended = way(mechanism).transfer(measure, measure, block, count, pause_us, cpus=cpus)
            found[mechanism, block] = figures, sum(one.cpu_s for one in ended)
    return found


def floor_at(measure, params, block, count, cpus):
    """MB/s of `memory`."""
    words = ["memory", str(block), str(count), str(params.seed)]
    return Figures.of(measure.run(args=words, cpus=cpus), *words[:3]).mb_per_s


def speeds(title, floor, found):
    """The figures of a table beside those of memory."""
    return Panel(title, SIZE, "MB/s", [floor, *curves(found, lambda figures: figures.mb_per_s)])


def ages(found):
    """The ages in a table."""
    return curves(found, lambda figures: max(figures.age_us, 1 / US))


def curves(found, value):
    """One for each mechanism."""
    points = {mechanism: [] for mechanism in MECHANISMS}
    for (mechanism, block), (figures, _) in found.items():
        points[mechanism].append((block, value(figures)))
    return [Curve(mechanism, there) for mechanism, there in points.items()]


@check(
    points=1,
    hint="The place is a name in one host only. Which call of the sender finds nobody there?",
    needs=[SENDER],
)
def test_on_another_host_nobody_receives(measure, ablated, reference, way, island):
    """On a host that shares nothing the sender finds no receiver and says so; beside a receiver it is heard."""
    for mechanism in NAMED:
        line = way(mechanism)
        receiving = line.receive(reference.measure, BLOCK, 1)
        ablated.measure.run(args=line.words("send", BLOCK, 1)).refused(1)
        line.send(measure, BLOCK, 1).wait().exited(0)
        receiving.wait().exited(0)


@check(
    points=1,
    hint="O_EXCL, EEXIST, EADDRINUSE; SIGPIPE in signal(7); and numbers have ends: strtoul(3).",
    needs=[MECHANISM_OF, SENDER],
)
def test_what_can_not_be_done_is_said(measure, reference, way, alpha, params):
    """A place that is taken stays as it is: status 1, as without a receiver, or when it goes; wrong arguments: 2."""
    for mechanism in NAMED:
        line = way(mechanism)
        line.send(measure, BLOCK, 1).wait().refused(1)
        first = line.receive(measure, BLOCK, 1)
        measure.run(args=line.words("receive", BLOCK, 1)).refused(1)
        if mechanism == "shm":
            line.send(measure, 2 * BLOCK, 1).wait().refused(1)
        line.send(reference.measure, BLOCK, 1).wait().exited(0)
        first.wait().exited(0)
    for mechanism in STREAMS:
        line = way(mechanism)
        receiving = line.receive(reference.measure, BLOCK, 1)
        line.send(measure, BLOCK, 10_000).wait().refused(1, "its receiver has gone")
        receiving.wait()
    right = [way("tcp").words(command, BLOCK, 1) for command in ("receive", "send")]
    wrong = [[], ["memory"], ["memory", "64", "1"], ["copy", *right[0][1:]], right[0][:-1], [*right[0], "0"]]
    wrong += [[*right[1], "0", "0"], [*right[1], "1000001"], [*right[1], "-1"]]
    for place, word in ((1, "udp"), (3, "0"), (3, "65"), (3, "1048640"), (4, "0"), (4, "1x"), (4, "10000001")):
        wrong += [[*words[:place], word, *words[place + 1 :]] for words in right]
    for words in wrong:
        measure.run(args=words).refused(2)
