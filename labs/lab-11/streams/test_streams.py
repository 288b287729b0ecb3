"""Checks of streams: which messages pass, which descriptors go where, who waits for whom, and how a stream ends."""

from signal import SIGCONT, SIGSTOP, SIGTERM

import pytest

from orchestrator.checks import PIPE, Ge, check

GIVEN = {0, 1, 2}
QUIET_S = 0.6
NAMES = ("upper", "sum")
MOST_HELD = 16
"""Messages that a module may keep in each direction."""
PATIENCE_S = 1
"""For what takes milliseconds; a slow machine gets more of it."""
LONGEST_TEXT = 500
COUNTED = b"D......"
"""The beginning of messages that are told apart by a number."""
COMMANDS = 4000
"""So many and more than a link holds, and yet no more bytes than a pipe holds."""
HANGUP, RELEASE, PUSH, POP = b"H", b"R", b"P", b"O"
OFFERS = "test_a_module_is_had_at_its_path"
CHANGES = "test_a_module_changes_data_and_passes_on_all_else"
TALKS = "test_head_puts_and_prints_what_comes"
PUSHES = "test_head_hands_its_link_to_a_module_and_takes_it_back"
PLAIN = "test_plain_sends_lines_through_its_modules"


def summed(text):
    """The text and its checksum."""
    return text + b"%02x" % (sum(text) % 256)


class Puppet:
    """A process of another user's that holds ends of sockets."""

    def __init__(self, running, host):
        self.running = running
        self.host = host

    def tell(self, *words):
        """Have something done; what it printed."""
        return self.running.ask(f"{' '.join(map(str, words))}\n".encode(), timeout_s=PATIENCE_S).decode().strip()

    def send(self, end, *packets, fds=()):
        """Send packets."""
        for packet in packets:
            assert self.tell("send", end, packet.hex(), *fds) == "sent", "there was no room, or nobody, for a message"

    def take(self, end, count):
        """The next packets; None where the stream ends."""
        return [None if one == "end" else bytes.fromhex(one) for one in self.tell("take", end, count).split()]

    def given(self, end, *names):
        """The next packet, and the number of descriptors that came with it."""
        packet, count = self.tell("given", end, *names).split()
        return None if packet == "end" else bytes.fromhex(packet), int(count)

    def inode(self, end):
        """The socket's number."""
        return int(self.tell("inode", end))

    def fill(self, end, asleep, most):
        """Send numbered messages until nothing goes in any more and the process `asleep` sleeps: how many."""
        total = 0
        while total < most:
            count = int(self.tell("fill", end, COUNTED.hex(), most - total))
            total += count
            if count == 0:
                break
            self.host.processes(pid=asleep).wait(timeout_s=PATIENCE_S, state="S")
        return total

    def capacity(self):
        """How many of these messages a link holds that nobody reads."""
        self.tell("pair", "sample", "other")
        count = int(self.tell("fill", "sample", COUNTED.hex(), 100_000))
        for end in ("sample", "other"):
            self.tell("close", end)
        return count


def numbered(first, after):
    """The messages that `fill` sends."""
    return [COUNTED + b"%d" % number for number in range(first, after)]


class Stretch:
    """One module in a stream: `top` and `bottom` are in the puppet's hands, what is between them in the module's."""

    def __init__(self, puppet, alpha, server, path, name=""):
        self.puppet = puppet
        self.top, self.bottom = f"top{name}", f"bottom{name}"
        upper, lower, door = f"upper{name}", f"lower{name}", f"door{name}"
        puppet.tell("pair", self.top, upper)
        puppet.tell("pair", self.bottom, lower)
        self.links = {puppet.inode(upper), puppet.inode(lower)}
        self.lower = puppet.inode(lower)
        puppet.tell("connect", door, path)
        puppet.send(door, PUSH, fds=(upper, lower))
        for end in (upper, lower, door):
            puppet.tell("close", end)
        self.server = server
        self.alpha = alpha

    def down(self, *packets):
        """Send from above."""
        self.puppet.send(self.top, *packets)

    def up(self, *packets):
        """Send from below."""
        self.puppet.send(self.bottom, *packets)

    def at_top(self, count):
        """What arrives above."""
        return self.puppet.take(self.top, count)

    def at_bottom(self, count):
        """What arrives below."""
        return self.puppet.take(self.bottom, count)

    def process(self):
        """The process that fills the gap: it passes something on first, so that it is there."""
        self.down(b"?")
        assert self.at_bottom(1) == [b"?"]
        found = [
            one
            for one in self.alpha.processes(ppid=self.server.pid).facts
            if self.links & {fd.ino for fd in one.fds if fd.kind == "socket"}
        ]
        assert len(found) == 1, f"{len(found)} processes, children of the one at PATH, have ends of the stream, not one"
        return found[0]


@pytest.fixture
def puppet(peer, alpha):
    """Who holds the other ends."""
    return Puppet(peer("alpha/right", "puppet.py").start(stdin=PIPE, until=b"ready\n"), alpha)


@pytest.fixture
def place(params):
    """Where a module of this name is had."""
    return lambda name: f"{params.path}-{name}"


@pytest.fixture
def offer(alpha, place):
    """Starts a module's program, and waits for it to listen."""

    def begin(program, *names):
        for name in names:
            running = program.start(args=[place(name), name])
            alpha.unix_socket(place(name)).wait(state="listen")
        return running

    return begin


@pytest.fixture
def stretch(module, offer, puppet, place, alpha):
    """A module with nothing but the puppet on both sides."""
    return lambda name: Stretch(puppet, alpha, offer(module, name), place(name))


@pytest.fixture
def opened(puppet, params):
    """Starts a head on the puppet as its driver."""

    def begin(program, **options):
        puppet.tell("listen", "driver", params.driver, "seqpacket")
        running = program.start(**{"stdin": PIPE, **options})
        puppet.tell("accept", "low", "driver")
        return running

    return begin


def tell(running, *commands):
    """Give a head commands, all at once."""
    running.write("".join(f"{one}\n" for one in commands).encode())


def links(process):
    """The numbers of a process's sockets; it must have nothing else open but the usual three."""
    more = [one for one in process.fds if one.fd not in GIVEN]
    strange = [one.target for one in more if one.kind != "socket"]
    assert not strange, f"it has more open than sockets: {strange}"
    return sorted(one.ino for one in more)


def only_link(running):
    """The number of a head's only socket."""
    found = links(running.process)
    assert len(found) == 1, f"{running.program.title} has {len(found)} sockets, not one"
    return found[0]


@check(points=1, hint="`ss -xlp` and `ls -l` of PATH while it waits. What does the umask take from 0777?")
def test_a_module_is_had_at_its_path(module, offer, place, alpha, leftovers):
    """`module` listens for packets at PATH, mode 0660, sleeps, replaces what a killed one left; SIGTERM removes it."""
    running = offer(module, "upper")
    alpha.processes(pid=running.pid).wait(state="S")
    socket = alpha.unix_socket(place("upper")).fact
    assert socket.type == "seqpacket", f"it listens for a {socket.type} connection"
    assert socket.file.mode == 0o660, f"its mode is {socket.file.mode:04o}"
    running.leave_alone(QUIET_S).idle()
    running = offer(module, "upper")
    alpha.processes(pid=running.pid).wait(state="S")
    running.signal(SIGTERM)
    running.wait().exited(0)
    assert not leftovers()


@check(
    points=2,
    hint="Which messages does a module look at, and which does it not know? What is a message's length, if not the "
    "place of a NUL or a newline?",
    needs=[OFFERS],
)
def test_a_module_changes_data_and_passes_on_all_else(stretch, puppet, params):
    """`upper` changes data on its way down, `sum` adds a sum there and takes it off on the way up; all else passes."""
    every = bytes(range(256)) + params.text.encode()
    texts = (params.text.encode(), b"", every, params.more.encode())
    others = (b"X", RELEASE, b"I" + params.text.encode(), HANGUP + b"x", b"d" + every)
    upper = stretch("upper")
    upper.down(*(b"D" + text for text in texts), *others[:3])
    assert upper.at_bottom(7) == [*(b"D" + text.upper() for text in texts), *others[:3]], "what `upper` let down"
    upper.up(*(b"D" + text for text in texts), *others[2:])
    assert upper.at_top(7) == [*(b"D" + text for text in texts), *others[2:]], "what `upper` let up"
    for end in ("top", "bottom"):
        puppet.tell("close", end)

    summing = stretch("sum")
    summing.down(*(b"D" + text for text in texts), *others[:3])
    assert summing.at_bottom(7) == [*(b"D" + summed(text) for text in texts), *others[:3]], "what `sum` let down"
    wrong = summed(params.more.encode())[:-1] + b"x"
    summing.up(b"D" + wrong, *(b"D" + summed(text) for text in texts), b"D", b"D0", *others[2:])
    assert summing.at_top(7) == [*(b"D" + text for text in texts), *others[2:]], "what `sum` let up"


@check(
    points=2,
    hint="`ls -l /proc/PID/fd` of the process at PATH and of each of its children. Who has a copy of which descriptor "
    "after fork(), and after SCM_RIGHTS?",
    needs=[CHANGES],
)
def test_each_push_makes_a_process_that_has_two_links(module, offer, puppet, place, alpha, params):
    """Each push makes a child with two links and nothing else open; one who says nothing or nonsense holds up none."""
    server = offer(module, "upper")
    puppet.tell("connect", "silent", place("upper"))
    puppet.tell("connect", "wrong", place("upper"))
    puppet.tell("pair", "one", "two")
    puppet.send("wrong", PUSH, fds=("one",))
    puppet.tell("close", "one")
    assert puppet.take("wrong", 1) == [None], "a push with one descriptor"
    assert puppet.take("two", 1) == [None], "the descriptor that came with a wrong push is still open somewhere"
    stretches = [Stretch(puppet, alpha, server, place("upper"), name) for name in ("A", "B")]
    processes = [one.process() for one in stretches]
    assert processes[0].pid != processes[1].pid, "one process fills both gaps"
    for process, one in zip(processes, stretches, strict=True):
        assert links(process) == sorted(one.links), "the child's descriptors are not just the two that were given to it"
    asleep = alpha.processes(pid=server.pid).wait(state="S")
    kept = {one.ino for one in asleep.fds if one.kind == "socket"}
    assert not kept & set.union(*(one.links for one in stretches)), "the process at PATH has kept a link"
    assert len(kept) in {1, 2}, "it has kept more than what it listens on and the connection to the silent one"
    for text, one in zip((params.text, params.more), stretches, strict=True):
        one.down(b"D" + text.encode())
        assert one.at_bottom(1) == [b"D" + text.upper().encode()]


@check(
    points=2,
    hint="Two may go at once: what the module has taken from one side and not yet given to the other, and what is "
    "still in the link. In which order does it do what, when it reads O? wait(2): who asks for the child's status?",
    needs=[CHANGES],
)
def test_pop_gives_the_link_back_and_loses_nothing(stretch, puppet, alpha):
    """On `O` the module has passed on what came before, gives its lower link back, and is gone, no zombie either."""
    upper = stretch("upper")
    process = upper.process()
    alpha.processes(pid=process.pid).signal(SIGSTOP)
    texts = [b"D%dx" % number for number in range(5)]
    upper.down(*texts, POP)
    upper.up(*texts)
    alpha.processes(pid=process.pid).signal(SIGCONT)
    assert arrived(puppet, texts) == texts, "what came up, through the module and after it"
    assert puppet.inode("back") == upper.lower, "the descriptor that came with `O` is not the module's lower link"
    alpha.processes(pid=process.pid).wait_gone(timeout_s=PATIENCE_S)
    assert upper.at_bottom(5) == [text.upper() for text in texts]
    for end in ("back", "top"):
        puppet.tell("close", end)
    assert upper.at_bottom(1) == [None], "somebody still has the lower link open, or `O` was passed on"


@check(
    points=1,
    hint="What does a module hold when there is no room above it, and it is popped then?",
    needs=["test_pop_gives_the_link_back_and_loses_nothing"],
)
def test_pop_of_a_module_that_waits(module, offer, puppet, place, alpha):
    """A module that holds messages, because there is no room above, passes them on before it goes."""
    full = Stretch(puppet, alpha, offer(module, "upper"), place("upper"))
    sent = puppet.fill(full.bottom, full.process().pid, 5 * puppet.capacity())
    full.down(POP)
    assert arrived(puppet, numbered(0, sent)) == numbered(0, sent), "what came up, through the module and after it"


def arrived(puppet, expected):
    """What comes up at the top until the module has gone, and then from the link that it gave back."""
    texts = []
    while True:
        packet, count = puppet.given("top", "back")
        if packet == POP and count == 1:
            break
        assert packet is not None, "the module has gone without giving the link back"
        texts.append(packet)
        assert len(texts) <= len(expected), f"more came up than was sent: {packet!r}"
    rest = len(expected) - len(texts)
    return texts + (puppet.take("back", rest) if rest else [])


@check(
    points=2,
    hint="How much does a module take in while nobody takes it off? If it sleeps in send(), who reads what comes from "
    "the other side? One poll(2) waits for what each direction needs next.",
    needs=[CHANGES],
)
def test_a_module_takes_no_more_than_it_gets_rid_of(stretch, puppet):
    """Where nobody reads, a module soon takes nothing more and sleeps; the other direction goes on; nothing is lost."""
    upper = stretch("upper")
    pid = upper.process().pid
    capacity = puppet.capacity()
    most = 2 * capacity + MOST_HELD
    down = puppet.fill(upper.top, pid, 5 * capacity)
    assert down <= most, f"two links hold {2 * capacity} such messages, and the module has let in {down} at least"
    upper.up(b"Dup")
    assert upper.at_top(1) == [b"Dup"], "the way up, while the way down was full"
    up = puppet.fill(upper.bottom, pid, 5 * capacity)
    assert up <= most, f"two links hold {2 * capacity} such messages, and the module has let in {up} at least"
    assert upper.at_bottom(down) == numbered(0, down), "what came down"
    assert upper.at_top(up) == numbered(0, up), "what came up"
    puppet.fill(upper.top, pid, 5 * capacity)
    upper.server.leave_alone(QUIET_S).idle()


@check(
    points=2,
    hint="recv() gives 0 where the end is, and ECONNRESET is no end yet: unix(7). Which of the two neighbours has "
    "to be told what, and what is still on its way?",
    needs=[CHANGES],
)
def test_a_hang_up_goes_up_and_a_close_goes_down(module, offer, puppet, place, alpha, params):
    """When the link below ends, `H` goes up after all data; when that above ends, that below does, after all data."""
    server = offer(module, "upper")
    text = params.text.encode()
    hung = Stretch(puppet, alpha, server, place("upper"), "H")
    process = hung.process()
    hung.down(b"Dunread")
    alpha.unix_socket(ino=puppet.inode(hung.bottom)).wait(recv_queue=Ge(1))
    alpha.processes(pid=process.pid).signal(SIGSTOP)
    hung.up(b"D" + text, b"X", b"D")
    puppet.tell("close", hung.bottom)
    alpha.processes(pid=process.pid).signal(SIGCONT)
    assert hung.at_top(4) == [b"D" + text, b"X", b"D", HANGUP]
    most = 3 * puppet.capacity()
    assert puppet.fill(hung.top, process.pid, most) == most, "after the hang-up it does not take what comes from above"
    puppet.tell("close", hung.top)
    alpha.processes(pid=process.pid).wait_gone(timeout_s=PATIENCE_S)

    closed = Stretch(puppet, alpha, server, place("upper"), "C")
    process = closed.process()
    alpha.processes(pid=process.pid).signal(SIGSTOP)
    closed.down(b"D" + text, b"X", RELEASE)
    puppet.tell("close", closed.top)
    alpha.processes(pid=process.pid).signal(SIGCONT)
    assert closed.at_bottom(4) == [b"D" + text.upper(), b"X", RELEASE, None]
    alpha.processes(pid=process.pid).wait_gone(timeout_s=PATIENCE_S)


@check(
    points=2,
    hint="Several commands may come in one read(), and one in pieces. What is still to come when the input has ended?",
)
def test_head_puts_and_prints_what_comes(head, opened, puppet, params):
    """`head` sends a message for each `put`, prints data at once, tells of the end of its input, and of the hang-up."""
    running = opened(head)
    longest = (params.text * 100)[:LONGEST_TEXT]
    running.write(f"put {params.text}\nput \nput {longest}\nput {longest}x\nput  ".encode())
    assert puppet.take("low", 3) == [b"D" + params.text.encode(), b"D", b"D" + longest.encode()]
    running.expect(f"failed put {longest}x\n".encode())
    puppet.send("low", b"D" + params.more.encode())
    running.expect(f"data {params.more}\n".encode())
    running.write(f"{params.more} \npop\n{params.more}\n".encode())
    assert puppet.take("low", 1) == [f"D {params.more} ".encode()]
    running.expect(f"failed pop\nfailed {params.more}\n".encode())
    puppet.send("low", b"D", b"X" + params.text.encode(), b"D" + longest.encode())
    running.expect(f"data \ndata {longest}\n".encode())
    running.close_stdin()
    assert puppet.take("low", 1) == [RELEASE]
    puppet.send("low", b"Dafter")
    running.expect(b"data after\n")
    puppet.tell("close", "low")
    ended = running.wait().exited(0, "it had said that no more would come")
    said = [f"failed put {longest}x", f"data {params.more}", "failed pop", f"failed {params.more}"]
    assert ended.stdout.decode().splitlines() == [*said, "data ", f"data {longest}", "data after", "hangup"]


@check(
    points=1,
    hint="A driver that goes away with messages unread makes recv() fail once, before the last data. unix(7), "
    "ECONNRESET.",
    needs=[TALKS],
)
def test_head_prints_all_data_before_a_hang_up(head, opened, puppet, alpha, params):
    """When the driver hangs up, or says `H`, `head` prints what came before and `hangup`, and exits with 3."""
    running = opened(head)
    tell(running, "put unread")
    alpha.unix_socket(ino=puppet.inode("low")).wait(recv_queue=Ge(1))
    running.signal(SIGSTOP)
    puppet.send("low", b"D" + params.text.encode(), b"D" + params.more.encode())
    puppet.tell("close", "low")
    running.signal(SIGCONT)
    ended = running.wait().exited(3, "its input had not ended")
    assert ended.stdout == f"data {params.text}\ndata {params.more}\nhangup\n".encode()
    running = head.start(stdin=PIPE)
    puppet.tell("accept", "low", "driver")
    puppet.send("low", b"D" + params.text.encode(), HANGUP)
    assert running.wait().exited(3).stdout == f"data {params.text}\nhangup\n".encode()


@check(
    points=3,
    hint="`ls -l /proc/$(pgrep head)/fd` after each push and pop: one socket, and which? Who must not have read from "
    "the link that the module gets? SCM_RIGHTS in unix(7).",
    needs=[TALKS],
)
def test_head_hands_its_link_to_a_module_and_takes_it_back(head, opened, puppet, place, alpha, params):
    """`push` gives our module a new link and the old one, with all that is in it; `pop` brings the old one back."""
    running = opened(head)
    puppet.tell("listen", "modules", place("ours"), "seqpacket")
    alpha.processes(pid=running.pid).wait(state="S")
    old = only_link(running)
    running.signal(SIGSTOP)
    tell(running, f"put {params.more}", f"push {place('ours')}", f"put {params.text}", "pop", "put later")
    running.signal(SIGCONT)
    puppet.tell("accept", "door", "modules")
    assert puppet.given("door", "upper", "lower") == (PUSH, 2), "what the module is told"
    assert puppet.inode("lower") == old, "the second descriptor is not the link to what was topmost before"
    assert puppet.take("door", 1) == [None], "the connection to PATH, after the push"
    running.expect(b"pushed\n")
    assert puppet.take("low", 1) == [b"D" + params.more.encode()], "what came before the push"
    assert puppet.take("upper", 2) == [b"D" + params.text.encode(), POP], "what the module gets"
    alpha.processes(pid=running.pid).wait(state="S")
    assert alpha.unix_socket(ino=only_link(running)).peer == puppet.inode("upper"), (
        "its only socket is not the other end of the link"
    )
    puppet.send("upper", b"Dbefore")
    puppet.send("upper", POP, fds=("lower",))
    running.expect(b"popped\n")
    assert running.output().stdout == b"pushed\ndata before\npopped\n"
    assert puppet.take("upper", 1) == [None], "the link to the module, after the pop"
    assert only_link(running) == old, "its link is another one than before"
    puppet.tell("close", "lower")
    assert puppet.take("low", 1) == [b"Dlater"]
    tell(running, "pop", f"push {place('nobody')}", "put again")
    running.expect(f"failed pop\nfailed push {place('nobody')}\n".encode())
    assert puppet.take("low", 1) == [b"Dagain"]
    assert only_link(running) == old, "its link is another one than before"


@check(
    points=1,
    hint="What does `head` do with a command that it can't carry out yet, and with its input meanwhile? Does it still "
    "listen?",
    needs=[TALKS],
)
def test_head_waits_for_room_and_goes_on_printing(head, opened, puppet, place, params):
    """When there is no room below, `head` reads no further commands and sleeps, but prints what comes; none is lost."""
    running = opened(head)
    puppet.tell("listen", "modules", place("ours"), "seqpacket")
    tell(running, *(f"put {number}" for number in range(COMMANDS)), f"push {place('ours')}")
    sleeps(puppet, running)
    puppet.send("low", b"D" + params.text.encode())
    running.expect(f"data {params.text}\n".encode())
    sleeps(puppet, running)
    assert running.output().stdout == f"data {params.text}\n".encode(), "a later command was carried out before"
    assert puppet.take("low", COMMANDS) == [b"D%d" % number for number in range(COMMANDS)]
    running.expect(b"pushed\n")


def sleeps(puppet, running):
    """Return when a process sleeps, and has not been awake since it was looked at before."""
    processes, before = puppet.host.processes(pid=running.pid), -1
    for _ in range(1000):
        now = processes.wait(timeout_s=PATIENCE_S, state="S").voluntary_switches
        if now == before:
            return
        before = now
    raise AssertionError("it does not sleep")


@check(
    points=2,
    hint="In which order do data pass the modules, down and up? Who has an end open that nobody needs any more?",
    needs=[PUSHES, "test_pop_gives_the_link_back_and_loses_nothing"],
)
def test_modules_come_and_go_while_data_pass(head, module, offer, opened, puppet, place, alpha, params):
    """Your modules under your head, pushed and popped between data: the last is the topmost, and nothing is lost."""
    running = opened(head)
    server = offer(module, *NAMES)
    upper, sum_ = place("upper"), place("sum")
    text = params.text.encode()
    tell(running, f"push {upper}", f"push {sum_}", f"put {params.text}", "pop", "pop", f"push {sum_}", f"push {upper}")
    running.expect(b"popped\npopped\npushed\npushed\n")
    assert puppet.take("low", 1) == [b"D" + summed(text).upper()], "through `sum`, then `upper` below it"
    puppet.send("low", b"D" + text, b"D" + summed(text))
    running.expect(f"data {params.text}\n".encode())
    tell(running, f"put {params.text}", "pop", "pop")
    assert puppet.take("low", 1) == [b"D" + summed(text.upper())], "through `upper`, then `sum` below it"
    running.expect(f"data {params.text}\npopped\npopped\n".encode())

    commands, expected = [], []
    for number in range(300):
        if number % 50 == 25:
            commands.append(f"push {upper}")
        elif number % 50 == 0 and number:
            commands.append("pop")
        commands.append(f"put {params.more} {number}")
        line = f"{params.more} {number}".encode()
        expected.append(b"D" + (line.upper() if number % 50 >= 25 else line))
    before = len(running.output().stdout)
    tell(running, *commands)
    sent = int(puppet.tell("fill", "low", COUNTED.hex(), 200))
    assert puppet.take("low", 300) == expected, "what came down while a module came and went eleven times"
    running.expect(COUNTED[1:] + b"%d\n" % (sent - 1))
    printed = [line for line in running.output().stdout[before:].split(b"\n") if line.startswith(b"data")]
    assert printed == [b"data " + message[1:] for message in numbered(0, sent)], "what came up meanwhile"
    running.close_stdin()
    assert puppet.take("low", 1) == [RELEASE]
    puppet.tell("close", "low")
    running.wait().exited(0)
    alpha.processes(ppid=server.pid).wait_gone(timeout_s=PATIENCE_S)


@check(
    points=1,
    hint="The brief says which byte means what, and which descriptor is the first one.",
    needs=[OFFERS, TALKS],
)
def test_ours_and_yours_make_one_stream(head, module, reference, offer, opened, puppet, place, params):
    """Your head takes our modules, and our head takes yours."""
    text = params.text.encode()
    for heads, modules in ((head, reference.module), (reference.head, module)):
        servers = [offer(modules, name) for name in NAMES]
        running = opened(heads)
        tell(running, f"push {place('sum')}", f"push {place('upper')}", f"put {params.text}")
        assert puppet.take("low", 1) == [b"D" + summed(text.upper())]
        puppet.send("low", b"D" + text, b"D" + summed(text))
        running.expect(f"data {params.text}\n".encode())
        tell(running, "pop", "pop", "put plain")
        running.expect(b"popped\npopped\n")
        assert puppet.take("low", 1) == [b"Dplain"]
        puppet.tell("close", "low")
        running.wait().exited(3)
        for server in servers:
            server.signal(SIGTERM)
            server.wait()
        puppet.host.run("rm %s", params.driver)


@check(
    points=1,
    hint="Which volume has the driver's socket file? A stream whose driver can't be had is none.",
    needs=[TALKS],
)
def test_there_is_no_stream_without_its_driver(head, plain, ablated, opened, puppet, params):
    """On another host there is nobody at PATH: `head` and `plain` say so and exit with 1; in its place `head` works."""
    running = opened(head)
    ablated.head.run(stdin=b"put x\n").refused(1)
    ablated.plain.run(stdin=b"x\n").refused(1)
    head.run(driver=f"{params.driver}x", stdin=b"").refused(1)
    plain.run(line=f"{params.line}x", stdin=b"").refused(1)
    tell(running, f"put {params.text}")
    assert puppet.take("low", 1) == [b"D" + params.text.encode()]


@check(
    points=2,
    hint="In a stream of bytes a newline ends a line, wherever read() stops. In which order are the functions called "
    "down, and in which one up?",
)
def test_plain_sends_lines_through_its_modules(plain, puppet, alpha, params):
    """`plain` does the same in one process on one stream socket: lines down and up through functions, as they come."""
    puppet.tell("listen", "server", params.line, "stream")
    for names in (["upper", "sum"], ["sum", "upper"], []):
        running = plain.start(args=[params.line, *names], stdin=PIPE)
        puppet.tell("accept", "line", "server")
        inodes = {one.ino for one in running.process.fds if one.kind == "socket"}
        assert len(inodes) == 1, f"it has {len(inodes)} sockets"
        assert not alpha.processes(ppid=running.pid).exists, "it has started another process"
        # Of one letter the sum is another one in capitals, whatever was drawn.
        texts = (params.text.encode(), b"", b"a", params.more.encode())
        running.write(b"".join(text + b"\n" for text in texts))
        for text in texts:
            sent = down(names, text) + b"\n"
            assert puppet.tell("read", "line", len(sent)) == sent.hex(), f"what `plain` sends through {names}"
        for text in texts:
            whole = up(names, text) + b"\n"
            puppet.send("line", *filter(None, (whole[:1], whole[1:])))
            running.expect(b"data " + text + b"\n")
        running.close_stdin()
        assert puppet.tell("read", "line", 1) == "end", "it says that no more will come"
        if "sum" in names:
            puppet.send("line", b"damaged\n")
        puppet.send("line", up(names, b"after") + b"\n")
        running.expect(b"data after\n")
        puppet.tell("close", "line")
        ended = running.wait().exited(0, "it had said that no more would come")
        printed = (*texts, b"after")
        assert ended.stdout == b"".join(b"data " + text + b"\n" for text in printed) + b"hangup\n"


def down(names, text):
    """What text becomes on its way down, through the modules from the last to the first."""
    for name in reversed(names):
        text = text.upper() if name == "upper" else summed(text)
    return text


def up(names, text):
    """What must come from below, so that the text comes up."""
    return summed(text) if "sum" in names else text


@check(
    points=1,
    hint="How long does it sleep in write(), and who reads meanwhile? Which of the two directions may wait for the "
    "other?",
    needs=[PLAIN],
)
def test_plain_waits_for_no_direction_in_the_other(plain, puppet, params):
    """When nobody reads what `plain` sends, or ever will, it goes on printing; when the other end hangs up it ends."""
    puppet.tell("listen", "server", params.line, "stream")
    running = plain.start(stdin=PIPE)
    puppet.tell("accept", "line", "server")
    running.write(b"x\n" * COMMANDS)
    sleeps(puppet, running)
    echoes(puppet, running, b"full")
    puppet.tell("close", "line")
    ended = running.wait().exited(3, "its input had not ended")
    assert ended.stdout == b"data full 0\ndata full 1\ndata full 2\nhangup\n"

    running = plain.start(stdin=PIPE)
    puppet.tell("accept", "line", "server")
    puppet.tell("deaf", "line")
    running.write(f"{params.text}\n".encode())
    echoes(puppet, running, b"deaf")
    puppet.tell("close", "line")
    running.wait().exited(3, "its input had not ended")


def echoes(puppet, running, text):
    """Check that `plain` prints lines one by one."""
    for number in range(3):
        puppet.send("line", b"%s %d\n" % (text, number))
        running.expect(b"data %s %d\n" % (text, number))


@check(points=1, hint="Which status tells a wrong call from a failure?", needs=[OFFERS, TALKS, PLAIN])
def test_wrong_arguments_are_refused(head, module, plain, params, place):
    """Too few, too many, a module that there is not: a line on standard error, exit status 2."""
    for args in ([], [params.driver, "x"]):
        head.run(args=args, stdin=b"").refused(2)
    for args in ([], [place("upper")], [place("upper"), "lower"], [place("upper"), "upper", "x"], ["/" * 200, "upper"]):
        module.run(args=args).refused(2)
    for args in ([], [params.line, "lower"], [params.line, "upper", "x"]):
        plain.run(args=args, stdin=b"").refused(2)
