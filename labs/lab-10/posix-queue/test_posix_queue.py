"""Checks of posix-queue: what is in the queue, until when somebody waits for it, and who is notified."""

import re
from signal import SIGCONT, SIGSTOP, SIGUSR1

import pytest

from orchestrator.checks import PIPE, check

MOST_URGENT = 32767
MOST_MESSAGES = 64
"""fs.mqueue.msg_max of the lab's hosts."""
NS_PER_MS = 10**6
EARLY_NS = 20 * NS_PER_MS
"""A deadline may be that much too early: not every clock is read as finely."""
MAKES = "test_receiver_makes_the_queue_and_sleeps"
SENDS = "test_sender_sends_priority_and_text_and_no_byte_more"
NOTICES = "test_notifier_is_told_again_and_again"
ASKS_ONLY = re.compile(r", 0\) += |tv_sec=0, tv_n?u?sec=0\}")
"""A call that returns at once."""
SLEEPS = "test_notifier_sleeps_and_misses_no_message"


class Postbox:
    """A queue, and another user's process that puts messages into it and takes them out."""

    def __init__(self, running, alpha, name):
        self.running = running
        self.queue = alpha.posix_mq(name)

    def tell(self, *words):
        """Have something done; the lines that it printed."""
        done = f"done {words[0]}\n"
        answer = self.running.ask(f"{' '.join(map(str, words))}\n".encode(), until=done.encode())
        return answer.decode().removesuffix(done).splitlines()

    def send(self, messages):
        """Put messages into the queue: (priority, text)."""
        for priority, text in messages:
            self.tell("send", priority, text)

    def take(self):
        """The next message; None when there is none."""
        (line,) = self.tell("take")
        if line == "nothing":
            return None
        _, priority, text = line.split(" ", 2)
        return int(priority), text

    def take_all(self):
        """All messages, the most urgent one first."""
        return list(iter(self.take, None))


@pytest.fixture
def opened(peer, alpha, params):
    """The postbox for the queue that somebody has made."""

    def find():
        box = Postbox(peer("alpha/right", "postbox.py", "{name}").start(stdin=PIPE), alpha, params.name)
        box.tell("find")
        return box

    return find


@pytest.fixture
def postbox(peer, alpha, params):
    """A queue of another user's."""
    box = Postbox(peer("alpha/right", "postbox.py", "{name}").start(stdin=PIPE), alpha, params.name)
    box.tell("make", params.maxmsg, params.msgsize)
    return box


class Deadlines:
    """Until when programs wait, as they have told the kernel."""

    def __init__(self, running):
        self.running = running

    def now(self):
        """Nanoseconds since 1970, on the programs' host."""
        return self._ask("now")

    def check(self, running, call, began, ms):
        """Check that a program waits in a call until `ms` milliseconds after some time between `began` and now."""
        asleep = running.wait_blocked(call)
        deadline = self._ask(f"at {running.pid} {asleep.syscall.args[4]}")
        late, early = deadline - self.now(), deadline - began
        assert early >= ms * NS_PER_MS - EARLY_NS, f"it waits no longer than {early / NS_PER_MS:.0f} ms, not {ms}"
        assert late <= ms * NS_PER_MS, f"it waits for another {late / NS_PER_MS:.0f} ms, not {ms}"

    def _ask(self, command):
        return int(self.running.ask(f"{command}\n".encode()).split()[1])


@pytest.fixture
def deadlines(peer):
    """Start who can look at what a program has told the kernel."""
    return lambda: Deadlines(peer("alpha/right", "deadlines.py", root=True).start(stdin=PIPE))


def line(message):
    """What receiver and notifier print of a message, and what the sender is given."""
    priority, text = message
    return f"{priority} {text}\n".encode()


def lines(messages):
    """The same of several."""
    return b"".join(map(line, messages))


def in_order(messages):
    """The most urgent first, those of one priority as they were sent."""
    return sorted(messages, key=lambda one: -one[0])


@check(
    points=1,
    hint="`ls -l /dev/mqueue` and `cat /dev/mqueue/NAME` show what there is. Which argument of mq_open() says how long "
    "a message may be? What does O_EXCL do?",
)
def test_receiver_makes_the_queue_and_sleeps(receiver, alpha, params):
    """The queue is new, has room for MAXMSG messages of MSGSIZE bytes and mode 0660; the receiver sleeps at it."""
    running = receiver.start()
    running.wait_blocked("mq_timedreceive")
    queue = alpha.posix_mq(params.name).fact
    assert queue is not None, f"there is no queue {params.name}"
    assert queue.mode == 0o660, f"its mode is {queue.mode:04o}"
    assert (queue.maxmsg, queue.msgsize) == (params.maxmsg, params.msgsize), "messages, and bytes of one"
    receiver.run().refused(1, "a queue of that name is there already")
    assert alpha.posix_mq(params.name).ino == queue.ino, "the queue is another one now"
    receiver.run(name=f"{params.name}x", maxmsg=MOST_MESSAGES + 1).refused(1, "no queue may have so many messages")
    receiver.run(name="/").refused(1, "that is no name")
    running.sleeps()


@check(
    points=1,
    hint="A message has a length and no NUL at its end. How long must the buffer of mq_receive() be? And standard "
    "output is a pipe here: when does stdio write to it?",
    needs=[MAKES],
)
def test_receiver_prints_each_message_as_it_comes(receiver, opened, params):
    """Priority and text of each message are printed at once: one of MSGSIZE bytes, short ones, an empty one."""
    running = receiver.start()
    running.wait_blocked("mq_timedreceive")
    postbox = opened()
    longest = (params.text * 100)[: params.msgsize]
    messages = [(params.priority, longest), (0, params.more), (MOST_URGENT, ""), (1, params.more[:3])]
    for number in range(len(messages)):
        running.wait_blocked("mq_timedreceive")
        postbox.send(messages[number : number + 1])
        running.expect(lines(messages[: number + 1]))
    running.wait_blocked("mq_timedreceive")
    assert running.output().stdout == lines(messages)
    assert postbox.queue.curmsgs == 0, "there are messages in the queue"


@check(
    points=1,
    hint="mq_overview(7): in which order does a queue give out what it has? Who stores messages of his own has to care "
    "for that himself.",
    needs=[MAKES],
)
def test_receiver_prints_the_most_urgent_first(receiver, opened, params):
    """What has waited while the receiver was stopped is printed by priority, and one priority in its order."""
    running = receiver.start()
    running.wait_blocked("mq_timedreceive")
    postbox = opened()
    running.signal(SIGSTOP)
    kinds = [params.priority, 3, MOST_URGENT, params.priority, 3]
    messages = [(kinds[number % len(kinds)], f"{number} {params.more}") for number in range(params.maxmsg)]
    postbox.send(messages)
    running.signal(SIGCONT)
    running.expect(line(in_order(messages)[-1]))
    assert running.output().stdout == lines(in_order(messages))


@check(
    points=2,
    hint="mq_timedreceive(3) wants a point in time, on which clock? tv_nsec is less than a second. When does your "
    "program look at that clock: once, or before each wait?",
    needs=[MAKES],
)
def test_receiver_waits_ms_after_each_message(receiver, opened, deadlines, params, leftovers):
    """It waits until MS milliseconds after the last message; then it prints `timeout`, removes the name, and exits."""
    ended = receiver.run(ms=params.short).exited(0)
    assert ended.stdout == b"timeout\n"
    assert ended.wall_s >= params.short / 1000 - 0.02, f"it waited no longer than {ended.wall_s:.2f} s"
    assert not leftovers()

    clock = deadlines()
    began = clock.now()
    ms = int(params.ms) + params.part
    running = receiver.start(ms=ms)
    clock.check(running, "mq_timedreceive", began, ms)
    postbox = opened()
    for number in range(params.maxmsg):
        began = clock.now()
        postbox.send([(params.priority, f"{number}")])
        running.expect(line((params.priority, f"{number}")))
        clock.check(running, "mq_timedreceive", began, ms)


@check(
    points=1,
    hint="mq_send() is given a length: what belongs to the text? `cat /dev/mqueue/NAME` shows QSIZE, the bytes in the "
    "queue.",
)
def test_sender_sends_priority_and_text_and_no_byte_more(sender, postbox, params):
    """Each line becomes a message at once, of its priority, with its text: no newline, no NUL."""
    running = sender.start(stdin=PIPE)
    longest = (params.text * 100)[: params.msgsize]
    messages = [(params.priority, params.text), (0, ""), (MOST_URGENT, longest), (7, f"{params.more}  {params.more} ")]
    for number, message in enumerate(messages):
        running.write(line(message))
        size_bytes = sum(len(text) for _, text in messages[: number + 1])
        postbox.queue.wait(curmsgs=number + 1, qsize=size_bytes)
    running.close_stdin()
    assert running.wait().exited(0).stdout == b""
    assert postbox.take_all() == in_order(messages)


@check(
    points=2,
    hint="mq_timedsend(3): until when does it wait, if there is no room? With which error does it end? A deadline that "
    "has passed does no harm as long as nobody has to wait.",
    needs=[SENDS],
)
def test_sender_waits_ms_for_room(sender, postbox, deadlines, params):
    """It sleeps in mq_timedsend() until there is room, for MS milliseconds at most; then it exits with 3."""
    messages = [(params.priority, f"{number} {params.more}") for number in range(params.maxmsg + 2)]
    ms = int(params.ms) + params.part
    clock = deadlines()
    began = clock.now()
    running = sender.start(stdin=lines(messages), ms=ms)
    clock.check(running, "mq_timedsend", began, ms)
    assert postbox.queue.curmsgs == params.maxmsg
    assert postbox.take() == messages[0]
    postbox.queue.wait(curmsgs=params.maxmsg)
    assert postbox.take() == messages[1]
    running.wait().exited(0, "there is room for the last message")

    for ms in (params.short, 0):
        given_up = sender.run(stdin=line((9, params.text)), ms=ms).refused(3)
        assert given_up.wall_s >= ms / 1000 - 0.02, f"it waited no longer than {given_up.wall_s:.2f} s"
    assert postbox.take_all() == messages[2:]
    sender.run(stdin=lines(messages[:2]), ms=0).exited(0, "there is room, nobody has to wait")
    assert postbox.take_all() == messages[:2]


@check(
    points=1,
    hint="mq_send(3) has the errors. A queue is given the length of its longest message when it is made.",
    needs=[SENDS],
)
def test_sender_says_what_can_not_be_sent(sender, postbox, params):
    """A text above MSGSIZE, a priority above 32767, a line without one: the sender says so and exits with 1."""
    good = (params.priority, params.text)
    too_long = (params.priority, (params.text * 100)[: params.msgsize + 1])
    for wrong in (line(too_long), line((MOST_URGENT + 1, "x")), b"\n", b"-3 x\n", b"x 3\n", b"3x\n"):
        sender.run(stdin=line(good) + wrong + line(good)).refused(1)
        assert postbox.take_all() == [good], "the lines before the one that is wrong"


@check(
    points=2,
    hint="mq_notify(3): for how many messages is a registration good? And of what is nobody notified? "
    "`cat /dev/mqueue/NAME` shows who is registered.",
)
def test_notifier_is_told_again_and_again(notifier, postbox, params):
    """It prints what is there, has itself notified by SIGUSR1, and prints what comes, while it copies its input."""
    there = [(3, params.text), (params.priority, params.more)]
    postbox.send(there)
    running = notifier.start(stdin=PIPE)
    running.expect(lines(in_order(there)))
    expected = lines(in_order(there))
    for number in range(3):
        postbox.queue.wait(notify_pid=running.pid, signo=SIGUSR1)
        running.ask(f"{number} {params.text}\n".encode(), until=f"input {number} {params.text}\n".encode())
        message = (params.priority, f"{number}")
        postbox.send([message])
        running.expect(b"\n" + line(message))
        expected += f"input {number} {params.text}\n".encode() + line(message)
    postbox.queue.wait(notify_pid=running.pid)
    running.signal(SIGSTOP)
    # One of the most urgent first: a thread that was on its way into mq_receive() gets it from the sender's hand.
    waited = [(2 - number % 3, f"{number} {params.more}") for number in range(params.maxmsg)]
    postbox.send(waited)
    running.signal(SIGCONT)
    running.expect(line(in_order(waited)[-1]))
    postbox.queue.wait(notify_pid=running.pid)
    assert running.output().stdout == expected + lines(in_order(waited))
    running.close_stdin()
    running.wait().exited(0, "its input is at its end")
    assert postbox.queue.notify_pid == 0


@check(
    points=1,
    hint="A process that only waits takes no time. Which call waits for input and for a signal at the same time?",
    needs=[NOTICES],
)
def test_notifier_sleeps_and_misses_no_message(notifier, postbox, stepper, params):
    """A message that comes right before any of its system calls is printed without a further event; then it sleeps."""
    running = notifier.start(stdin=PIPE)
    postbox.queue.wait(notify_pid=running.pid)
    sent = []

    def send():
        sent.append((params.priority, f"{len(sent)} {params.more}"))
        postbox.send(sent[-1:])

    for _ in stepper(running).each_call(wake=send, interfere=send):
        running.expect(lines(sent))
    postbox.queue.wait(notify_pid=running.pid)
    running.sleeps()


@check(
    points=1,
    hint="Which signals does your program ignore, and which are pending? `grep Sig /proc/PID/status`. Where does "
    "each of its threads sleep, and at what? `cat /proc/PID/task/*/wchan`, `strace -f -y -p PID`.",
    needs=[SLEEPS],
)
def test_it_is_the_signal_that_tells_the_notifier(notifier, reference, peer, postbox, alpha, params):
    """It neither ignores SIGUSR1 nor leaves it pending; no thread waits in mq_receive() or at the descriptor."""
    waiting = reference.receiver.start(name=f"{params.name}x").wait_blocked("mq_timedreceive")
    running = notifier.start(stdin=PIPE)
    postbox.queue.wait(notify_pid=running.pid)
    tracer = peer("alpha/left", "tracer.py", str(running.pid), root=True).start()
    tracer.expect(b"attached", stream="stderr")
    for number in range(2):
        postbox.queue.wait(notify_pid=running.pid)
        running.sleeps(0.1)
        signals = running.process.sig
        assert SIGUSR1 in (*signals.blocked, *signals.caught), "it ignores SIGUSR1"
        assert SIGUSR1 not in signals.pending, "SIGUSR1 has told it of a message, and it has not taken notice"
        calls = alpha.run("cat /proc/%s/task/*/syscall", str(running.pid)).stdout.splitlines()
        assert not [call for call in calls if call.startswith(f"{waiting.syscall.number} ")], "it waits in mq_receive()"
        assert not watched_by_epoll(running, alpha), "it waits at the queue's descriptor, with epoll"
        message = (params.priority, f"{number} {params.text}")
        postbox.send([message])
        running.expect(line(message))
    running.close_stdin()
    running.wait().exited(0, "its input is at its end")
    trace = tracer.wait().stderr.decode("ascii", "replace").splitlines()
    waits = [call for call in trace if f"<{params.name}>" in call and not ASKS_ONLY.search(call)]
    assert not waits, f"it waits at the queue's descriptor: {waits[0]}"


def watched_by_epoll(running, alpha):
    """The descriptors of queues that the program has given to epoll_ctl()."""
    shown = alpha.run("cat /proc/%s/fdinfo/*", str(running.pid)).stdout
    watched = {int(number) for number in re.findall(r"^tfd: *(\d+)", shown, re.MULTILINE)}
    return watched & {one.fd for one in running.process.fds if one.kind == "mqueue"}


@check(
    points=1,
    hint="SIGUSR1 is one signal, however many have sent it, and tells of the first one who did. Who registers again is "
    "told EBUSY if it is registered still: what does mq_notify(3) say of a null pointer?",
    needs=[SLEEPS],
)
def test_notifier_minds_no_signal_of_somebody_else(notifier, postbox, params):
    """A SIGUSR1 that somebody else sends ends nothing, and hides no message that comes right after it."""
    running = notifier.start(stdin=PIPE)
    sent = []
    for number in range(2):
        postbox.queue.wait(notify_pid=running.pid)
        running.signal(SIGUSR1)
        running.ask(f"{params.more}\n".encode(), until=f"input {params.more}\n".encode())
        running.sleeps(0.1)
        postbox.queue.wait(notify_pid=running.pid)
        running.signal(SIGSTOP)
        running.signal(SIGUSR1)
        sent.append((params.priority, f"{number} {params.text}"))
        postbox.send(sent[-1:])
        running.signal(SIGCONT)
        running.expect(line(sent[-1]))


@check(
    points=1,
    hint="Who may be registered at a queue? mq_notify(3) has an error for the second one.",
    needs=[NOTICES],
)
def test_only_one_is_notified(notifier, reference, postbox, params):
    """When another process is registered, the notifier says so and exits with 1; when that has gone, it can be."""
    ours = reference.notifier.start(stdin=PIPE)
    postbox.queue.wait(notify_pid=ours.pid)
    notifier.run().refused(1)
    assert postbox.queue.notify_pid == ours.pid
    ours.kill()
    running = notifier.start(stdin=PIPE)
    postbox.queue.wait(notify_pid=running.pid)


@check(
    points=1,
    hint="mq_unlink(3): what goes at once, and what stays as long as somebody has the queue open?",
    needs=[MAKES, SENDS, NOTICES],
)
def test_a_queue_without_a_name_goes_on(receiver, sender, notifier, postbox, alpha, params):
    """After mq_unlink() sender and notifier go on with their queue; a receiver makes another one of that name."""
    noticing = notifier.start(stdin=PIPE)
    postbox.queue.wait(notify_pid=noticing.pid)
    old = postbox.queue.ino
    sending = sender.start(stdin=PIPE)
    sending.write(line((1, params.text)))
    noticing.expect(line((1, params.text)))
    postbox.tell("unlink")
    receiving = receiver.start()
    receiving.wait_blocked("mq_timedreceive")
    assert alpha.posix_mq(params.name).ino != old
    sending.write(line((2, params.more)))
    noticing.expect(line((2, params.more)))
    assert receiving.output().stdout == b""


@check(
    points=1,
    hint="A queue belongs to an IPC namespace: `ls /dev/mqueue` on both hosts. Which of the three makes one?",
    needs=[SENDS],
)
def test_a_queue_joins_nobody_on_another_host(sender, ablated, reference, island, params):
    """Where there is no queue, sender and notifier say so and make none; where our receiver waits, it gets the text."""
    ours = reference.receiver.start()
    ours.wait_blocked("mq_timedreceive")
    ablated.sender.run(stdin=line((1, params.text))).refused(1)
    ablated.notifier.run().refused(1)
    assert not island.posix_mq(params.name).exists, "one of them has made a queue"
    sender.run(stdin=line((1, params.text))).exited(0)
    ours.expect(line((1, params.text)))


@check(
    points=1,
    hint="Which status tells a wrong call from a failure? strtol() tells where a number ends.",
    needs=[MAKES, SENDS, NOTICES],
)
def test_wrong_arguments_are_refused(receiver, sender, notifier, params):
    """Too few, too many, no numbers, a 0 where there must be something: all three exit with 2."""
    name = params.name
    for args in ([], [name, "9", "99"], [name, "0", "99", "9"], [name, "9", "0", "9"], [name, "9", "99", "9x"]):
        receiver.run(args=args).refused(2)
    for args in ([], [name], [name, "x"], [name, "-1"], [name, "9", "9"]):
        sender.run(args=args).refused(2)
    for args in ([], [name, name]):
        notifier.run(args=args).refused(2)
