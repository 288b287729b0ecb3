"""Checks of signals: what waits in the kernel, what comes out of it, and what becomes of children."""

import random
import re
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGUSR1

import pytest

from orchestrator.checks import PIPE, In, check

FIRST_REALTIME = 34
"""SIGRTMIN as glibc has it, which keeps two for itself."""
MANY_USR1 = 1000
PATIENCE_S = 2.0
LISTENS = "test_listener_logs_each_signal_and_sleeps_in_between"
STARTS = "test_reaper_tells_of_each_end_while_it_copies_lines"


class Log:
    """The file that the listener writes: a FIFO that a program of root's reads, which also sends signals."""

    def __init__(self, running, listening, agent):
        self.running = running
        self.listening = listening
        self.agent = agent
        self.tails = 0

    @property
    def lines(self):
        """What has been written so far."""
        printed = self.running.output().stdout.decode("ascii", "replace").splitlines()
        return [line[2:] for line in printed if line.startswith("| ")]

    def send(self, *words):
        """Send signals to the listener."""
        self.tell("send", self.listening.pid, *words, until=f"sent {len(words)}")

    def tell(self, *words, until, timeout_s=None):
        """What the log's reader prints when it has done something."""
        command = " ".join(map(str, words)) + "\n"
        return self.running.ask(command.encode(), until=until.encode() + b"\n", timeout_s=timeout_s).decode()

    def expect(self, line):
        """Return when the listener has written a line."""
        self.running.expect(f"| {line}\n".encode(), timeout_s=PATIENCE_S)

    def type(self, line):
        """Give the listener a line."""
        self.listening.write(f"{line}\n".encode())

    def all_up_to_now(self):
        """All lines but `ready`, when the listener has dealt with everything that came before."""
        self.tails += 1
        self.type(f"tail {self.tails}")
        self.expect(f"text tail {self.tails}")
        return [line for line in self.lines[1:] if not line.startswith("text tail")]

    def poke(self):
        """Have somebody else send a SIGUSR1; what the listener is to write of it."""
        self.listening.signal(SIGUSR1)
        return f"SIGUSR1 from {self.agent.hello.pid}"

    def usr1(self):
        """What the listener is to write of a SIGUSR1."""
        return f"SIGUSR1 from {self.running.pid}"

    def realtime(self, number, value):
        """What it is to write of a real-time signal."""
        return f"SIGRTMIN+{number} value {value} from {self.running.pid}"


@pytest.fixture
def reading(peer, lab, params):
    """Start a listener and what reads its log; the listener is ready."""

    def start(program, path=params.log, **options):
        log = peer("alpha/right", "postman.py", path, root=True)
        running = log.start(stdin=PIPE, until=b"reading\n")
        listening = program.start(stdin=PIPE, log=path, **options)
        running.expect(b"| ready\n")
        return Log(running, listening, lab.agent(listening.program.place))

    return start


def queue_of(rng, size):
    """So many real-time signals of two numbers, mixed: (number, value)."""
    numbers = rng.sample(range(4), 2)
    return [(rng.choice(numbers), value) for value in rng.sample(range(-(10**6), 10**6), size)]


def words(signals):
    """The signals as the log's reader is told of them."""
    return [f"{number}:{value}" for number, value in signals]


@check(
    points=1,
    hint="What does SIGUSR1 do to a program that says nothing about it? `grep Sig /proc/PID/status` shows what is "
    "blocked and what is caught. Who sent one, and with which value, is in siginfo_t or struct signalfd_siginfo.",
)
def test_listener_logs_each_signal_and_sleeps_in_between(listener, reading, params):
    """`ready` first; then a line for each signal and for each line of input, at once; asleep when there is nothing."""
    log = reading(listener)
    assert log.lines == ["ready"], "the first lines of the log"
    log.send("usr1")
    log.expect(log.usr1())
    log.send(f"{params.k}:{params.value}")
    log.expect(log.realtime(params.k, params.value))
    log.type(params.text)
    log.expect(f"text {params.text}")
    log.send(f"{3 - params.k}:{params.status}")
    log.expect(log.realtime(3 - params.k, params.status))
    poked = log.poke()
    log.expect(poked)
    assert log.lines[1:] == [
        log.usr1(),
        log.realtime(params.k, params.value),
        f"text {params.text}",
        log.realtime(3 - params.k, params.status),
        poked,
    ], "the lines of the log"
    log.listening.sleeps()


@check(
    points=2,
    hint='signal(7), "Real-time signals": what is queued, and in which order does it come? A signal that is blocked '
    "waits in the kernel: SigBlk and ShdPnd in /proc/PID/status. If you have handlers: may one interrupt another?",
    needs=[LISTENS],
)
def test_held_signals_wait_in_the_kernel_and_only_some_are_counted(listener, reading, params):
    """After `hold` 1000 SIGUSR1 become one, and every real-time signal waits; `release` brings them in their order."""
    log = reading(listener)
    queued = queue_of(random.Random(params.value), params.times)
    log.type("hold")
    log.expect("holding")
    log.send(*words(queued[:-1]), *["usr1"] * MANY_USR1, *words(queued[-1:]))
    seen = log.listening.process.sig
    numbers = {SIGUSR1, *(FIRST_REALTIME + number for number, _ in queued)}
    assert numbers <= {*seen.blocked}, f"after `hold` the signals {seen.blocked} are blocked"
    assert numbers <= {*seen.pending}, f"after `hold` the signals {seen.pending} are pending"
    assert log.all_up_to_now() == ["holding"], "what the log held before `release`"

    log.type("release")
    # The lower number first; sorted() keeps the order of those of one number.
    expected = [log.realtime(*one) for one in sorted(queued, key=lambda one: one[0])]
    log.expect(expected[-1])
    came = log.all_up_to_now()[1:]
    assert came.count(log.usr1()) == 1, f"{MANY_USR1} SIGUSR1 while blocked are one pending signal"
    assert came[0] == log.usr1(), "SIGUSR1 has the lowest number"
    assert len(came) - 1 == len(expected), "real-time signals in the log"
    assert came[1:] == expected, "the real-time signals are not in their order"
    log.expect(log.poke())


@check(
    points=2,
    hint="A signal can come while your program sleeps in read() or write(): what do these return then, signal(7)? If a "
    "handler prints: what if the main program is printing the very moment? signal-safety(7) has the functions.",
    needs=[LISTENS],
)
def test_no_call_is_spoilt_by_a_signal(listener, reading, alpha, params):
    """Signals come amid half a line, and while LOG takes nothing: every line is in it once, and whole."""
    log = reading(listener)
    middle = len(params.text) // 2
    log.listening.write(params.text[:middle].encode())
    alpha.processes(pid=log.listening.pid).wait(state="S")  # it has read that
    poked = log.poke()
    log.expect(poked)
    log.listening.write(params.text[middle:].encode() + b"\n")
    log.expect(f"text {params.text}")

    log.tell("stop", until="full")
    log.type(params.more)
    log.listening.wait_blocked("write")
    queued = queue_of(random.Random(params.value), 40)
    log.send("usr1", *words(queued))
    log.listening.wait_blocked("write")
    log.tell("go", until="going")
    expected = [f"text {params.more}", log.usr1(), *(log.realtime(*one) for one in queued)]
    for line in expected:
        log.expect(line)
    before = [poked, f"text {params.text}"]
    assert sorted(log.all_up_to_now()) == sorted(before + expected), "the lines of the log"


@check(
    points=1,
    hint="Your program looks whether a signal has come, finds none, and goes to sleep. What if it comes in between? "
    "Look for `race` in pselect(2), or for the self-pipe trick.",
    needs=[LISTENS],
)
def test_no_signal_is_overslept(listener, reading, stepper):
    """A second signal, right before a system call that is made for the first, is logged without any further event."""
    log = reading(listener)
    sent = []

    def send():
        sent.append(log.realtime(0, len(sent)))
        log.send(f"0:{len(sent) - 1}")

    for _ in stepper(log.listening).each_call(wake=send, interfere=send):
        for line in sent[-2:]:
            log.expect(line)
    assert log.all_up_to_now() == sent
    log.listening.close_stdin()
    ended = log.listening.wait().exited(0, "at the end of its input the listener ends")
    assert ended.stdout == b"", "the listener printed something on its standard output"


@check(
    points=1,
    hint="kill() can't carry a value; which call can? And in which order do the signals arrive?",
    needs=[LISTENS],
)
def test_sender_sends_values_in_order(listener, sender, reading, params):
    """TIMES signals SIGRTMIN+K with the values 1, 2, 3 ... wait at a listener that holds them, and are all logged."""
    log = reading(listener)
    log.type("hold")
    log.expect("holding")
    sending = sender.start(pid=log.listening.pid)
    assert sending.wait().exited(0).stdout == b"", "the sender printed something"
    log.type("release")
    expected = [f"SIGRTMIN+{params.k} value {value} from {sending.pid}" for value in range(1, params.times + 1)]
    log.expect(expected[-1])
    assert log.all_up_to_now()[1:] == expected


@check(
    points=1,
    hint="kill(2) and sigqueue(3) have the rules and the errors. To whom does a signal to process 0 go, or to -1? How "
    "many signals does the kernel queue, `ulimit -i`?",
    needs=["test_sender_sends_values_in_order"],
)
def test_sender_says_what_the_kernel_refuses(listener, sender, ablated, reference, reading, params):
    """Another user's process, one of another host, a full queue: the sender says so and exits with 1."""
    log = reading(reference.listener)
    sender.run(pid=log.listening.pid).refused(1)
    ablated.sender.run(pid=log.listening.pid).refused(1)
    assert log.all_up_to_now() == [], "the sender's signals came through"
    log.listening.close_stdin()
    log.listening.wait().exited(0)

    log = reading(listener, limits={"sigpending": params.status}, path=f"{params.log}s")
    log.type("hold")
    log.expect("holding")
    why = f"the listener's queue has room for {params.status} of {params.times} signals"
    sender.run(pid=log.listening.pid).refused(1, why)


def crew(reaper, count, *command):
    """A running reaper and the process ids of the children that it has started."""
    running = reaper.start(stdin=PIPE, args=[str(count), *command])
    running.ask(b"go\n", until=b"go\n")
    pids = [int(pid) for pid in re.findall(rb"^started (\d+)$", running.output().stdout, re.MULTILINE)]
    assert len(pids) == count, f"{count} lines `started PID` were expected, not {len(pids)}"
    assert len({*pids}) == count, "each child has a process id of its own"
    return running, pids


def told(running):
    """What the reaper has printed after its children's starts."""
    lines = running.output().stdout.decode("ascii", "replace").splitlines()
    return [line for line in lines if not line.startswith("started ") and line != "go"]


def wait_states(alpha, pids, state):
    """Return when all of them are in a state."""
    for pid in pids:
        alpha.processes(pid=pid).wait(state=state)


@check(
    points=2,
    hint="waitpid(2): WNOHANG, and what the macros say of a status. A child that stops has not ended: SA_NOCLDSTOP. "
    "Who waits for one child can't do anything else meanwhile.",
)
def test_reaper_tells_of_each_end_while_it_copies_lines(reaper, alpha, lab, params):
    """N children; the end of each is told at once, with status or signal; lines are copied meanwhile; no zombies."""
    running, pids = crew(reaper, params.children, "sh", "-c", f"kill -STOP $$; exit {params.status}")
    assert all(one.ppid == running.pid for pid in pids if (one := alpha.processes(pid=pid).fact))
    wait_states(alpha, pids, "T")
    signal = lab.agent(running.program.place).signal

    middle = len(params.text) // 2
    running.write(params.text[:middle].encode())
    signal(pids[0], SIGCONT)
    running.expect(f"ended {pids[0]} exit {params.status}\n".encode())
    running.write(params.text[middle:].encode() + b"\n")
    running.expect(f"{params.text}\n".encode())
    signal(pids[1], SIGKILL)
    running.expect(f"ended {pids[1]} signal 9\n".encode())
    for pid in pids[:2]:
        alpha.processes(pid=pid).wait_gone()
    running.ask(f"{params.more}\n".encode(), until=f"{params.more}\n".encode())
    ends = [f"ended {pids[0]} exit {params.status}", params.text, f"ended {pids[1]} signal 9", params.more]
    assert told(running) == ends, "the other children are stopped, which is no end"


@check(
    points=2,
    hint="SIGCHLD is no real-time signal: twenty of them may come as one. `ps` shows zombies as `<defunct>`.",
    needs=[STARTS],
)
def test_twenty_that_end_together_leave_no_zombie(reaper, alpha, lab, params):
    """When all children end while the reaper is stopped, it tells of each when it goes on, and none stays a zombie."""
    running, pids = crew(reaper, params.children, "sh", "-c", f"kill -STOP $$; exit {params.status}")
    wait_states(alpha, pids, "T")
    running.signal(SIGSTOP)
    alpha.processes(pid=running.pid).wait(state="T")
    signal = lab.agent(running.program.place).signal
    for index, pid in enumerate(pids):
        signal(pid, SIGKILL if index % 2 else SIGCONT)
    wait_states(alpha, pids, "Z")
    running.signal(SIGCONT)
    for index, pid in enumerate(pids):
        how = "signal 9" if index % 2 else f"exit {params.status}"
        running.expect(f"ended {pid} {how}\n".encode())
        alpha.processes(pid=pid).wait_gone()
    running.ask(f"{params.text}\n".encode(), until=f"{params.text}\n".encode())
    assert len(told(running)) == params.children + 1, "lines that the reaper printed"
    running.close_stdin()
    running.wait().exited(0, "the input is at its end, and no child is left")


@check(
    points=1,
    hint="Your program looks whether a child has ended, none has, and it goes to sleep. What if one ends in between?",
    needs=[STARTS],
)
def test_no_end_is_overslept(reaper, stepper, lab, alpha, params):
    """A child that ends right before a system call that the reaper makes for a line of input is told of at once."""
    running, pids = crew(reaper, params.children, "sleep", "1000")
    signal = lab.agent(running.program.place).signal
    expected = []

    def type_line():
        # So short that who reads byte by byte makes no more calls than there are children.
        expected.append(f"x{len(expected)}")
        running.write(expected[-1].encode() + b"\n")

    def end_a_child():
        pid = pids.pop()
        expected.append(f"ended {pid} signal 9")
        signal(pid, SIGKILL)
        # It is told of now, and not when the reaper has gone on; another thread may have waited for it already.
        alpha.processes(pid=pid, state=In(*"RSDTt")).wait_gone()

    for _ in stepper(running).each_call(wake=type_line, interfere=end_a_child):
        for line in expected[-2:]:
            running.expect(line.encode() + b"\n")
    assert sorted(told(running)) == sorted(expected)


@check(
    points=1,
    hint="What does a child inherit over fork() and execve()? signal(7) has the mask and the dispositions; "
    "`ls -l /proc/PID/fd` shows the rest.",
    needs=[STARTS],
)
def test_children_inherit_nothing_of_the_reapers_affairs(reaper, alpha):
    """Children have no signal blocked or ignored, /dev/null as input, nothing else open; while they run, all sleep."""
    running, pids = crew(reaper, 2, "sleep", "1000")
    children = [alpha.processes(pid=pid).wait(comm="sleep", syscall__name="clock_nanosleep") for pid in pids]
    for child in children:
        assert not child.sig.blocked, f"signals {child.sig.blocked} are blocked in a child"
        assert not child.sig.ignored, f"signals {child.sig.ignored} are ignored in a child"
        assert child.descriptor(0).target == "/dev/null", "a child's standard input"
        assert [one.fd for one in child.fds] == [0, 1, 2], "a child's descriptors"
    running.sleeps()
    running = reaper.start(stdin=PIPE, args=["1", "/ipc/no-such-command"])
    running.expect(b" exit 127\n")
    assert running.output().stderr, "nobody said that COMMAND can't be executed"


@check(
    points=1,
    hint="Ask all children to end, then wait as long as they take. When does a process that is stopped see SIGTERM?",
    needs=[STARTS],
)
def test_reaper_ends_when_its_children_have(reaper, alpha, lab, params, leftovers):
    """At the end of its input the children get SIGTERM, stopped ones SIGCONT, too; with the last it exits with 0."""
    slow = f'trap "echo asked; kill -STOP $$; exit {params.status}" TERM; kill -STOP $$; exit 77'
    running, (slow_one, killed) = crew(reaper, 2, "sh", "-c", slow)
    wait_states(alpha, [slow_one, killed], "T")
    signal = lab.agent(running.program.place).signal
    signal(killed, SIGKILL)
    running.expect(f"ended {killed} signal 9\n".encode())
    running.close_stdin()
    running.expect(b"asked\n")
    wait_states(alpha, [slow_one], "T")
    assert running.alive, "the reaper has ended before its last child"
    signal(slow_one, SIGCONT)
    ended = running.wait().exited(0)
    assert ended.stdout.endswith(f"asked\nended {slow_one} exit {params.status}\n".encode())
    assert not leftovers()

    running, pids = crew(reaper, params.children, "sleep", "1000")
    running.close_stdin()
    printed = running.wait().exited(0).stdout.splitlines()
    assert {*printed} >= {b"ended %d signal 15" % pid for pid in pids}, "all children were to end by SIGTERM"
    assert not leftovers()


@check(
    points=1,
    hint="Each argument has a range: the brief has them. To whom does a signal go that is sent to process 0, or to -1?",
    needs=["test_sender_sends_values_in_order", LISTENS, STARTS],
)
def test_wrong_arguments_are_refused(listener, sender, reaper, params):
    """Wrong arguments, PID 0 and -1 among them, are refused with 2 by all three; a LOG that is not there with 1."""
    for args in ([], ["0", "1", "1"], ["-1", "1", "1"], ["1", "4", "1"], ["1", "1", "0"], ["1x", "1", "1"], ["1", "1"]):
        sender.run(args=args).refused(2)
    for args in ([], ["1"], ["0", "true"], ["101", "true"], ["2x", "true"]):
        reaper.run(args=args).refused(2)
    for args in ([], [params.log, params.log]):
        listener.run(args=args).refused(2)
    listener.run().refused(1, "there is no LOG")
