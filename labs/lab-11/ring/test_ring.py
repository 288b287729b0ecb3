"""Checks of ring: which messages come out, in which order, who sleeps at which semaphore, and until when."""

from random import Random
from struct import pack

import pytest

from orchestrator.checks import PIPE, check

PLACES = ("alpha/left", "alpha/right")
PEER, STUDENTS = 1999, 1000
HEAD_BYTES, SEMAPHORE_BYTES, LENGTH_BYTES = 128, 32, 4
FREE_AT, FILLED_AT = 32, 64
SENDERS, RECEIVERS, EACH = 3, 2, 40
WIDE = 50
"""So many buffers that nobody has to wait for long."""
MAKES = "test_make_makes_a_ring"
SENDS, RECEIVES = "test_what_is_sent_is_what_we_receive", "test_what_we_send_is_received"
FULL, EMPTY = "test_a_sender_sleeps_while_all_buffers_are_filled", "test_a_receiver_sleeps_while_all_buffers_are_free"


class Ring:
    """The program on one ring, with the arguments that come after NAME: `ring.run("receive", 3)`."""

    def __init__(self, program, name):
        self.program, self.name = program, name

    def at(self, place):
        """The same in another container."""
        return Ring(self.program.at(place), self.name)

    def start(self, *words, **options):
        """Start it."""
        return self.program.start(args=[self.name, *map(str, words)], **options)

    def run(self, *words, **options):
        """Start it and wait for its end."""
        return self.program.run(args=[self.name, *map(str, words)], **options)

    def make(self, capacity, size):
        """A new ring."""
        self.run("make", capacity, size).exited(0)

    def send(self, *messages):
        """Messages that the ring has room for."""
        assert self.run("send", stdin=lines(messages)).exited(0).stdout == b"", "sending prints nothing"

    def receive(self, *messages):
        """The next ones must be these."""
        received = self.run("receive", len(messages)).exited(0).stdout
        assert received == lines(messages), f"what was received of {len(messages)} messages"


@pytest.fixture
def ring(ring, params):
    """The student's, in alpha/left."""
    return Ring(ring, params.name)


@pytest.fixture
def ours(reference, params):
    """The reference's, in alpha/right."""
    return Ring(reference.ring.at(PLACES[1]), params.name)


@pytest.fixture
def head(peer):
    """What is in the head of the ring now, after `make`."""

    def look():
        numbers = peer(PLACES[1], "raw_ring.py", "{name}", "look").run().exited(0).stdout.split()
        names = ("state", "capacity", "size", "in", "out", "free", "filled", "lock")
        return dict(zip(names, map(int, numbers), strict=True))

    return look


@pytest.fixture
def random(params):
    """Drawn from the run's seed."""
    return Random(params.seed)


def lines(messages):
    """A line each."""
    return b"".join(one + b"\n" for one in messages)


def message(random, size):
    """Any bytes but a newline, any number of them up to `size`."""
    return bytes(random.choice([byte for byte in range(256) if byte != 10]) for _ in range(random.randint(0, size)))


def messages(random, size, count):
    """Among them an empty one, and one that fills its buffer and has a NUL in the middle."""
    full = bytearray(random.choice(range(128, 256)) for _ in range(size))
    full[size // 2] = 0
    some = [b"", bytes(full), *(message(random, size) for _ in range(count - 2))]
    random.shuffle(some)
    return some


def portions(random, size, capacity):
    """Messages in portions for which there are buffers enough, more of them in all than there are buffers."""
    some = messages(random, size, 3 * capacity)
    while some:
        count = random.randint(1, capacity - 1)
        yield some[:count]
        del some[:count]


def asleep(running, alpha, name, semaphore_at):
    """Return when it sleeps at this semaphore of the ring."""
    fact = running.wait_blocked("futex")
    ino = alpha.posix_shm(name).ino
    starts = [mapping.start for mapping in fact.maps if mapping.ino == ino]
    offsets = [fact.syscall.args[0] - start for start in starts]
    assert any(semaphore_at <= one < semaphore_at + SEMAPHORE_BYTES for one in offsets), (
        f"process {running.pid} sleeps in futex(), but not at the semaphore in byte {semaphore_at} of the object {name}"
    )


@check(
    points=1,
    hint="`xxd /dev/shm/NAME` after `ring NAME make 3 9`, beside the layout in the brief. What does each semaphore "
    "count, and how many are there in the beginning?",
)
def test_make_makes_a_ring(ring, alpha, head, params, leftovers):
    """`make` makes a new object of the right size and mode, with head and semaphores; `remove` removes it."""
    size = 2 * params.size + 1
    ring.make(params.capacity, size)
    made = alpha.posix_shm(params.name).fact
    assert made is not None, f"there is no object {params.name}"
    assert made.size == HEAD_BYTES + params.capacity * (LENGTH_BYTES + size), f"it has {made.size} bytes"
    assert made.mode & 0o777 == 0o660, f"its mode is {made.mode & 0o777:04o}"
    fresh = {"capacity": params.capacity, "size": size, "free": params.capacity}
    assert head() == {"state": 1, "in": 0, "out": 0, "filled": 0, "lock": 1, **fresh}
    ring.run("make", params.capacity + 1, size).refused(1)
    assert head()["capacity"] == params.capacity, "it has made a ring of a ring that was there"
    ring.run("remove").exited(0)
    assert not leftovers()


@check(
    points=2,
    hint="`xxd /dev/shm/NAME` after `printf 'abc\\n\\nde' | ring NAME send`, beside the layout. Messages are bytes: "
    "they have a length, no NUL at the end and no newline.",
    needs=[MAKES],
)
def test_what_is_sent_is_what_we_receive(ring, ours, random, params):
    """Our receiver gets all messages byte for byte and in order, more of them than there are buffers."""
    ring.make(params.capacity, params.size)
    for portion in portions(random, params.size, params.capacity):
        ring.send(*portion)
        ours.receive(*portion)
    ring.run("send", stdin=b"last").exited(0, "the end of the input ends the last line, too")
    ours.receive(b"last")


@check(
    points=2,
    hint='In which order do you read: the index, the length, the bytes? printf("%s") ends at a NUL, fwrite() does not.',
    needs=[MAKES],
)
def test_what_we_send_is_received(ring, ours, random, params):
    """What our sender sends, into our ring, is received byte for byte and in order."""
    ours.make(params.capacity, params.size)
    for portion in portions(random, params.size, params.capacity):
        ours.send(*portion)
        ring.receive(*portion)


@check(
    points=2,
    hint="How many messages are in your ring when the sender waits? `strace -p PID`: in which call does it wait? A "
    "semaphore counts by itself: nothing else has to be looked at.",
    needs=[SENDS],
)
def test_a_sender_sleeps_while_all_buffers_are_filled(ring, ours, alpha, head, random, params):
    """CAPACITY messages fit, then the sender sleeps at `free`; with each message that is received it sends one more."""
    sent = messages(random, params.size, params.capacity + 2)
    ring.make(params.capacity, params.size)
    sender = ring.start("send", stdin=lines(sent))
    for received in range(2):
        asleep(sender, alpha, params.name, FREE_AT)
        now = head()
        assert (now["filled"], now["free"]) == (params.capacity, 0), "how many buffers are filled, and free"
        assert now["in"] == received % params.capacity, "the buffer that is filled next"
        if received == 0:
            ours.receive(sent[0])
    sender.sleeps()
    ours.receive(*sent[1:])
    sender.wait().exited(0)


@check(
    points=2,
    hint="What does the receiver wait for, and who says that it has come? What it has received must be seen at once: "
    "standard output is a pipe here.",
    needs=[RECEIVES],
)
def test_a_receiver_sleeps_while_all_buffers_are_free(ring, ours, alpha, head, random, params):
    """The receiver sleeps at `filled`, prints each message when it comes, and leaves what COUNT does not ask for."""
    first, *more, last = messages(random, params.size, 4)
    ours.make(4, params.size)
    receiver = ring.start("receive", 3)
    asleep(receiver, alpha, params.name, FILLED_AT)
    receiver.sleeps()
    ours.send(first)
    receiver.expect(lines([first]))
    asleep(receiver, alpha, params.name, FILLED_AT)
    ours.send(*more, last)
    assert receiver.wait().exited(0).stdout == lines([first, *more])
    assert head()["filled"] == 1, "how many messages are left"
    ours.receive(last)


@check(
    points=2,
    hint="Where are the indices of the next run, when this one has ended? What comes after the last buffer? Work it "
    "through on paper with one buffer, and with three.",
    needs=[FULL, EMPTY],
)
def test_any_ring_goes_on_where_the_last_one_ended(ring, ours, head, random, params):
    """One buffer, one byte, capacities that are no power of two: run after run goes on where the last one ended."""
    for capacity, size in ((1, params.size), (3, 1), (params.capacity, params.size)):
        ring.make(capacity, size)
        sent = 0
        # Full rings and half full ones, by turns the student's and ours.
        for count in (capacity, (capacity + 1) // 2, capacity):
            some = [message(random, size) for _ in range(count)]
            (ring if sent else ours).send(*some)
            (ours if sent == capacity else ring).receive(*some)
            sent += count
        now = head()
        assert (now["in"], now["out"]) == (sent % capacity, sent % capacity), f"of {capacity} buffers, the next ones"
        assert (now["free"], now["filled"], now["lock"]) == (capacity, 0, 1), "the semaphores in the end"
        ring.run("remove").exited(0)


@check(
    points=3,
    hint="Two senders at once: both take a free buffer. Which one? From the look at `in` to its change nobody else may "
    "come between. And when does a buffer belong to the next one?",
    needs=[FULL, EMPTY],
)
def test_several_send_and_receive_at_once(ring, perturbed, random, params):
    """With three senders and two receivers, perturbed, each message arrives once and whole, each sender's in order."""
    crowd = Ring(perturbed.ring, params.name)
    for capacity in (WIDE, params.capacity, 1):
        ring.make(capacity, params.size)
        sent = {
            who: [b"%d %d " % (who, i) + message(random, params.size - 8).replace(b" ", b"_") for i in range(EACH)]
            for who in range(SENDERS)
        }
        receivers = [crowd.at(place).start("receive", SENDERS * EACH // RECEIVERS) for place in PLACES]
        senders = [crowd.at(PLACES[who % 2]).start("send", stdin=PIPE) for who in sent]
        for sender in senders:
            sender.wait_blocked("read")
        for who, sender in enumerate(senders):
            sender.write(lines(sent[who]))
        for sender in senders:
            sender.close_stdin()
            sender.wait().exited(0)
        received = [receiver.wait().exited(0).stdout.split(b"\n")[:-1] for receiver in receivers]
        everything = sorted(one for some in received for one in some)
        assert everything == sorted(one for some in sent.values() for one in some), "what the receivers have, together"
        for some in received:
            for who, originals in sent.items():
                mine = [one for one in some if one.startswith(b"%d " % who)]
                assert mine == sorted(mine, key=originals.index), f"the order of the messages of sender {who}"
        ring.run("remove").exited(0)


@check(
    points=1,
    hint="What has a sender taken already while it waits for its input? Would somebody else need that?",
    needs=[FULL],
)
def test_a_sender_without_a_message_keeps_nobody_out(ring, ours, random, params):
    """While one sender waits for its input, another one sends, also through a single buffer."""
    ring.make(1, params.size)
    waiting = ring.start("send", stdin=PIPE)
    waiting.wait_blocked("read")
    first, second = message(random, params.size), message(random, params.size)
    ring.at(PLACES[1]).run("send", stdin=lines([first])).exited(0)
    ours.receive(first)
    waiting.write(lines([second]))
    ours.receive(second)
    waiting.close_stdin()
    waiting.wait().exited(0)


@check(
    points=1,
    hint="Count before you copy, on both sides: a message has at most SIZE bytes. And what makes an object a ring?",
    needs=[SENDS, RECEIVES],
)
def test_what_does_not_fit_is_refused(ring, ours, alpha, peer, head, random, params):
    """A line that is too long, a message that says it is, and an object that is no ring are refused with status 1."""
    ring.make(params.capacity, params.size)
    fits, never = message(random, params.size), message(random, params.size)
    ended = ring.run("send", stdin=lines([fits, b"x" * (params.size + 1), never]))
    ended.exited(1, "a line was longer than a buffer")
    assert ended.stderr, "it said nothing on standard error"
    now = head()
    assert (now["filled"], now["lock"]) == (1, 1), "only what came before the long line is sent"
    ours.receive(fits)
    for length in (params.size + 1, 2**32 - 1):
        peer(PLACES[1], "raw_ring.py", "{name}", "lie", str(length)).run().exited(0)
        ring.run("receive", 1).refused(1)
    ring.send(b"x" * params.size)
    ring.receive(b"x" * params.size)
    ring.run("remove").exited(0)

    whole = pack("=4I", 1, 3, 5, 0).ljust(HEAD_BYTES + 3 * (LENGTH_BYTES + 5), b"\0")
    none, empty = pack("=2I", 1, 0) + whole[8:], pack("=3I", 1, 3, 0) + whole[12 : HEAD_BYTES + 3 * LENGTH_BYTES]
    others = (b"", whole[: HEAD_BYTES - 1], bytes(len(whole)), whole[:-1], whole + b"\0", none, empty)
    for content in others:
        alpha.agent.put(f"/dev/shm{params.name}", content, mode=0o660, uid=PEER, gid=STUDENTS)
        ring.run("receive", 1).refused(1)
        ring.run("send", stdin=b"x\n").refused(1)


@check(
    points=1,
    hint="`df /dev/shm`: who finds out, and when, that there is no memory for a ring? Which of your calls can fail, "
    "and what is left then?",
    needs=[MAKES],
)
def test_what_it_may_not_do_it_says(ring, ablated, alpha, island, params, leftovers):
    """No ring, here or on another host, and no memory for one: 1. Wrong arguments: 2. Nothing is left in any case."""
    for words in ((), ("make",), ("make", 3), ("make", 0, 5), ("make", 3, 0), ("make", "x", 5), ("make", 3, "5x"),
                  ("make", 1001, 5), ("make", 3, 32769), ("send", 3), ("receive",), ("receive", 0),
                  ("remove", 3), ("turn",)):  # fmt: skip
        ring.run(*words).refused(2)
    for words in (("send",), ("receive", 1), ("remove",)):
        ring.run(*words).refused(1)
    ring.run("make", 1000, 32768).refused(1)
    assert not leftovers()

    ring.make(params.capacity, params.size)
    there = Ring(ablated.ring, params.name)
    for words in (("send",), ("receive", 1), ("remove",)):
        there.run(*words, stdin=b"x\n").refused(1)
    assert not island.posix_shm(params.name).exists, "it has made an object"
    assert alpha.posix_shm(params.name).exists, "it has removed the ring of another host"
