"""Checks of pipe: which ends post, the command and mail have while they run, and what is in the mailbox after that."""

import email
import random
from signal import SIGCONT, SIGKILL, SIGPIPE, SIGSTOP, SIGTERM, Signals

import pytest

from orchestrator.checks import PIPE, In, check

GIVEN = {0, 1, 2}
LONG = 36_700
"""Lines of a text of 204 KiB: two pipes and the 64 KiB that post may hold don't hold all of it."""
MAILS_OWN = "/tmp/s-nail-"
"""What mail itself opens begins like this."""
QUIET_S = 0.5
SENDS = "test_a_letter_goes_through_a_pipe_to_mail"
RUNS_IT = "test_a_command_says_it_through_a_pipe_of_its_own"


class Mailbox:
    """The letters that one user has got on one host."""

    def __init__(self, host, user):
        self.host = host
        self.path = f"/ipc/mail-{user}"

    def letters(self):
        """Subject and text of each."""
        if not self.host.file(self.path).exists:
            return []
        # Each has its sender in a line before the headers, and an empty line after the text.
        whole = b"\n" + self.host.agent.get(self.path).data.removesuffix(b"\n")
        letters = [email.message_from_bytes(raw.partition(b"\n")[2]) for raw in whole.split(b"\nFrom ")[1:]]
        return [(letter["Subject"], letter.get_payload(decode=True)) for letter in letters]


class Post:
    """A running post, its children, and the pipes between them."""

    def __init__(self, host, running, params):
        self.host = host
        self.running = running
        self.params = params

    def child(self, comm, **match):
        """The child of this name."""
        return self.host.processes(ppid=self.running.pid, comm=comm).wait(timeout_s=2, **{"state": "S", **match})

    def mail(self):
        """The program mail, which waits for its input, as post waits for something, with what it has to do done."""
        mail = self.child("mail", syscall__name="read", syscall__fd=0)
        expected = ("mail", "-s", self.params.subject, self.params.user)
        assert mail.argv == expected, "the arguments of mail"
        self.sleeps()
        return mail

    def listening(self, comm):
        """The child of this name, once it waits for something on its standard input."""
        return self.child(comm, syscall__name="read", syscall__fd=0)

    def pipe(self, process, fd):
        """The pipe that a child has under a number, and that post was not started with."""
        one, given = process.descriptor(fd), self.running.process.descriptor(fd)
        assert one is not None, f"`{process.command}` has no descriptor {fd}"
        assert one.kind == "pipe", f"descriptor {fd} of `{process.command}` is {one.target}, no pipe"
        assert given is None or one.ino != given.ino, f"descriptor {fd} of `{process.command}` is that of post itself"
        return one.ino

    def joins(self, ino, writer, reader):
        """Check that a pipe leads from one process to another, and that nobody else has an end."""
        fact = self.host.pipe(ino=ino).fact
        ends = ((*fact.writers,), (*fact.readers,))
        assert ends == ((writer,), (reader,)), f"the ends are elsewhere, too: {fact.describe()}"

    def signal(self, process, signal):
        """Send a signal to a child."""
        self.host.processes(pid=process.pid).signal(signal)

    def ended(self, process):
        """Return when a child has ended, waited for or not."""
        self.host.processes(pid=process.pid, state=In("R", "S", "D", "T")).wait_gone(timeout_s=3)

    def sleeps(self):
        """Return when post itself sleeps, in whichever call, and has dealt with all signals."""
        self.host.processes(pid=self.running.pid).wait(timeout_s=2, state="S", sig__pending=())


@pytest.fixture
def mailbox(alpha, params):
    """The recipient's."""
    return Mailbox(alpha, params.user)


@pytest.fixture
def start(alpha, post, params):
    """Start a post with its standard input open."""

    def begin(*command, **options):
        words = [params.user, params.subject, *command]
        return Post(alpha, post.start(args=words, stdin=PIPE, **options), params)

    return begin


def log(*lines):
    """What post prints."""
    return "".join(f"{line}\n" for line in lines).encode()


def told(ended, *lines):
    """Check the log of a post that has ended."""
    assert ended.stdout == log(*lines), "the log on standard output"


def has_three(process):
    """Check that a child was given the usual three descriptors and no others; mail opens a file of its own."""
    more = {one.fd: one.target for one in process.fds if one.fd not in GIVEN and not one.target.startswith(MAILS_OWN)}
    assert not more, f"`{process.command}` has more descriptors than three: {more}"


def numbers(count):
    """What `seq` prints."""
    return b"".join(b"%d\n" % (number + 1) for number in range(count))


def same_text(text, expected):
    """Check a long text, of which not all is worth showing."""
    pairs = enumerate(zip(text, expected, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), min(len(text), len(expected)))
    right = text == expected
    assert right, f"the letter has {len(text)} bytes, not {len(expected)}, or others: they differ from byte {same} on"


@check(
    points=2,
    hint="`ls -l /proc/PID/fd` of post and of mail while they run. Who has which end after fork(), and who must close "
    "which? What does mail wait for?",
)
def test_a_letter_goes_through_a_pipe_to_mail(start, mailbox, params):
    """Standard input goes through a pipe to a child that is mail, its only reader; at the end it is in the mailbox."""
    posted = start()
    posted.running.write(f"{params.text}\n".encode())
    mail = posted.mail()
    posted.joins(posted.pipe(mail, 0), posted.running.pid, mail.pid)
    complaints = posted.running.process.descriptor(2).ino
    assert [mail.descriptor(fd).ino for fd in (1, 2)] == [complaints] * 2, "what mail prints is no part of the log"
    posted.running.write(params.more.encode())
    posted.sleeps()
    assert mailbox.letters() == [], "there is a letter before the end of the text"
    posted.running.close_stdin()
    told(posted.running.wait().exited(0), f"mail {params.user}", "mail exit 0")
    assert mailbox.letters() == [(params.subject, f"{params.text}\n{params.more}".encode())]


@check(
    points=2,
    hint="A second pipe, and a second child. When does a command's text end for post, and who must not have the "
    "writing end open then? Standard error, too, is a descriptor: 2.",
)
def test_a_command_says_it_through_a_pipe_of_its_own(start, mailbox, params):
    """A command's standard output and error are one pipe to post, its standard input is post's own; status included."""
    posted = start("sh", "-c", f"echo {params.text}; read line; echo $line >&2; exit {params.status}")
    mail = posted.mail()
    command = posted.listening("sh")
    assert command.descriptor(0).ino == posted.running.process.descriptor(0).ino, "its standard input is not post's"
    said = posted.pipe(command, 1)
    assert posted.pipe(command, 2) == said, "its standard output and its standard error are not the same"
    posted.joins(said, command.pid, posted.running.pid)
    posted.joins(posted.pipe(mail, 0), posted.running.pid, mail.pid)
    posted.running.write(f"{params.more}\n".encode())
    ended = posted.running.wait().exited(1, f"the command exited with {params.status}")
    told(ended, "run sh", f"mail {params.user}", f"sh exit {params.status}", "mail exit 0")
    assert mailbox.letters() == [(params.subject, f"{params.text}\n{params.more}\n".encode())]


@check(
    points=1,
    hint="execve(2) keeps descriptors open that are not close-on-exec, and what is ignored or blocked: signal(7). "
    "`ls -l /proc/PID/fd`, `grep Sig /proc/PID/status` of each child.",
    needs=[SENDS, RUNS_IT],
)
def test_children_inherit_nothing_that_they_should_not_have(start, alpha, params):
    """Both children have descriptors 0, 1 and 2 only, whatever post has, and neither ignores or blocks a signal."""
    # The command of a first post is a second one, which is started with a file open.
    again = 'exec 9< /etc/passwd; exec /proc/$PPID/exe "$@"'
    first = start("sh", "-c", again, "sh", params.user, params.subject, "cat")
    first.running.write(f"{params.text}\n".encode())
    second = alpha.processes(ppid=first.running.pid, comm="exe").wait(timeout_s=2)
    for comm in ("cat", "mail"):
        waits = {"state": "S", "syscall__name": "read", "syscall__fd": 0}
        child = alpha.processes(ppid=second.pid, comm=comm).wait(timeout_s=2, **waits)
        has_three(child)
        for what in ("ignored", "blocked"):
            names = [Signals(number).name for number in getattr(child.sig, what) if number in {*Signals}]
            assert not names, f"in `{child.command}` these signals are {what}: {', '.join(names)}"
    first.running.close_stdin()
    first.running.wait()


@check(
    points=1,
    hint="Words that a shell would not leave as they are. And a text is not a string: count the bytes that read() "
    "gives you.",
    needs=[SENDS],
)
def test_any_text_and_any_subject_arrive_as_they_are(post, mailbox, params):
    """Bytes of every value, a text without an end of line, a subject full of a shell's special characters."""
    rng = random.Random(params.subject)
    texts = [bytes([*range(256), *rng.randbytes(9000)]), b"~q\n.\n" + params.text.encode(), b"\0"]
    subject = f"{params.subject} '$(exit 3)' \"`id`; & | $HOME * \\"
    for text in texts:
        post.run(args=[params.user, subject], stdin=text).exited(0)
    assert mailbox.letters() == [(subject, text) for text in texts]


@check(
    points=1,
    hint="cron sends no letter of a job that had nothing to say. When do you know that there is something?",
    needs=[SENDS, RUNS_IT],
)
def test_without_a_text_there_is_no_letter(post, start, alpha, mailbox, params, leftovers):
    """mail is started with the first byte of the text; if there is none, it is not started at all."""
    told(post.run(stdin=b"").exited(0))
    told(post.run(args=[params.user, params.subject, "true"], stdin=b"").exited(0), "run true", "true exit 0")
    assert not leftovers()
    posted = start("sh", "-c", "read line; echo $line")
    posted.listening("sh")
    posted.sleeps()
    children = alpha.processes(ppid=posted.running.pid).facts
    assert [one.comm for one in children] == ["sh"], "the only child that post has while there is no text"
    posted.running.write(params.text[:1].encode() + b"\n")
    told(posted.running.wait().exited(0), "run sh", f"mail {params.user}", "sh exit 0", "mail exit 0")
    assert mailbox.letters() == [(params.subject, params.text[:1].encode() + b"\n")]


@check(
    points=2,
    hint="A full pipe makes its writer sleep; whose memory is the text in that does not sleep? A signal can come while "
    "you are in read() or write(): what do these return then? What does SA_RESTART do, and not do? signal(7).",
    needs=[RUNS_IT],
)
def test_a_long_text_waits_for_mail_and_no_signal_spoils_it(start, alpha, mailbox, params):
    """While mail is stopped post holds 64 KiB at most. SIGTERM goes to the command, and no byte is lost."""
    trap = f"trap 'echo {params.more}; exit {params.status}' TERM"
    posted = start("sh", "-c", f"{trap}; echo {params.text}; read line; echo $line; kill -s STOP $$; seq {LONG}; :")
    mail, shell, running = posted.mail(), posted.listening("sh"), posted.running
    posted.signal(mail, SIGSTOP)
    running.write(f"{params.subject}\n".encode())
    # What is in the pipe now takes a page: whoever writes several pages at a time, if a power of two, writes a part.
    alpha.processes(pid=shell.pid).wait(state="T")
    posted.sleeps()
    running.signal(SIGSTOP)
    posted.signal(shell, SIGCONT)
    writing = alpha.processes(ppid=shell.pid, comm="seq", state="S", syscall__name="write")
    writing.wait()
    running.signal(SIGCONT)
    for _ in range(3):
        posted.sleeps()
        writing.wait(timeout_s=2)
        posted.sleeps()
        running.signal(SIGTERM)
    posted.sleeps()
    posted.signal(mail, SIGCONT)
    ended = running.wait().exited(1, f"the command has exited with {params.status}")
    told(ended, "run sh", f"mail {params.user}", f"sh exit {params.status}", "mail exit 0")
    ((_, text),) = mailbox.letters()
    same_text(text, f"{params.text}\n{params.subject}\n".encode() + numbers(LONG) + f"{params.more}\n".encode())


@check(
    points=1,
    hint="kill(2) may be called in a handler, signal-safety(7). Whose process id must it know, and from when on? Which "
    "of your calls comes back with EINTR?",
    needs=[RUNS_IT],
)
def test_sigterm_ends_the_command_and_not_post(start, alpha, mailbox, params):
    """SIGTERM ends a command that waits, and nobody else, or post without one; what has been said is mailed."""
    posted = start("sh", "-c", f"echo {params.text}; exec sleep 100")
    posted.mail()
    posted.child("sleep", syscall__name="clock_nanosleep")
    posted.sleeps()
    posted.running.signal(SIGTERM)
    ended = posted.running.wait().exited(1, "a signal has ended the command")
    told(ended, "run sh", f"mail {params.user}", f"sh signal {SIGTERM:d}", "mail exit 0")
    assert mailbox.letters() == [(params.subject, f"{params.text}\n".encode())]

    posted = start("sleep", "100")
    posted.child("sleep", syscall__name="clock_nanosleep")
    posted.running.sleeps(QUIET_S)
    posted.running.signal(SIGTERM)
    told(posted.running.wait().exited(1), "run sleep", f"sleep signal {SIGTERM:d}")

    posted = start("sh", "-c", f"echo {params.more}; read line")
    mail, shell = posted.mail(), posted.listening("sh")
    posted.signal(mail, SIGSTOP)
    posted.running.write(b"\n")
    posted.ended(shell)
    posted.sleeps()
    posted.running.signal(SIGTERM)
    alpha.processes(pid=posted.running.pid).wait(timeout_s=2, state="S")
    posted.signal(mail, SIGCONT)
    told(posted.running.wait().exited(0), "run sh", f"mail {params.user}", "sh exit 0", "mail exit 0")
    assert len(mailbox.letters()) == 2, "letters in the mailbox"

    posted = start()
    posted.running.write(params.text.encode())
    posted.mail()
    posted.running.signal(SIGTERM)
    posted.running.wait()


@check(
    points=1,
    hint="What does mail wait for, and what do you wait for? In which order do you close and wait?",
    needs=[RUNS_IT],
)
def test_mail_does_not_wait_for_a_command_that_has_said_all(start, mailbox, params):
    """A command closes its pipe and goes on: the letter is there before it ends, and post waits for both."""
    posted = start("sh", "-c", f"echo {params.text}; read line; exec sleep 100 > /dev/null 2>&1")
    mail = posted.mail()
    posted.running.write(b"\n")
    sleeping = posted.child("sleep", syscall__name="clock_nanosleep")
    posted.ended(mail)
    assert mailbox.letters() == [(params.subject, f"{params.text}\n".encode())]
    assert posted.running.alive, "post has not waited for its command"
    posted.signal(sleeping, SIGKILL)
    ended = posted.running.wait().exited(1, "a signal has ended the command")
    told(ended, "run sh", f"mail {params.user}", f"sh signal {SIGKILL:d}", "mail exit 0")


@check(
    points=2,
    hint="Who writes to a pipe that nobody reads is sent SIGPIPE, pipe(7); who ignores it gets an error instead. What "
    "does a command that goes on talking wait for, if you don't read and don't close?",
    needs=[SENDS, RUNS_IT],
)
def test_the_end_of_mail_is_learnt_from_end_to_end(start, params, leftovers):
    """mail is killed: post survives it, reads no more of the text, and SIGPIPE ends a command that says more."""
    posted = start("sh", "-c", f"echo {params.text}; read line; yes {params.more}; sleep 0.3; kill -s PIPE $$")
    posted.signal(posted.mail(), SIGKILL)
    posted.running.write(b"\n")
    ended = posted.running.wait().exited(1, "a signal has ended mail")
    told(ended, "run sh", f"mail {params.user}", f"sh signal {SIGPIPE:d}", f"mail signal {SIGKILL:d}")

    posted = start()
    posted.running.write(params.text.encode())
    posted.signal(posted.mail(), SIGKILL)
    posted.running.write(params.more.encode())
    ended = posted.running.wait().exited(1, "a signal has ended mail, though there may be more on standard input")
    told(ended, f"mail {params.user}", f"mail signal {SIGKILL:d}")
    assert not leftovers()


@check(
    points=1,
    hint="Of which ends does the kernel believe that somebody may still use them? mail, too, is such a somebody.",
    needs=[SENDS, RUNS_IT],
)
def test_nobody_stays_when_post_is_killed(start, mailbox, params):
    """When post is killed, mail sees the end of its input, and SIGPIPE ends a command that says more."""
    posted = start("sh", "-c", f"echo {params.text}; kill -s STOP $$; exec yes")
    mail, shell = posted.mail(), posted.child("sh", state="T")
    posted.signal(mail, SIGSTOP)
    posted.running.signal(SIGKILL)
    posted.running.wait()
    posted.signal(shell, SIGCONT)
    posted.ended(shell)
    posted.signal(mail, SIGCONT)
    posted.ended(mail)
    assert mailbox.letters() == [(params.subject, f"{params.text}\n".encode())]


@check(
    points=2,
    hint="exec() returns only if it fails, and in which process is that? exit() prints what stdio holds, and fork() "
    "has copied that. Why _exit()? Which name has the message?",
    needs=[SENDS, RUNS_IT],
)
def test_what_can_not_be_executed_is_told_once(post, mailbox, params):
    """A child without a program says so, exits with 127 and does nothing else: no line comes twice, nor in the text."""
    for number, command in enumerate((f"/no/{params.name}", f"no-{params.name}", "/etc/passwd")):
        ended = post.run(args=[params.user, params.subject, command, "x"], stdin=b"").exited(1)
        told(ended, f"run {command}", f"mail {params.user}", f"{command} exit 127", "mail exit 0")
        assert len(mailbox.letters()) == number + 1, "letters in the mailbox"
        _, text = mailbox.letters()[-1]
        assert command.encode() in text, f"the letter does not say which program: {text!r}"
        assert b"run " not in text, f"the log is in the letter: {text!r}"

    nowhere = {"PATH": "/nowhere"}
    # Mail, which is not there, ends first.
    says = f"echo {params.text}; /bin/sleep 0.5; echo {params.more}; exec /bin/sleep 0.3 >/dev/null 2>&1"
    outlives_it = ["/bin/sh", "-c", f"trap '' PIPE; {says}"]
    ended = post.run(args=[params.user, params.subject, *outlives_it], stdin=b"", env=nowhere).exited(1)
    told(ended, "run /bin/sh", f"mail {params.user}", "/bin/sh exit 0", "mail exit 127")
    assert b"mail" in ended.stderr, "nobody says that there is no mail"
    ended = post.run(stdin=params.text.encode(), env=nowhere).exited(1)
    told(ended, f"mail {params.user}", "mail exit 127")
    assert len(mailbox.letters()) == number + 1, "letters in the mailbox"


@check(
    points=1,
    hint="wait(2): WIFEXITED, WIFSIGNALED. Which child has waitpid() waited for?",
    needs=[SENDS, RUNS_IT],
)
def test_the_log_tells_each_child_from_the_other(post, mailbox, params):
    """The log has the status or the signal of each child, whichever ends first, and post exits with 0 or 1."""
    exits = f"echo {params.text}; exit {params.status}"
    ended = post.run(args=["nobody-here", params.subject, "sh", "-c", exits], stdin=b"").exited(1)
    undelivered = ended.stdout.decode().rpartition(" ")[2].strip()
    assert undelivered.isdecimal() and int(undelivered) not in (0, 127), f"mail could not deliver: {undelivered!r}"
    told(ended, "run sh", "mail nobody-here", f"sh exit {params.status}", f"mail exit {undelivered}")
    assert post.run(args=["nobody-here", params.subject], stdin=b"x").exited(1).stdout.startswith(b"mail nobody-here\n")
    ended = post.run(args=[params.user, params.subject, "sh", "-c", f"echo {params.text}; kill -s KILL $$"], stdin=b"")
    told(ended.exited(1), "run sh", f"mail {params.user}", f"sh signal {SIGKILL:d}", "mail exit 0")
    ended = post.run(args=[params.user, params.subject, "echo", params.more], stdin=b"")
    told(ended.exited(0), "run echo", f"mail {params.user}", "echo exit 0", "mail exit 0")
    assert [text for _, text in mailbox.letters()] == [f"{said}\n".encode() for said in (params.text, params.more)]


@check(
    points=1,
    hint="A mailbox is a file of one host: `ls -l /ipc` on both. Is there anything on it that mail has not written?",
    needs=[SENDS],
)
def test_letters_stay_on_their_host_and_anybody_reads_them(
    post, reference, ablated, tool, alpha, island, params, leftovers
):
    """Our letter and yours are in one mailbox, and mail shows both to another user; a letter of another host is not."""
    reference.post.run(stdin=f"{params.more}\n".encode()).exited(0)
    ablated.post.run(stdin=b"elsewhere\n").exited(0)
    assert [text for _, text in Mailbox(island, params.user).letters()] == [b"elsewhere\n"], "letters on island"
    post.run(stdin=f"{params.text}\n".encode()).exited(0)
    texts = [text.decode() for _, text in Mailbox(alpha, params.user).letters()]
    assert texts == [f"{params.more}\n", f"{params.text}\n"], "letters on alpha"
    reading = tool("alpha/right", "mail", "-f", f"/ipc/mail-{params.user}")
    shown = reading.run(stdin=b"print *\nexit\n").exited(0).stdout.decode()
    assert all(text in shown for text in texts), "mail does not show both letters"
    mine = [fact.describe() for fact in leftovers() if getattr(fact, "path", "") != f"/ipc/mail-{params.user}"]
    assert not mine, f"post has left something: {mine}"


@check(
    points=1,
    hint="pipe() fails when the descriptor table is full: `ulimit -n 4`. Who is started by then, and who must not be "
    "any more?",
    needs=[SENDS, RUNS_IT],
)
def test_what_fails_is_said(post, alpha, mailbox, params):
    """If there can be no pipe, post says so, exits with 1, and starts nothing more. Fewer than two arguments: 2."""
    for given, command in (({"nofile": 4}, ["sh", "-c", "echo x > /ipc/x"]), ({"nofile": 5}, ["yes"])):
        ended = post.run(args=[params.user, params.subject, *command], stdin=b"", limits=given).exited(1)
        assert ended.stderr, "nobody says what failed"
        alpha.processes(comm=In("post", command[0])).wait_gone(timeout_s=2)
        assert not alpha.file("/ipc/x").exists, "the command was started without a pipe"
    assert post.run(stdin=b"x", limits={"nofile": 4}).exited(1).stderr, "nobody says what failed"
    assert mailbox.letters() == []
    for words in ([], [params.user]):
        post.run(args=words, stdin=b"x").refused(2)
