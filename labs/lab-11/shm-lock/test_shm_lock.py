"""Checks of shm-lock: who sleeps at the lock of an object, where, until when, and what is in the object afterwards."""

from math import gcd
from random import Random
from struct import pack, unpack_from
from time import monotonic, sleep

import pytest

from orchestrator.checks import PIPE, In, check

PLACES = ("alpha/left", "alpha/right")
INSIDE = b"inside\n"
JUDGED, PEER, STUDENTS = 1998, 1999, 1000
BYTES, NUMBERS_AT, NUMBERS = 4096, 64, 16
READY = 1
ROUNDS = 2
FOR_EVER = 10**15
LINES = (20,) * 5 + (100,) * 10 + (1000,) * 40
"""A reader that comes back while the writer is not running finds the same; not so often, nor for so long."""
SOON_S = 5
ALONE = "test_a_writer_is_alone"


@pytest.fixture
def board(board, params):
    """The program, with the arguments that come after NAME."""
    return Board(board, params.name)


class Board:
    """The program on one object: `board.start("hold", "read")`."""

    def __init__(self, program, name):
        self.program, self.name = program, name

    def at(self, place):
        """The same in another container."""
        return Board(self.program.at(place), self.name)

    def start(self, *words, **options):
        """Start it."""
        return self.program.start(args=[self.name, *map(str, words)], **options)

    def run(self, *words):
        """Start it and wait for its end."""
        return self.program.run(args=[self.name, *map(str, words)])


class Memory:
    """What is in the object, which nobody writes to now."""

    def __init__(self, alpha, peer, name):
        self.alpha, self.peer, self.name = alpha, peer, name

    @property
    def numbers(self):
        """The sixteen."""
        assert self.alpha.posix_shm(self.name).exists, f"there is no object {self.name}"
        data = self.alpha.agent.get(f"/dev/shm{self.name}").data
        assert len(data) == BYTES, f"the object has {len(data)} bytes, not {BYTES}"
        return list(unpack_from(f"={NUMBERS}Q", data, NUMBERS_AT))

    def grows(self, seen):
        """Return when somebody has made the first one more than that."""
        raw = self.peer(PLACES[1], "raw_board.py", "{name}", "grow", str(seen))
        raw.run(timeout_s=SOON_S).exited(0)

    def put(self, numbers):
        """Other ones in their place."""
        raw = self.peer(PLACES[1], "raw_board.py", "{name}", "put")
        ended = raw.run(stdin=pack(f"={NUMBERS}Q", *numbers))
        ended.exited(0, "another process of the group can't open the object")


@pytest.fixture
def memory(alpha, peer, params):
    """The object, as anybody can look at it."""
    return Memory(alpha, peer, params.name)


def any_numbers(params):
    """Sixteen that differ, and that no 32 bits hold."""
    return [2**40 + one for one in Random(params.seed).sample(range(2**40), NUMBERS)]


def line(numbers):
    """As the program prints them."""
    return " ".join(map(str, numbers)).encode() + b"\n"


def asleep(running, alpha, name):
    """Return when it sleeps at a lock that is in the object."""
    fact = running.wait_blocked("futex")
    ino = alpha.posix_shm(name).ino
    address = fact.syscall.args[0]
    assert any(address in mapping for mapping in fact.maps if mapping.ino == ino), (
        f"process {running.pid} sleeps in futex(), but at an address that is not in the object {name}"
    )


def shown(ended):
    """The first number of each line that a reader has printed."""
    return [int(one.split(b" ")[0]) for one in ended.exited(0).stdout.splitlines()]


def differ(readers):
    """The largest number of which all differences between what readers have seen are multiples; 0: they are equal."""
    return gcd(*(seen - readers[0][0] for lines in readers for seen in lines))


def who_is_inside(crowd):
    """Those who say so, as soon as there is one: who has to wait for a part of the lock may be asleep until then."""
    deadline = monotonic() + SOON_S
    while not (inside := [one for one in crowd if INSIDE in one.output().stdout]) and monotonic() < deadline:
        sleep(0.001)
    return inside


def go(running):
    """Let one that is inside go on to its end."""
    running.close_stdin()
    return running.wait().exited(0)


@check(
    points=1,
    hint="`ls -l /dev/shm` and `xxd /dev/shm/NAME` after the first `board`, beside the layout in the brief.",
)
def test_the_first_one_makes_the_object(board, alpha, memory, params):
    """Whoever comes first, reader or writer, makes the object: 4096 bytes, mode 0660, state 1, sixteen zeros."""
    assert board.run("read", 1).exited(0).stdout == line([0] * NUMBERS)
    made = alpha.posix_shm(params.name).fact
    assert made is not None, f"there is no object {params.name} afterwards"
    assert made.size == BYTES, f"it has {made.size} bytes"
    assert made.mode & 0o777 == 0o660, f"its mode is {made.mode & 0o777:04o}"
    assert unpack_from("=I", alpha.agent.get(f"/dev/shm{params.name}").data)[0] == READY, "the state is not 1"

    assert board.at(PLACES[1]).run("write", params.times).exited(0).stdout == b"", "a writer prints nothing"
    assert memory.numbers == [params.times] * NUMBERS
    assert board.run("read", 1).stdout == line([params.times] * NUMBERS), "who came later did not find them"


@check(
    points=1,
    hint="Reading shows all sixteen as they are; writing adds 1 to each. What is in the object counts, not what your "
    "program remembers.",
    needs=["test_the_first_one_makes_the_object"],
)
def test_it_reads_and_counts_what_is_there(board, memory, params):
    """Numbers that somebody else left there are printed as they are, and a writer adds TIMES to each."""
    board.run("write", 1).exited(0)
    numbers = any_numbers(params)
    memory.put(numbers)
    assert board.at(PLACES[1]).run("read", 3).exited(0).stdout == 3 * line(numbers)
    board.run("write", params.times).exited(0)
    assert memory.numbers == [one + params.times for one in numbers]


@check(
    points=3,
    hint="x++ is three steps: fetch, add, put back. Which of your steps must nobody else come between? The check gives "
    "the processor away before your program touches shared memory, so that others come where they can.",
    needs=["test_it_reads_and_counts_what_is_there"],
)
def test_no_update_is_lost_and_no_line_is_torn(board, perturbed, memory, params):
    """With three writers and a reader at once, perturbed, no update is lost, and each line is of one moment."""
    board.run("write", 1).exited(0)
    numbers = any_numbers(params)
    memory.put(numbers)
    crowd = Board(perturbed.board, params.name)
    for _ in range(ROUNDS):
        writers = [crowd.at(place).start("write", params.times) for place in (*PLACES, PLACES[0])]
        reader = crowd.at(PLACES[1]).start("read", params.times)
        for writer in writers:
            writer.wait().exited(0)
        lines = reader.wait().exited(0).stdout.splitlines()
        assert len(lines) == params.times, "the number of lines that the reader printed"
        for one in lines:
            added = {int(now) - before for now, before in zip(one.split(b" "), numbers, strict=True)}
            assert len(added) == 1, "a reader printed numbers of different moments: a writer was inside, too"
        numbers = [one + len(writers) * params.times for one in numbers]
        lost = sorted({expected - found for expected, found in zip(numbers, memory.numbers, strict=True)})
        assert lost == [0], f"of {len(writers) * params.times} updates some numbers have lost {lost}"


@check(
    points=2,
    hint="Where do your processes sleep, and on what? `strace -p PID` of one that waits, and the addresses of its "
    "`/proc/PID/maps`. What tells the C library that a lock is for several processes? A lock that is tried again and "
    "again is not waited for.",
    needs=["test_the_first_one_makes_the_object"],
)
def test_a_writer_is_alone(board, alpha, memory, params):
    """While a writer is inside, writers and readers sleep in futex() on the object's lock, and then go on."""
    inside = board.start("hold", "write", stdin=PIPE, until=INSIDE)
    right = board.at(PLACES[1])
    writer, reader = right.start("write", 1), right.start("read", 1)
    for one in (writer, reader):
        asleep(one, alpha, params.name)
    assert memory.numbers == [0] * NUMBERS, "somebody has written"

    assert go(inside).stdout == INSIDE, "`hold write` prints `inside` and nothing else"
    writer.wait().exited(0, "the writer that waited")
    assert reader.wait().exited(0, "the reader that waited").stdout in (line([1] * NUMBERS), line([2] * NUMBERS))
    assert memory.numbers == [2] * NUMBERS

    board.start("hold", "write", stdin=PIPE, until=INSIDE)
    for how in ("write", "read"):
        waiting = right.start(how, 1)
        asleep(waiting, alpha, params.name)
        waiting.sleeps()


@check(
    points=1,
    hint="TIMES times means: goes in, reads or adds 1, leaves. What do others see of a long `write` while it runs? "
    "What does a long `read` print when somebody has written meanwhile?",
    needs=[ALONE],
)
def test_others_go_in_between_two_times(board, memory, params):
    """While one writes without end, readers see the numbers grow, by any number of updates, also between two lines."""
    right = board.at(PLACES[1])
    board.run("write", 1).exited(0)
    writer, seen = board.start("write", FOR_EVER), 1
    for _ in range(2):
        memory.grows(seen)
        before, (seen,) = seen, shown(right.run("read", 1))
        assert before < seen < FOR_EVER, f"while one writes, a reader saw {before}, and then {seen}"
    assert writer.alive, f"the writer has ended: it can't have been inside {FOR_EVER} times"
    readers = []
    for lines in LINES:
        readers.append(shown(right.run("read", lines)))
        if differ(readers[-1:]) and differ(readers) == 1:
            break
    assert any(differ([lines]) for lines in readers), (
        f"{LINES[-1]} lines of one reader are all the same, though somebody writes"
    )
    assert differ(readers) == 1, (
        f"whatever a reader sees is a multiple of {differ(readers)} updates away from what others see: "
        f"the writer does not leave after each"
    )


@check(
    points=1,
    hint="Readers change nothing, so they need not keep each other out. Which kind of lock knows who comes to read? "
    "And when may a writer go in?",
    needs=[ALONE],
)
def test_readers_are_inside_together(board, alpha, params):
    """Readers of both containers are inside at once; a writer sleeps until the last of them has left."""
    first, second = (board.at(place).start("hold", "read", stdin=PIPE, until=INSIDE) for place in PLACES)
    writer = board.start("write", 1)
    asleep(writer, alpha, params.name)
    for reader in (first, second):
        asleep(writer, alpha, params.name)
        assert go(reader).stdout == INSIDE + line([0] * NUMBERS)
    writer.wait().exited(0, "the writer that waited")
    assert board.run("read", 1).stdout == line([1] * NUMBERS)


@check(
    points=1,
    hint="If readers keep coming, when is the last of them gone? pthread_rwlockattr_setkind_np(3) has more to say than "
    "its name; with semaphores, there is a door that a writer can close behind itself.",
    needs=["test_readers_are_inside_together"],
)
def test_a_waiting_writer_comes_before_later_readers(board, alpha, params):
    """A reader that comes while a writer waits lets it go first, though other readers are still inside."""
    reader = board.start("hold", "read", stdin=PIPE, until=INSIDE)
    writer = board.at(PLACES[1]).start("hold", "write", stdin=PIPE)
    asleep(writer, alpha, params.name)
    later = board.start("hold", "read", stdin=PIPE)
    asleep(later, alpha, params.name)
    assert writer.output().stdout + later.output().stdout == b"", "they say that they are inside, and sleep at the lock"
    assert go(reader).stdout == INSIDE + line([0] * NUMBERS)
    writer.expect(INSIDE)
    asleep(later, alpha, params.name)
    go(writer)
    later.expect(INSIDE)
    assert go(later).stdout == INSIDE + line([1] * NUMBERS)


@check(
    points=2,
    hint="Between looking whether there is a lock and making one somebody else can do the same. What keeps others out "
    "before there is a lock? The brief names a call; look at what it protects only after it has returned.",
    needs=[ALONE],
)
def test_the_lock_is_made_once(board, peer, alpha, memory, params):
    """Of four that come to an unfinished object at once one makes the lock; they go in one after the other."""
    for unfinished in (b"", bytes(BYTES)):
        alpha.agent.put(f"/dev/shm{params.name}", unfinished, mode=0o660, uid=JUDGED, gid=STUDENTS)
        gate = peer(PLACES[1], "raw_board.py", "{name}", "keep").start(stdin=PIPE, until=b"kept\n")
        crowd = [board.at(place).start("hold", "write", stdin=PIPE) for place in 2 * PLACES]
        for one in crowd:
            one.wait_blocked("flock")
        gate.kill()
        for left in range(len(crowd), 0, -1):
            for one in crowd:
                alpha.processes(pid=one.pid).wait(state="S", syscall__name=In("futex", "read"))
            inside = who_is_inside(crowd)
            assert len(inside) == 1, f"{len(inside)} of {left} writers are inside at once"
            crowd.remove(inside[0])
            for one in crowd:
                asleep(one, alpha, params.name)
            go(inside[0])
        assert memory.numbers == [2 * len(PLACES)] * NUMBERS


@check(
    points=1,
    hint="The lock is in the object that NAME names on this host, and each object has its own.",
    needs=["test_the_first_one_makes_the_object"],
)
def test_another_object_has_another_lock(board, ablated, alpha, island, memory, params):
    """While one object is held, another is free: under another name, and under the same name on another host."""
    inside = board.start("hold", "write", stdin=PIPE, until=INSIDE)
    Board(board.program, params.other_name).run("write", 1).exited(0)
    Board(ablated.board, params.name).run("write", params.times).exited(0)
    assert island.posix_shm(params.name).exists, "on island no object was made"
    go(inside)
    assert memory.numbers == [1] * NUMBERS, "what was written elsewhere has come here"
    for name in (params.name, params.other_name):
        assert Board(board.program, name).run("read", 1).stdout == line([1] * NUMBERS)


@check(
    points=1,
    hint="The starter reads the arguments as the brief wants it. What does shm_open() return for an object that you "
    "may not open?",
    needs=["test_the_first_one_makes_the_object"],
)
def test_what_it_may_not_do_it_says(board, alpha, params, leftovers):
    """Wrong arguments end with 2, before anything is made; an object that it may not open with 1."""
    for words in ((), ("read",), ("read", 0), ("write", "x"), ("write", "5x"), ("hold", "lock"), ("hold",), ("add", 1),
                  ("read", 1, 1)):  # fmt: skip
        board.run(*words).refused(2)
    assert not leftovers(), "it has made something all the same"
    alpha.agent.put(f"/dev/shm{params.name}", bytes(BYTES), mode=0o600, uid=PEER, gid=STUDENTS)
    for words in (("read", 1), ("write", 1), ("hold", "read")):
        board.run(*words).refused(1)
