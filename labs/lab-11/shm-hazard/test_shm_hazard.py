"""Checks of shm-hazard: what is in memory after each step, and what is lost, by chance or by design."""

from random import Random
from struct import pack, unpack

import pytest

from orchestrator.checks import PIPE, check

PLACES = ("alpha/left", "alpha/right")
ROOT, JUDGED, PEER, STUDENTS = 0, 1998, 1999, 1000
PROCESSES, BYTES = 8, 72
FOR_EVER = 10**15
ROUNDS = 3
STEPS = 24
SOON = 1000
SEEN_S = 2
MOST_ACCESSES = 100
"""Of a counter that increments a few times: it makes about four for each."""
MOST_TIMES = 1_000_000
WHOLE = (7000, 8000)
"""So many increments of each whose order is kept as a whole."""
ALONE, VISIBLE = "test_alone_nothing_is_lost", "test_each_increment_is_in_memory_at_once"
AUDIT, STEPPED = "test_audit_tells_what_memory_says", "test_a_step_is_a_step"
SCHEDULE = "test_schedule_finds_an_order_for_every_result"


class Tally:
    """The object, as anybody can look at it."""

    def __init__(self, host, name):
        self.host, self.path, self.name = host, f"/dev/shm{name}", name

    def put(self, value, done, *, uid=JUDGED, mode=0o660):
        """Have an object with this in it."""
        self.host.agent.put(self.path, pack(f"={1 + PROCESSES}Q", value, *done), mode=mode, uid=uid, gid=STUDENTS)

    def read(self):
        """The counter, and what each has done."""
        made = self.host.posix_shm(self.name).fact
        assert made is not None, f"there is no object {self.name}"
        assert made.size == BYTES, f"the object has {made.size} bytes, not {BYTES}"
        value, *done = unpack(f"={1 + PROCESSES}Q", self.host.agent.get(self.path).data)
        return value, done


@pytest.fixture
def tally(alpha, params):
    """The object on alpha."""
    return Tally(alpha, params.name)


@pytest.fixture
def random(params):
    """Drawn from the run's seed."""
    return Random(params.seed)


def large(random):
    """A number that 32 bits do not hold."""
    return random.randrange(2**33, 2**50)


def told(value, done):
    """What an audit prints."""
    return f"done {sum(done)}\ncounted {value}\nlost {sum(done) - value}\n".encode()


class Stepper:
    """A process that increments as it is told, and what it must have seen."""

    def __init__(self, program, name, who):
        self.who, self.seen = who, None
        self.running = program.start(args=[name, str(who), "steps"], stdin=PIPE)

    def load(self, value):
        """It fetches this value."""
        answer = self.running.ask(b"load\n")
        assert answer == b"%d\n" % value, f"process {self.who} loads {value}, and printed {answer!r}"
        self.seen = value

    def store(self):
        """What it puts back: one more than it has fetched, whatever there is now."""
        answer = self.running.ask(b"store\n")
        stored = self.seen + 1
        assert answer == b"%d\n" % stored, f"process {self.who} had loaded {self.seen}, and printed {answer!r}"
        self.seen = None
        return stored

    def end(self):
        """No more steps."""
        self.running.close_stdin()
        self.running.wait().exited(0)


def play(order, steppers, tally):
    """Have the steps done in this order, looking at the counter after each; its value at the end."""
    value = tally.read()[0]
    for who, step in order:
        if step == "load":
            steppers[who].load(value)
        else:
            value = steppers[who].store()
        assert tally.read()[0] == value, f"what is in the counter after process {who}'s `{step}`"
    for one in steppers:
        one.end()
    return value


def any_order(random, processes):
    """A random order of steps; in the end nobody has loaded and not stored."""
    loaded = set()
    for _ in range(STEPS):
        who = random.randrange(processes)
        yield who, "store" if who in loaded else "load"
        loaded ^= {who}
    for who in sorted(loaded):
        yield who, "store"


def planned(schedule, times, result):
    """The order that the program prints: each process loads and stores in turn, as often as it should."""
    printed = schedule.run(args=[str(times), str(result)]).exited(0).stdout.decode("ascii", "replace")
    rows = [tuple(row.split(" ")) for row in printed.splitlines()]
    for who in "01":
        mine = [row[1:] for row in rows if row[0] == who]
        assert mine == [("load",), ("store",)] * times, f"the steps of process {who}, for {times} times and {result}"
    assert len(rows) == 4 * times, "the number of steps"
    return [(int(who), step) for who, step in rows]


def outcome(order):
    """The counter after these steps."""
    value, seen = 0, {}
    for who, step in order:
        if step == "load":
            seen[who] = value
        else:
            value = seen[who] + 1
    return value


@check(
    points=1,
    hint="`xxd -e -g 8 /dev/shm/NAME` after your counter, beside the layout in the brief. A new object has no bytes "
    "before ftruncate() gives it some, and those are zeros.",
)
def test_alone_nothing_is_lost(counter, alpha, tally, params):
    """A counter that is alone counts exactly, into an object of 72 bytes and mode 0660; the next one goes on there."""
    name, times = params.name, params.times
    assert counter.run(args=[name, "7", str(times)]).exited(0).stdout == b"", "counting prints nothing"
    assert tally.read() == (times, [0] * 7 + [times])
    assert alpha.posix_shm(name).mode & 0o777 == 0o660, "the mode of the object"
    counter.at(PLACES[1]).run(args=[name, "2", str(times + 1)]).exited(0)
    assert tally.read() == (2 * times + 1, [0, 0, times + 1, 0, 0, 0, 0, times])
    # Somebody is just making it, and has not come to the end.
    for begun in (b"", pack("=Q", times)):
        alpha.agent.put(tally.path, begun, mode=0o660, uid=JUDGED, gid=STUDENTS)
        counter.run(args=[name, "0", "1"]).exited(0, "an object that is too short gets the bytes that it lacks")
        assert tally.read() == (times * bool(begun) + 1, [1] + [0] * 7), f"an object had {len(begun)} bytes before"


@check(
    points=1,
    hint="`xxd -e -g 8 /dev/shm/NAME` again and again while your counter runs. The compiler may keep a variable in a "
    "register if nobody tells it that others look at it.",
    needs=[ALONE],
)
def test_each_increment_is_in_memory_at_once(counter, perturbed, peer, tally, random, params):
    """While it counts, each increment is in memory at once: killed anywhere, value and `done` differ by one at most."""
    tally.put(0, [0] * PROCESSES)
    running = counter.start(args=[params.name, "3", str(FOR_EVER)])
    peer(PLACES[1], "raw_tally.py", "{name}", "3", str(SOON)).run(timeout_s=SEEN_S).exited(0)
    running.kill()
    value, done = tally.read()
    assert 0 <= value - done[3] <= 1, f"the counter says {value}, and {done[3]} were done"

    # A few increments, killed before its first access to the object, its second one, and so on to its last one.
    times, seen = random.randint(3, 6), set()
    for access in range(1, MOST_ACCESSES):
        tally.put(0, [0] * PROCESSES)
        ended = perturbed.counter.dying(access).run(args=[params.name, "3", str(times)])
        value, done = tally.read()
        assert 0 <= value - done[3] <= 1, f"killed, the counter says {value}, and {done[3]} were done"
        seen.add(value)
        if ended.signal != "SIGKILL":
            ended.exited(0)
            break
    assert seen == set(range(times + 1)), f"of {times} increments, one after the other, the counter showed {seen} only"


@check(
    points=2,
    hint="A load copies the counter into a variable of your process. Does your store put that back, or what the "
    "counter holds by then? stdout is a pipe here: fflush() each answer.",
    needs=[ALONE],
)
def test_a_step_is_a_step(counter, reference, tally, random, params):
    """With our counter in the other container, in a random order of steps, memory and answers are as they must be."""
    begin, done = large(random), [large(random) for _ in range(PROCESSES)]
    # Root's, as its folder: another's object may not be opened with O_CREAT there, see proc(5), protected_regular.
    tally.put(begin, done, uid=ROOT)
    ours = Stepper(reference.counter.at(PLACES[1]), params.name, 1)
    steppers = [Stepper(counter, params.name, 0), ours]
    # Whatever comes by chance: the other one counts between two of its rounds, and then within one.
    alone = [(0, "load"), (0, "store"), (1, "load"), (1, "store")]
    within = [(0, "load"), (1, "load"), (1, "store"), (0, "store")]
    order = [*alone, *within, *any_order(random, len(steppers))]
    value = play(order, steppers, tally)
    for who, step in order:
        done[who] += step == "store"
    assert tally.read() == (value, done)

    for wrong in (b"store\n", b"load\nstore\nstore\n", b"add\n"):
        ended = counter.run(args=[params.name, "0", "steps"], stdin=wrong)
        ended.exited(1, "there is no such step, or no load before it")
        assert ended.stderr, "it said nothing on standard error"


@check(
    points=2,
    hint="The counter is to be unprotected: no lock, no atomic increment. Load, add and store are steps of their own, "
    "and the check gives the processor away between them.",
    needs=[VISIBLE, AUDIT],
)
def test_two_at_once_lose_updates(perturbed, audit, peer, tally, params):
    """Of two that count at once in two containers, perturbed, updates are lost, and audit says how many."""
    tally.put(0, [0] * PROCESSES)
    first, second = perturbed.counter, perturbed.counter.at(PLACES[1])
    for one in range(1, ROUNDS + 1):
        # The first counts before the second begins, and as long as it does.
        running = first.start(args=[params.name, "0", str(FOR_EVER)])
        more = str(tally.read()[1][0] + 1)
        peer(PLACES[1], "raw_tally.py", "{name}", "0", more).run(timeout_s=SEEN_S).exited(0)
        second.run(args=[params.name, "1", str(params.times)]).exited(0)
        running.kill()
        value, done = tally.read()
        assert done[1] == one * params.times, "what the second one has done"
        if value < sum(done):
            break
    assert value < sum(done), f"in {ROUNDS} rounds not one of {sum(done)} updates was lost"
    assert audit.run().exited(0).stdout == told(value, done)


@check(
    points=1,
    hint="Eight processes may have counted, each up to 2**64 times. What is needed to look, and what to write? And "
    "what would a negative number of lost updates mean?",
)
def test_audit_tells_what_memory_says(audit, ablated, alpha, island, tally, random, params):
    """`audit` tells what is in a tally that it may only read; where none is, on another host too, it says so."""
    done = [large(random) for _ in range(PROCESSES)]
    for value in (large(random), sum(done), 0):
        tally.put(value, done, uid=PEER, mode=0o640)
        assert audit.run().exited(0).stdout == told(value, done)
        assert tally.read() == (value, done), "looking has changed it"
    ablated.audit.run().refused(1)
    assert not island.posix_shm(params.name).exists, "on island, audit has made an object"
    tally.put(sum(done) + 1, done)
    audit.run().refused(1)
    alpha.agent.put(tally.path, bytes(BYTES - 1), mode=0o660, uid=PEER, gid=STUDENTS)
    audit.run().refused(1)
    audit.run(name=params.other_name).refused(1)
    assert not alpha.posix_shm(params.other_name).exists, "audit has made an object"


@check(
    points=3,
    hint="Begin with two processes and two increments each: which results can there be? How much can one late store "
    "wipe out? A process may sleep between its load and its store for as long as you like.",
)
def test_schedule_finds_an_order_for_every_result(schedule, random):
    """`schedule` prints an order of steps for every result that there can be: from 2, or 1, to twice TIMES."""
    for times in (1, 2, random.randint(3, 6)):
        for result in range(min(times, 2), 2 * times + 1):
            assert outcome(planned(schedule, times, result)) == result, f"the result of {times} increments each"
    times = random.randint(500, 1000)
    for result in (2, random.randint(3, times - 1), random.randint(times + 2, 2 * times)):
        assert outcome(planned(schedule, times, result)) == result, f"the result of {times} increments each"
    times = random.randint(*WHOLE)
    result = random.randint(times // 2, times)
    assert outcome(planned(schedule, times, result)) == result, f"the result of {times} increments each"
    # A million of each are 30 MB: as much of it as is read before the program is ended.
    ended = schedule.run(args=[str(MOST_TIMES), str(random.randint(2, 2 * MOST_TIMES))])
    assert ended.killed_for_output, f"for {MOST_TIMES} increments each: {ended.told()}"


@check(
    points=1,
    hint="What has been stored at least once before the very last load, if each has more than one increment to do?",
    needs=[SCHEDULE],
)
def test_schedule_says_what_cannot_be(schedule, random):
    """What no order of steps can give, `schedule` refuses: nothing on standard output, exit status 1."""
    times = random.randint(2, 900)
    for result in (0, 1, 2 * times + 1, 3 * times):
        schedule.run(args=[str(times), str(result)]).refused(1)
    for result in (0, 3):
        schedule.run(args=["1", str(result)]).refused(1)


@check(
    points=1,
    hint="Play one of your schedules by hand, in two shells, and look at the counter after each step.",
    needs=[SCHEDULE, STEPPED, AUDIT],
)
def test_what_is_planned_comes_true(counter, schedule, audit, tally, random, params):
    """Two counters that do the steps of a schedule, in two containers, end at its result, and audit tells the loss."""
    times = random.randint(4, 6)
    result = random.randint(2, 2 * times - 1)
    order = planned(schedule, times, result)
    tally.put(0, [0] * PROCESSES)
    steppers = [Stepper(counter.at(place), params.name, who) for who, place in enumerate(PLACES)]
    assert play(order, steppers, tally) == result
    assert audit.run().exited(0).stdout == told(result, [times, times])


@check(
    points=1,
    hint="The starters read the arguments as the brief wants it; look at what you have changed there.",
    needs=[ALONE],
)
def test_what_it_may_not_do_it_says(counter, audit, schedule, alpha, tally, params, leftovers):
    """Wrong arguments end with 2, before anything is made; an object that the counter may not write to with 1."""
    name = params.name
    for words in ([], [name, "0"], [name, "8", "1"], [name, "-1", "1"], [name, "x", "steps"], [name, "0", "0"],
                  [name, "0", "step"], [name, "0", "1", "1"]):  # fmt: skip
        counter.run(args=words).refused(2)
    for words in ([], [name, name]):
        audit.run(args=words).refused(2)
    for words in ([], ["3"], ["0", "0"], ["3", "x"], ["1000001", "5"], ["3", "2000001"], ["3", "4", "5"]):
        schedule.run(args=words).refused(2)
    assert not leftovers(), "something was made all the same"
    tally.put(5, [5] + [0] * (PROCESSES - 1), uid=PEER, mode=0o640)
    counter.run().refused(1)
    assert tally.read()[0] == 5
