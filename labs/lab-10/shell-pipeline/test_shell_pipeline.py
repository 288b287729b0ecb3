"""Checks of shell-pipeline: which pipes join the commands, in which group they are, and how each of them ends."""

import random
import shlex
from functools import partial
from signal import SIGCHLD, SIGCONT, SIGINT, SIGKILL, SIGPIPE, SIGSTOP, SIGTERM, Signals

import pytest

from orchestrator.checks import PIPE, Contains, In, check

GIVEN = {0, 1, 2}
SIGNALLED = 128
MANY = 30
"""Commands; a container may have twice as many processes."""
QUIET_S = 0.5
COUNTS_SIGNALS = """
import signal
seen = dict.fromkeys((signal.SIGINT, signal.SIGTERM), 0)
signal.pthread_sigmask(signal.SIG_BLOCK, seen)
print("up", flush=True)
while True:
    number = signal.sigwait(seen)
    seen[number] += 1
    print(f"{number.name} {seen[number]}.", flush=True)
"""
JOINS = "test_commands_run_side_by_side_joined_by_pipes"
GROUPED = "test_commands_are_one_group"
TELLS = "test_all_statuses_are_told"


class Commands:
    """A running pipeline and its commands."""

    def __init__(self, host, running):
        self.host = host
        self.running = running

    def asleep(self):
        """The process of pipeline, once it has started all of them and waits."""
        return self.host.processes(pid=self.running.pid).wait(timeout_s=2, state="S")

    def with_word(self, word):
        """The command that has this argument, once it sleeps in a call that waits for something."""
        found = self.host.processes(ppid=self.running.pid, argv=Contains(word))
        return found.wait(timeout_s=2, state="S", syscall__name=In("read", "clock_nanosleep", "wait4"))

    def pipe_from(self, one, to):
        """The pipe that leads from a command to the next one, and that nobody else has an end of."""
        end = one.descriptor(1)
        assert end is not None and end.kind == "pipe", f"standard output of `{one.command}` is {end and end.target}"
        fact = self.host.pipe(ino=end.ino).fact
        ends = ((*fact.writers,), (*fact.readers,))
        assert ends == ((one.pid,), (to.pid,)), f"from `{one.command}` to `{to.command}`: {fact.describe()}"
        return end.ino

    def signal(self, process, signal):
        """Send a signal to one of the commands."""
        self.host.processes(pid=process.pid).signal(signal)


@pytest.fixture
def start(alpha, pipeline):
    """Start commands, with standard input open."""

    def begin(*commands, options=(), **more):
        return Commands(alpha, pipeline.start(args=line(*commands, options=options), stdin=PIPE, **more))

    return begin


@pytest.fixture
def file(alpha, params):
    """Makes a file that all may write into; its name."""

    def make(suffix, content):
        path = f"{params.path}.{suffix}"
        alpha.agent.put(path, content, mode=0o666)
        return path

    return make


def line(*commands, options=()):
    """The arguments for commands, each a text that is cut as a shell does, or a list of words."""
    first, *others = [shlex.split(one) if isinstance(one, str) else [*one] for one in commands]
    return [*options, *first, *(word for command in others for word in ("|", *command))]


def statuses(ended, *expected):
    """Check what is told of the commands, which is the last line."""
    lines = ended.stderr.decode("utf-8", "replace").splitlines()
    told = [line for line in lines if line.startswith("status")]
    assert told[-1:] == lines[-1:] and len(told) == 1, f"there is not one line of statuses, at the end: {lines}"
    assert told[0] == " ".join(["status", *map(str, expected)]), "the statuses"


def has_three(process):
    """Check that a command has the usual three descriptors and no others."""
    more = {one.fd: one.target for one in process.fds if one.fd not in GIVEN}
    assert not more, f"`{process.command}` has more descriptors than three: {more}"


def numbers(count):
    """What `seq` prints."""
    return b"".join(b"%d\n" % (number + 1) for number in range(count))


def any_command(rng):
    """A command that reads all of its input, whatever it makes of that."""
    return rng.choice(
        [
            ["sort", "-n"],
            ["sort", "-r"],
            ["tac"],
            ["rev"],
            ["tr", "0-9", "a-j"],
            ["grep", "-c", str(rng.randrange(10))],
            ["grep", "no such line"],
            ["wc", "-c"],
            ["uniq"],
            ["sh", "-c", f"cat; exit {rng.randrange(1, 100)}"],
            ["sh", "-c", f"sort; kill -s {rng.choice(['KILL', 'USR1', 'TERM'])} $$"],
        ]
    )


@check(
    points=2,
    hint="`ls -l /proc/PID/fd` of pipeline and of each command: which end of which pipe is where? A reader sees the "
    "end of its input when nobody at all has the other end open. How many have it after fork()?",
)
def test_commands_run_side_by_side_joined_by_pipes(start, params):
    """Three commands run at once, each joined to the next one by a pipe, of which nobody else has an end."""
    joined = start("sed -u s/^/1/", "sed -u s/^/2/", "sed -u s/^/3/")
    assert joined.running.ask(f"{params.text}\n".encode()) == f"321{params.text}\n".encode()
    first, second, third = (joined.with_word(f"s/^/{number}/") for number in (1, 2, 3))
    own = joined.asleep()
    pipes = {joined.pipe_from(first, second), joined.pipe_from(second, third)}
    assert first.descriptor(0).ino == own.descriptor(0).ino, "the first one's standard input is not that of pipeline"
    assert third.descriptor(1).ino == own.descriptor(1).ino, "the last one's standard output is not that of pipeline"
    assert {one.descriptor(2).ino for one in (first, second, third)} == {own.descriptor(2).ino}, "standard error"
    assert not pipes & {one.ino for one in own.fds}, "pipeline has ends of the pipes open"
    joined.running.close_stdin()
    ended = joined.running.wait().exited(0)
    statuses(ended, 0, 0, 0)
    assert ended.stdout == f"321{params.text}\n".encode()


@check(
    points=1,
    hint="execve(2) keeps descriptors that are not close-on-exec, and what is ignored or blocked: signal(7). "
    "`grep Sig /proc/PID/status` shows it.",
    needs=[JOINS],
)
def test_commands_inherit_nothing_that_they_should_not_have(start, alpha, file):
    """Each command has descriptors 0, 1 and 2 only, and ignores or blocks no signal; pipeline keeps no file open."""
    given, made = file("in", b""), file("out", b"")
    joined = start("sleep 100", "sleep 101", "sleep 102", "sleep 103", options=["-i", given, "-o", made])
    commands = [joined.with_word(str(number)) for number in (100, 101, 102, 103)]
    for command in commands:
        has_three(command)
        unheard = {SIGPIPE, SIGINT, SIGTERM, SIGCHLD} & {*command.sig.ignored, *command.sig.blocked}
        assert not unheard, f"`{command.command}` ignores or blocks {[Signals(one).name for one in unheard]}"
    assert commands[0].descriptor(0).target == given, "standard input of the first command"
    assert commands[-1].descriptor(1).target == made, "standard output of the last command"
    kept = {one.target for one in joined.asleep().fds} & {given, made}
    assert not kept, f"pipeline has files open that are its commands': {kept}"


@check(
    points=2,
    hint="setpgid(2). Which number can the group have that does not belong to anybody else? Until when does it exist? "
    "`ps -o pid,pgid,args`. The child may be faster than its parent, and the other way round.",
    needs=[JOINS],
)
def test_commands_are_one_group(start, alpha):
    """The commands are in a process group of their own, that of the first one, also if that one has ended by then."""
    joined = start("sleep 100", "sleep 101", "sleep 102")
    commands = [joined.with_word(str(number)) for number in (100, 101, 102)]
    assert [one.pgid for one in commands] == [commands[0].pid] * 3, "the process groups of the commands"
    assert joined.running.process.pgid != commands[0].pgid, "pipeline is in the group of its commands"
    joined.running.kill()

    joined = start("/no/such/command", *(f"sleep {100 + number}" for number in range(MANY)))
    groups = {joined.with_word(str(100 + number)).pgid for number in range(MANY)}
    assert len(groups) == 1, f"{MANY} commands are in {len(groups)} groups"
    assert groups != {joined.running.process.pgid}, "the commands are in the group of pipeline"


@check(
    points=2,
    hint="wait(2): WIFEXITED, WIFSIGNALED; bash has them in ${PIPESTATUS[*]}. Which child has waitpid() waited for? "
    "Commands don't end in their order.",
    needs=[JOINS],
)
def test_all_statuses_are_told(pipeline, start, alpha, params):
    """The statuses are each command's own, or 128 and the signal, in their order; pipeline exits with the last one."""
    dies = ["sh", "-c", "cat; kill -s KILL $$"]
    exits = [["sh", "-c", f"cat; exit {status}"] for status in (params.status, params.other)]
    killed = SIGNALLED + SIGKILL
    for options, commands, expected, status in (
        ([], [exits[0], dies, exits[1]], [params.status, killed, params.other], params.other),
        ([], [exits[0], dies, "cat"], [params.status, killed, 0], 0),
        ([], ["true", dies], [0, killed], killed),
        ([], [exits[0]], [params.status], params.status),
        (["-f"], [exits[0], exits[1], "cat"], [params.status, params.other, 0], params.other),
        (["-f"], [exits[1], "cat", dies, "cat", "cat"], [params.other, 0, killed, 0, 0], killed),
        (["-f"], ["true", "cat"], [0, 0], 0),
    ):
        ended = pipeline.run(args=line(*commands, options=options), stdin=b"")
        ended.exited(status, f"with the statuses {expected}" + " and -f" * bool(options))
        statuses(ended, *expected)

    # The second one ends before the first; then both while pipeline can't see it.
    alpha.run("mkfifo -m 666 %s", params.path)
    waits = f"exec >&-; read line; exit {params.status}"
    for stopped in (False, True):
        ends = f"cat; echo end; {f'cat {params.path}; ' if stopped else ''}exit {params.other}"
        joined = start(["sh", "-c", waits], ["sh", "-c", ends])
        joined.running.expect(b"end\n")
        children = partial(alpha.processes, ppid=joined.running.pid, state=In("R", "S", "D"))
        if stopped:
            joined.running.signal(SIGSTOP)
            joined.running.close_stdin()
            alpha.run(": > %s", params.path)
            children().wait_gone(timeout_s=2)
            joined.running.signal(SIGCONT)
        else:
            children(argv=Contains(ends)).wait_gone(timeout_s=2)
            children(argv=()).wait_gone(timeout_s=2)  # who ends has none any more
            joined.asleep()
            joined.running.close_stdin()
        statuses(joined.running.wait().exited(params.other), params.status, params.other)


@check(
    points=1,
    hint="Who is the first to end: the reader or the writer? What does the kernel do with somebody who writes into a "
    "pipe that nobody can read from, and who are all those that can?",
    needs=[TELLS],
)
def test_who_writes_for_nobody_is_ended(pipeline, start, params):
    """`yes | head` ends, by SIGPIPE; and a reader whose writer has ended sees the end, whatever others do."""
    ended = pipeline.run(args=line(f"yes {params.text}", "cat", "head -n 2"), stdin=b"").exited(0)
    statuses(ended, SIGNALLED + SIGPIPE, SIGNALLED + SIGPIPE, 0)
    assert ended.stdout == f"{params.text}\n".encode() * 2
    ended = pipeline.run(args=line(f"yes {params.text}", "head -n 1", "sort", options=["-f"]), stdin=b"")
    statuses(ended.exited(SIGNALLED + SIGPIPE), SIGNALLED + SIGPIPE, 0, 0)

    joined = start("cat", f"echo {params.text}", "sort", ["sh", "-c", "cat; exec sleep 100"])
    joined.running.expect(f"{params.text}\n".encode())
    joined.signal(joined.with_word("100"), SIGKILL)
    joined.running.close_stdin()
    statuses(joined.running.wait().exited(SIGNALLED + SIGKILL), 0, 0, 0, SIGNALLED + SIGKILL)


@check(
    points=1,
    hint="exec() returns only if it fails, and in the child. What would the child do next, if it did not end there? "
    "errno says which of two statuses it is.",
    needs=[TELLS],
)
def test_what_can_not_be_executed_has_a_status(pipeline, params):
    """126 or 127, a message with the name on standard error, one line of statuses, and the others run."""
    nowhere = f"no-{params.name}"
    for commands, expected, printed in (
        ([nowhere, "wc -c"], [127, 0], b"0\n"),
        ([f"/{nowhere}/x", "cat", "wc -l"], [127, 0, 0], b"0\n"),
        (["/etc/passwd", "wc -c"], [126, 0], b"0\n"),
        (["/tmp", "wc -c"], [126, 0], b"0\n"),
        (["true", nowhere], [0, 127], b""),
        (["true", "/etc/passwd"], [0, 126], b""),
    ):
        ended = pipeline.run(args=line(*commands), stdin=b"").exited(expected[-1])
        statuses(ended, *expected)
        assert ended.stdout == printed, "standard output"
        at_fault = commands[0] if expected[0] else commands[1]
        assert at_fault.encode() in ended.stderr.rpartition(b"status")[0], f"nobody says that {at_fault} is at fault"


@check(
    points=2,
    hint="open(2): O_CREAT, O_TRUNC, O_APPEND. Which of them makes two who write into one file keep from overwriting "
    "each other? In which order do you open?",
    needs=[JOINS],
)
def test_files_in_place_of_standard_input_and_output(pipeline, start, alpha, file, params):
    """`-i` reads a file, `-o` empties one or makes one, `-a` writes at the end, wherever that is by then."""
    given, made = file("in", numbers(params.count)), file("out", b"x" * 5000)
    new = f"{params.path}.new"
    for path in (made, new):
        ended = pipeline.run(args=line("cat", "tail -n 1", options=["-o", path, "-i", given]), stdin=b"y\n")
        statuses(ended.exited(0), 0, 0)
        assert ended.stdout == b"", "something is printed in spite of -o"
        assert alpha.agent.get(path).data == b"%d\n" % params.count, f"what is in {path}"
    assert alpha.file(new).mode == 0o660, "its mode is 0666 less the umask"

    log = file("log", b"zero\n")
    joined = start(["sh", "-c", "echo one; read line; echo three"], "sed -u s/^/+/", options=["-a", log])
    # Who has written sleeps, and then who has read that.
    for comm in ("sh", "sed"):
        alpha.processes(ppid=joined.running.pid, comm=comm).wait(state="S", syscall__name="read", syscall__fd=0)
    alpha.run("echo two >> %s", log)
    joined.running.write(b"\n")
    statuses(joined.running.wait().exited(0), 0, 0)
    assert alpha.agent.get(log).data == b"zero\n+one\ntwo\n+three\n", f"what is in {log}"


@check(
    points=2,
    hint="kill(2) with a negative number. What does a stopped process do with SIGTERM, and when?",
    needs=[GROUPED, TELLS],
)
def test_signals_are_passed_on_to_the_group(start, alpha, params, leftovers):
    """SIGINT and SIGTERM reach all commands and what these have started, also one that is stopped; pipeline waits."""
    for signal in (SIGTERM, SIGINT):
        joined = start("sleep 100", ["sh", "-c", "sleep 101; exit 3"], "sleep 102")
        joined.with_word("100")
        stopped = joined.with_word("102")
        alpha.processes(comm="sleep", argv=Contains("101")).wait(state="S", syscall__name="clock_nanosleep")
        joined.signal(stopped, SIGSTOP)
        joined.running.signal(signal)
        ended = joined.running.wait().exited(SIGNALLED + signal, "so did its last command")
        statuses(ended, *[SIGNALLED + signal] * 3)
        alpha.processes(comm="sleep").wait_gone(timeout_s=2)

    joined = start("sleep 100", ["python3", "-ISc", COUNTS_SIGNALS], ["sh", "-c", "trap '' TERM INT; exec cat"])
    joined.running.expect(b"up\n")
    joined.with_word("100")
    joined.running.signal(SIGTERM)
    joined.running.expect(b"SIGTERM 1.\n")
    joined.running.signal(SIGINT)
    joined.running.expect(b"SIGINT 1.\n")
    assert joined.running.alive, "pipeline has not waited for those that a signal does not end"
    joined.signal(alpha.processes(ppid=joined.running.pid, comm="python3").fact, SIGKILL)
    ended = joined.running.wait().exited(0, "the last command has seen the end of its input")
    statuses(ended, SIGNALLED + SIGTERM, SIGNALLED + SIGKILL, 0)
    assert not leftovers()


@check(
    points=1,
    hint="Your program looks whether a signal has come, finds none, and goes to sleep. What if it comes in between? "
    "Signals that are blocked wait until somebody asks for them: sigwait(3).",
    needs=[GROUPED, TELLS],
)
def test_no_signal_is_missed_and_pipeline_sleeps(start, stepper):
    """A second signal, right before a system call that is made for the first, is passed on, too; else it sleeps."""
    joined = start(["python3", "-ISc", COUNTS_SIGNALS], until=b"up\n")
    joined.running.sleeps(QUIET_S)
    sent = {SIGINT: 0, SIGTERM: 0}

    def send(signal):
        sent[signal] += 1
        joined.running.signal(signal)

    for _ in stepper(joined.running).each_call(wake=lambda: send(SIGINT), interfere=lambda: send(SIGTERM)):
        for signal, count in sent.items():
            if count:
                joined.running.expect(f"{signal.name} {count}.\n".encode())


@check(
    points=1,
    hint="pipe() fails when the descriptor table is full: `ulimit -n 5`. How many descriptors does each step need, and "
    "which of those before it? What becomes of half a pipeline?",
    needs=[JOINS],
)
def test_five_descriptors_are_enough(pipeline, alpha, file, params, leftovers):
    """Any number of commands takes five descriptors besides 0, 1 and 2. With fewer it fails, and nobody stays."""
    given, made = file("in", numbers(params.count)), file("out", b"")
    commands = ["sed s/^/x/", *["cat"] * MANY, "tail -n 1"]
    ended = pipeline.run(args=line(*commands, options=["-i", given, "-o", made]), stdin=b"", limits={"nofile": 8})
    statuses(ended.exited(0), *[0] * len(commands))
    assert alpha.agent.get(made).data == b"x%d\n" % params.count, f"what is in {made}"

    started = f"{params.path}.started"
    commands = ["sleep 100", "sleep 101", f"touch {started}"]
    ended = pipeline.run(args=line(*commands), stdin=b"", limits={"nofile": 5}).refused(1)
    assert b"status" not in ended.stderr, "there are statuses of a pipeline that there was not"
    left = [one.describe() for one in leftovers() if getattr(one, "path", "") != made]
    assert not left, f"what has been started is still there: {left}"
    assert not alpha.file(started).exists, "the last command has been started"


@check(
    points=1,
    hint="Before you start anything: is it all there? getopt(3) stops at the first command if the list of options "
    "begins with a plus sign.",
    needs=[JOINS],
)
def test_what_is_wrong_is_said_before_anything_is_started(pipeline, alpha, file, params):
    """A file that can't be opened: exit status 1. Wrong arguments: 2. Nothing has been started or made then."""
    started, made, given = f"{params.path}.started", f"{params.path}.made", file("in", b"")
    touch, missing = ["touch", started], f"/no/{params.name}"
    for options in (["-i", missing, "-o", made], ["-i", given, "-o", missing], ["-a", missing]):
        ended = pipeline.run(args=line(touch, "cat", options=options), stdin=b"").refused(1)
        assert b"status" not in ended.stderr, "there are statuses of a pipeline that there was not"
    bar = "|"
    for words in (
        [],
        ["-o", made],
        [bar],
        [*touch, bar],
        [bar, *touch],
        [*touch, bar, bar, "cat"],
        ["-x", *touch],
        ["-o"],
        ["-o", made, "-a", made, *touch],
        ["-i", given, "-i", given, *touch],
        [*touch, *[bar, "cat"] * 100],
    ):
        pipeline.run(args=words, stdin=b"").refused(2)
    for path in (started, made):
        assert not alpha.file(path).exists, f"there is a file {path}"
    ended = pipeline.run(args=["echo", "-o", "-x", "||", bar, "cat"], stdin=b"").exited(0)
    assert ended.stdout == b"-o -x ||\n", "what comes after the first command is no option"


@check(
    points=1,
    hint="Give both the same line, and compare: `bash -c 'a | b; echo ${PIPESTATUS[*]}'`.",
    needs=[TELLS],
)
def test_a_shell_does_the_same(pipeline, tool, params):
    """Pipelines of all sorts of commands: what bash prints and which statuses it tells is what pipeline does, too."""
    rng = random.Random(params.text)
    for _ in range(4):
        commands = [any_command(rng) for _ in range(rng.randint(2, 6))]
        commands.insert(rng.randrange(len(commands)), ["sed", f"s/$/ | {params.name}/"])
        text = b"".join(b"%d\n" % rng.randrange(10_000) for _ in range(params.count))
        shown = " | ".join(shlex.join(command) for command in commands)
        tells = "set -- ${PIPESTATUS[@]}; echo status $* >&2; exit ${@: -1}"
        theirs = tool("alpha/right", "bash", "-c", "{text}")
        expected = theirs.run(stdin=text, text=f"{shown}\n{tells}")
        ours = pipeline.run(args=line(*commands), stdin=text).exited(expected.exit, f"so does bash with: {shown}")
        statuses(ours, *expected.stderr.decode().split()[-len(commands) :])
        assert ours.stdout == expected.stdout, f"what bash prints with: {shown}"


@check(
    points=1,
    hint="A FIFO is a file, and open() of it waits for the other end. What may have been started by then?",
    needs=[JOINS],
)
def test_pipelines_of_two_containers_are_joined_by_a_fifo(pipeline, reference, ablated, alpha, params):
    """`-o FIFO` here and `-i FIFO` there are one pipeline, ours and yours; on another host there is no such FIFO."""
    alpha.run("mkfifo -m 666 %s", params.path)
    says, counts = (
        line(f"seq {params.count}", "cat", options=["-o", params.path]),
        line("cat", "wc -l", options=["-i", params.path]),
    )
    running = pipeline.start(args=says)
    alpha.processes(pid=running.pid).wait(
        timeout_s=2, state="S", syscall__name=In("openat", "open", "creat"), syscall__path=params.path
    )
    assert not alpha.processes(ppid=running.pid).exists, "something was started before the file was open"
    ended = reference.pipeline.at("alpha/right").run(args=counts).exited(0)
    assert ended.stdout == b"%d\n" % params.count, "lines that came out of the FIFO"
    statuses(running.wait().exited(0), 0, 0)

    running = reference.pipeline.start(args=says)
    ended = pipeline.at("alpha/right").run(args=counts).exited(0)
    assert ended.stdout == b"%d\n" % params.count, "lines that came out of the FIFO"
    running.wait().exited(0)
    ablated.pipeline.run(args=counts).refused(1)
