"""Checks of sysv-queue: what is in the queue, who waits for it, and what each takes out of it."""

import random
from signal import SIGCONT, SIGSTOP

import pytest

from orchestrator.checks import PIPE, check

QUEUE_BYTES = 16384
"""What a queue holds: msgmnb of the lab's hosts."""
MESSAGE_BYTES = 8192
"""The longest message: msgmax."""
MAKES = "test_receiver_finds_or_makes_the_queue_and_sleeps"
PRINTS = "test_receiver_prints_each_message_as_it_comes"
SELECTS = "test_receiver_takes_what_type_selects_and_nothing_else"
CUTS = "test_receiver_cuts_what_is_too_long"
SENDS = "test_sender_sends_type_and_text_and_no_byte_more"
FULL = "test_a_full_queue_makes_the_sender_wait_or_give_up"


class Postbox:
    """A queue, and another user's process that puts messages into it and takes them out."""

    def __init__(self, running, alpha, key):
        self.running = running
        self.queue = alpha.sysv_msg(key=key)

    def tell(self, *words):
        """Have something done; the lines that it printed."""
        done = f"done {words[0]}\n"
        answer = self.running.ask(f"{' '.join(map(str, words))}\n".encode(), until=done.encode())
        return answer.decode().removesuffix(done).splitlines()

    def send(self, messages):
        """Put messages into the queue: (type, text)."""
        for kind, text in messages:
            self.tell("send", kind, text)

    def take(self, kind=0):
        """The next message; None when there is none."""
        (line,) = self.tell("take", kind)
        if line == "nothing":
            return None
        _, found, text = line.split(" ", 2)
        return int(found), text

    def take_all(self):
        """All messages in their order."""
        return list(iter(self.take, None))


@pytest.fixture
def postbox(peer, alpha, params):
    """A queue of another user's under KEY."""
    box = Postbox(peer("alpha/right", "postbox.py", "{key}").start(stdin=PIPE), alpha, params.key)
    box.tell("make", "660")
    return box


@pytest.fixture
def finder(peer, alpha, params):
    """The same for the queue that somebody else has made."""

    def find():
        box = Postbox(peer("alpha/right", "postbox.py", "{key}").start(stdin=PIPE), alpha, params.key)
        box.tell("find")
        return box

    return find


def line(message):
    """What the receiver prints of a message, and what the sender is given."""
    kind, text = message
    return f"{kind} {text}\n".encode()


def lines(messages):
    """The same of several."""
    return b"".join(map(line, messages))


def mixed(params, size):
    """Messages of six types, few and many digits, each with a text of its own."""
    rng = random.Random(params.type)
    kinds = [params.type, params.type + 1, params.type - (1 << 32), params.other, params.other + 1, 1]
    return [(rng.choice(kinds), f"{index} {params.text[: rng.randint(0, 20)]}") for index in range(size)]


@check(
    points=1,
    hint="`ipcs -q` while your receiver waits shows key, owner and permissions. msgget() finds or makes a queue: which "
    "flag does what?",
)
def test_receiver_finds_or_makes_the_queue_and_sleeps(receiver, postbox, alpha, params):
    """`receiver ... wait` uses the queue under KEY, or makes it with mode 0660, and sleeps in msgrcv()."""
    there = receiver.start()
    there.wait_blocked("msgrcv")
    found = there.process.syscall.args[0]
    assert found == postbox.queue.id, "it does not wait for the queue that is there under KEY"

    running = receiver.start(key=params.key + 1)
    running.wait_blocked("msgrcv")
    queue = alpha.sysv_msg(key=params.key + 1).fact
    assert queue is not None, "there is no queue under KEY"
    assert queue.mode == 0o660, f"its mode is {queue.mode:04o}"
    running.sleeps()


@check(
    points=1,
    hint="A message has a length and no NUL at its end. Standard output is a pipe here: when does stdio write to it?",
    needs=[MAKES],
)
def test_receiver_prints_each_message_as_it_comes(receiver, postbox, params):
    """Type and text of each message are printed at once, the long one, the short one after it, the empty one."""
    running = receiver.start(room=max(params.room, len(params.text)))
    messages = [(params.type, params.text), (params.other, params.more), (params.type + 1, ""), (1, params.text[:3])]
    for number in range(len(messages)):
        running.wait_blocked("msgrcv")
        postbox.send(messages[number : number + 1])
        running.expect(lines(messages[: number + 1]))
    running.wait_blocked("msgrcv")
    assert running.output().stdout == lines(messages)
    queue = postbox.queue.fact
    assert queue.qnum == 0, f"{queue.qnum} messages are still in the queue"
    assert queue.lrpid == running.pid, "the last one who received was somebody else"


@check(
    points=2,
    hint="The fourth argument of msgrcv() selects: what do 0, a positive and a negative number mean? Which C type "
    "has a message type? `ipcs -q` shows how many messages stayed.",
    needs=[MAKES],
)
def test_receiver_takes_what_type_selects_and_nothing_else(receiver, postbox, params):
    """One type alone; or all up to a type, the lowest first; or all in their order. The others stay in the queue."""
    messages = mixed(params, 60)
    postbox.send(messages)

    def drained(selector):
        return receiver.run(selector=selector, how="drain").exited(0).stdout

    for kind in (params.type, params.other + 1):
        chosen = [one for one in messages if one[0] == kind]
        messages = [one for one in messages if one[0] != kind]
        assert drained(kind) == lines(chosen) + b"empty\n"
        assert postbox.queue.qnum == len(messages), "messages that are left in the queue"
    limit = params.type - (1 << 32)
    low = sorted((one for one in messages if one[0] <= limit), key=lambda one: one[0])
    messages = [one for one in messages if one[0] > limit]
    assert drained(-limit) == lines(low) + b"empty\n"
    assert postbox.queue.qnum == len(messages), "messages that are left in the queue"
    assert drained(0) == lines(messages) + b"empty\n"

    waiting = receiver.start(selector=params.type)
    waiting.wait_blocked("msgrcv")
    postbox.send([(params.other, params.more)])
    postbox.send([(params.type, params.text)])
    waiting.expect(line((params.type, params.text)))
    waiting.wait_blocked("msgrcv")
    assert waiting.output().stdout == line((params.type, params.text))
    assert postbox.queue.qnum == 1, "the message of another type is not for this receiver"


@check(
    points=2,
    hint="msgrcv(2): E2BIG and MSG_NOERROR. Where is a message that was too long, after the call has failed? Does "
    "msgsz count the type?",
    needs=[MAKES],
)
def test_receiver_cuts_what_is_too_long(receiver, postbox, params):
    """A message of BYTES bytes comes whole; a longer one is cut, marked, and not in the way of the next one."""
    text = (params.text * 40)[: 2 * params.room]
    messages = [
        (params.other, text[:size]) for size in (params.room, params.room + 1, 2 * params.room, params.room - 1)
    ]
    whole, cut, also_cut, short = [line((kind, one[: params.room])) for kind, one in messages]
    expected = whole + b"cut " + cut + b"cut " + also_cut + short
    postbox.send(messages)
    assert receiver.run(how="drain").exited(0).stdout == expected + b"empty\n"
    assert postbox.queue.qnum == 0
    running = receiver.start()
    for message in messages:
        running.wait_blocked("msgrcv")
        postbox.send([message])
    running.expect(short)
    assert running.output().stdout == expected


@check(
    points=1,
    hint="msgrcv(2): a message that is too long stays in the queue with E2BIG. Who says that it is still the next one "
    "when you ask again? One call can tell both: how long may what you get be?",
    needs=[CUTS],
)
def test_only_what_is_too_long_is_cut(receiver, postbox, stepper, params):
    """When somebody else takes the message that was too long, right before any call, the next one is not called cut."""
    running = receiver.start()
    running.wait_blocked("msgrcv")
    whole = []

    def send_one_too_long():
        postbox.send([(params.other, (params.more * 100)[: params.room + 1])])

    def put_another_in_its_place():
        postbox.take_all()
        whole.append((params.type, f"{len(whole)} {params.text * 100}"[: params.room]))
        postbox.send(whole[-1:])

    for _ in stepper(running).each_call(wake=send_one_too_long, interfere=put_another_in_its_place):
        running.expect(lines(whole[-1:]))
        running.wait_blocked("msgrcv")
    printed = running.output().stdout.splitlines(keepends=True)
    mistaken = [message for message in whole if b"cut " + line(message) in printed]
    assert not mistaken, f"{len(mistaken)} messages of BYTES bytes are called cut"


@check(
    points=1,
    hint="What does msgsz count of the structure that msgsnd() is given? `ipcs -q` shows used-bytes.",
)
def test_sender_sends_type_and_text_and_no_byte_more(sender, postbox, params):
    """Each line becomes a message at once, of its type, with its text: no newline, no NUL, nothing of the type."""
    running = sender.start(stdin=PIPE)
    messages = [(params.type, params.text), (1, ""), (params.other, f"{params.more}  {params.more} ")]
    for number, message in enumerate(messages):
        running.write(line(message))
        postbox.queue.wait(qnum=number + 1, cbytes=sum(len(text) for _, text in messages[: number + 1]))
    assert postbox.queue.lspid == running.pid, "the last one who sent was somebody else"
    running.close_stdin()
    assert running.wait().exited(0).stdout == b""
    assert postbox.take_all() == messages


@check(
    points=2,
    hint="A queue holds msg_qbytes bytes, `ipcs -l`. What does msgsnd() do when there is no room, and what with "
    "IPC_NOWAIT?",
    needs=[SENDS],
)
def test_a_full_queue_makes_the_sender_wait_or_give_up(sender, postbox, params):
    """With `wait` it sleeps in msgsnd() until there is room; with `now` it exits with 3. What was sent stays."""
    fit = QUEUE_BYTES // params.size
    messages = [(params.other, f"{index} {params.text * 100}"[: params.size]) for index in range(fit + 3)]
    running = sender.start(stdin=lines(messages))
    running.wait_blocked("msgsnd")
    assert postbox.queue.qnum == fit, f"{fit} messages of {params.size} bytes fit into the queue"
    given_up = sender.run(stdin=line((params.type, messages[0][1])), patience="now")
    given_up.refused(3)
    assert postbox.queue.qnum == fit
    assert postbox.take() == messages[0]
    postbox.queue.wait(qnum=fit)
    running.wait_blocked("msgsnd")
    came = postbox.take_all()
    running.wait().exited(0, "there is room for the rest")
    assert came + postbox.take_all() == messages[1:]
    sender.run(stdin=lines(messages[:2]), patience="now").exited(0)
    assert postbox.take_all() == messages[:2]


@check(
    points=1,
    hint="msgmax bounds one message: which error has msgsnd() for it? What is sent before that is sent.",
    needs=[SENDS],
)
def test_sender_says_what_can_not_be_sent(sender, postbox, params):
    """A text above msgmax, a line without a type, a type of 0: the sender says so and exits with 1."""
    good = (params.type, params.text)
    longest = (params.other, (params.text * 500)[:MESSAGE_BYTES])
    sender.run(stdin=lines([good, longest, (1, longest[1] + "x"), good])).refused(1)
    assert postbox.take_all() == [good, longest], "the lines before the one that is too long"
    for wrong in (b"\n", b"0 x\n", b"-3 x\n", params.text.encode() + b"x\n", b"x 3\n"):
        sender.run(stdin=line(good) + wrong + line(good)).refused(1)
        assert postbox.take_all() == [good], "the lines before the one that is wrong"


@check(
    points=2,
    hint="msgrcv(2) and msgsnd(2): EIDRM, and EINVAL. Which one comes when the queue is removed while you are not in "
    "the call? Control-Z, `ipcrm`, `fg` shows it.",
    needs=[SELECTS, SENDS],
)
def test_both_notice_that_the_queue_is_removed(receiver, sender, postbox, alpha, params):
    """A waiting receiver prints `removed` and exits with 0, also when it was stopped; a waiting sender exits with 4."""
    fill = [(params.other, (params.text * 100)[: params.size])] * (QUEUE_BYTES // params.size + 1)
    sending = sender.start(stdin=lines(fill))
    sending.wait_blocked("msgsnd")
    receiving = receiver.start(selector=params.type)
    receiving.wait_blocked("msgrcv")
    stopped = receiver.start(selector=params.type)
    stopped.wait_blocked("msgrcv")
    stopped.signal(SIGSTOP)
    alpha.processes(pid=stopped.pid).wait(state="T")
    postbox.tell("remove")
    assert receiving.wait().exited(0).stdout == b"removed\n"
    sending.wait().refused(4)
    stopped.signal(SIGCONT)
    assert stopped.wait().exited(0).stdout == b"removed\n"
    assert not postbox.queue.exists, "somebody has made the queue again"


@check(
    points=1,
    hint="`chmod` for a queue is IPC_SET, msgctl(2). Which errors mean that a queue was removed, that it is empty, or "
    "full? All others are failures.",
    needs=[SELECTS, FULL],
)
def test_what_is_not_permitted_is_a_failure(receiver, sender, postbox, alpha, params):
    """Who may not use the queue, or no longer may while it waits, says so and exits with 1, `drain` and `now`, too."""
    fill = [(params.other, (params.text * 100)[: params.size])] * (QUEUE_BYTES // params.size + 1)
    sending = sender.start(stdin=lines(fill))
    sending.wait_blocked("msgsnd")
    sending.signal(SIGSTOP)  # its call begins anew when it goes on
    alpha.processes(pid=sending.pid).wait(state="T")
    receiving = receiver.start(selector=params.type)
    receiving.wait_blocked("msgrcv")
    postbox.tell("mode", "0")
    sending.signal(SIGCONT)
    why = "it may not use the queue any more"
    receiving.wait().refused(1, why)
    sending.wait().refused(1, why)
    for how in ("wait", "drain"):
        receiver.run(how=how).refused(1, why)
    for patience in ("wait", "now"):
        sender.run(stdin=line((params.type, params.text)), patience=patience).refused(1, why)


@check(
    points=1,
    hint="struct msqid_ds has it all: msgctl(2). In which order do you look, remove and print, if nothing may be "
    "printed when the removal is refused?",
    needs=[PRINTS, SELECTS],
)
def test_closer_tells_how_it_found_the_queue(closer, receiver, reference, finder, alpha, params, leftovers):
    """It prints five lines, as the kernel has them, and removes the queue. Another user's queue it can't remove."""
    closer.run().refused(1, "there is no queue")
    running = receiver.start(selector=params.type)
    running.wait_blocked("msgrcv")
    postbox = finder()
    postbox.send([(params.type, params.text), (params.other, params.more), (params.other, params.text)])
    running.expect(line((params.type, params.text)))
    running.wait_blocked("msgrcv")
    queue = postbox.queue.fact
    expected = {
        "messages": queue.qnum,
        "bytes": queue.cbytes,
        "limit": QUEUE_BYTES,
        "last-sender": queue.lspid,
        "last-receiver": queue.lrpid,
    }
    printed = closer.run().exited(0).stdout.decode("ascii", "replace")
    assert printed == "".join(f"{name} {value}\n" for name, value in expected.items())
    running.wait().exited(0, "the queue was removed")
    postbox.running.close_stdin()
    postbox.running.wait()
    assert not leftovers()

    ours = reference.receiver.start()
    ours.wait_blocked("msgrcv")
    closer.run().refused(1, "the queue is another user's")
    assert ours.alive
    reference.closer.run().exited(0)


@check(
    points=1,
    hint="A key means something within one IPC namespace only: `ipcs -q` on both hosts. Which of the three makes a "
    "queue, and when?",
    needs=[SENDS],
)
def test_a_queue_joins_nobody_on_another_host(sender, receiver, ablated, reference, alpha, island, params):
    """Where there is no queue, sender and `drain` say so and make none; where our receiver waits, it gets the text."""
    ours = reference.receiver.start()
    ours.wait_blocked("msgrcv")
    message = (params.type, params.text)
    ablated.sender.run(stdin=line(message)).refused(1)
    ablated.closer.run().refused(1)
    receiver.at("island/solo").run(how="drain").refused(1)
    assert not island.sysv_msg(key=params.key).exists, "one of them has made a queue"
    assert ours.output().stdout == b""
    sender.run(stdin=line(message)).exited(0)
    ours.expect(line(message))
    reference.closer.run().exited(0)
    ours.wait().exited(0)


@check(
    points=1,
    hint="Which status tells a wrong call from a failure? strtol() tells where a number ends.",
    needs=[MAKES, SENDS],
)
def test_wrong_arguments_are_refused(receiver, sender, closer, params):
    """Too few, too many, no numbers, BYTES of 0, a third way to wait: all three exit with 2."""
    key = str(params.key)
    for args in ([], [key, "0", "100"], [key, "0", "0", "wait"], [key, "x", "9", "wait"], [key, "0", "9", "later"]):
        receiver.run(args=args).refused(2)
    for args in ([], [key], [key, "later"], [key, "now", "now"], ["key", "now"]):
        sender.run(args=args).refused(2)
    for args in ([], [key, key], ["key"]):
        closer.run(args=args).refused(2)
