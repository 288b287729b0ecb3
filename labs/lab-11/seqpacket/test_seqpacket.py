"""Checks of seqpacket: which descriptors each process has, which packets go over the socket, and whose they were."""

import json
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM

import pytest

from orchestrator.checks import PIPE, Contains, Ge, check

GIVEN = {0, 1, 2}
JUDGED, PEER = 1998, 1999
"""Users: of the student's programs, of ours."""
MOST_KEPT, CROWD = 16, 19
LONGEST_NAME, LONGEST_ANSWER = 32, 32
ANSWER_S = 1
"""An answer that has not come by then won't."""
IN_MS = {"poll": 2, "epoll_wait": 3, "epoll_pwait": 3}
IN_A_STRUCTURE = {"ppoll": 2, "epoll_pwait2": 3, "select": 4, "pselect6": 4, "rt_sigtimedwait": 2, "futex": 3}
"""Which argument of these calls says for how long: -1 or a pointer that is NULL stand for ever."""
LISTENS = "test_keeper_listens_for_packets"
PASSES = "test_a_descriptor_goes_from_one_process_to_another"
ANSWERS = "test_keeper_answers_each_packet"
SEVERAL = "test_several_clients_are_served_at_the_same_time"
ASKS = "test_guest_asks_in_one_packet"


class Puppet:
    """A process of ours that plays clients and keepers: packets.py says what it can do."""

    def __init__(self, running):
        self.running = running

    def __getattr__(self, method):
        return lambda *arguments: json.loads(
            self.running.ask(json.dumps([method, *arguments]).encode() + b"\n", timeout_s=ANSWER_S)
        )

    def ask(self, name, text, *fds):
        """Send a packet with descriptors; the answer's text and how many descriptors came with it."""
        self.send(name, text, *fds)
        return self.receive(name)


class Keeper:
    """A keeper that listens."""

    def __init__(self, running, host, path):
        self.running = running
        self.host = host
        self.path = path
        host.unix_socket(path).wait(timeout_s=3, state="listen")
        asleep = host.processes(pid=running.pid).wait(timeout_s=2, state="S")
        self.began_with = {one.ino for one in asleep.fds}

    @property
    def process(self):
        """What the kernel says of it."""
        return self.running.process

    def kept(self):
        """The inodes of what it has open apart from what it began with, its sockets at PATH and what it waits with."""
        ours = self.began_with | {one.ino for one in self.host.unix_socket(self.path).facts}
        return sorted(one.ino for one in self.process.fds if one.kind != "anon" and one.ino not in ours)

    def has(self, *inodes):
        """Check which descriptors it keeps."""
        kept = self.kept()
        assert kept == sorted(inodes), f"the keeper has descriptors of inodes {kept}, not {sorted(inodes)}"

    def gave_away(self, inode):
        """Return when it does not have this open any more."""
        self.host.processes(pid=self.running.pid, fds=Contains({"ino": inode})).wait_gone()

    def only(self):
        """The inode of the only one that it keeps."""
        kept = self.kept()
        assert len(kept) == 1, f"the keeper has {len(kept)} descriptors more than it began with, not one"
        return kept[0]

    def alone(self):
        """Return when no client is connected any more."""
        self.host.unix_socket(self.path, state="established").wait_gone()

    def stop(self):
        """Hold it: what comes now waits."""
        self.running.signal(SIGSTOP)

    def go_on(self):
        """The opposite."""
        self.running.signal(SIGCONT)


@pytest.fixture
def listening(keeper, alpha, params):
    """Starts a keeper of the student's."""
    return lambda: Keeper(keeper.start(), alpha, params.path)


@pytest.fixture
def puppet(peer):
    """Another user's process, in the keeper's container."""
    return Puppet(peer("alpha/left", "packets.py").start(stdin=PIPE))


def wakes_by_itself(call):
    """Whether a process that sleeps in this call has told the kernel for how long."""
    if call.name in IN_MS:
        return not call.args[IN_MS[call.name]] & 1 << 31
    if call.name in IN_A_STRUCTURE:
        return call.args[IN_A_STRUCTURE[call.name]] != 0
    return call.name in {"nanosleep", "clock_nanosleep"}


def by(running):
    """How a descriptor's giver is told."""
    return f"{JUDGED} {running.pid}\n".encode()


@check(
    points=1,
    hint="socket(2): which type of socket keeps packets apart, and has connections all the same? `ss -xl` shows "
    "`u_seq`. bind() makes the file: umask(2).",
)
def test_keeper_listens_for_packets(keeper, listening, alpha, params):
    """The keeper listens at PATH on a socket for packets, mode 0660, and sleeps; what is at PATH already stays."""
    opened = listening()
    listener = alpha.unix_socket(params.path, state="listen").fact
    assert listener.type == "seqpacket", f"it is a {listener.type} socket"
    assert listener.file is not None, "there is no file of that name"
    assert listener.file.mode == 0o660, f"its mode is {listener.file.mode:04o}"
    keeper.run().refused(1, "another keeper is there already")
    still = alpha.unix_socket(params.path, state="listen").fact
    assert still is not None and still.file is not None, "the second keeper has removed the first one's file"
    opened.running.sleeps(0.3)
    call = opened.process.syscall
    assert not wakes_by_itself(call), f"it sleeps in {call.name}() for some time only: it wakes to look"

    opened.running.signal(SIGKILL)
    opened.running.wait()
    inode = alpha.socket_file(params.path).ino
    keeper.run().refused(1, "there is a socket file, though nobody listens")
    assert alpha.socket_file(params.path).ino == inode, "the second keeper has put its own file there"


@check(
    points=2,
    hint="cmsg(3) has an example. `ls -l /proc/PID/fd` of keeper, guest and COMMAND: who has which descriptor, "
    "before and after? What does execvp() close, and what does it lose that stdio has not written yet?",
    needs=[LISTENS],
)
def test_a_descriptor_goes_from_one_process_to_another(listening, guest, alpha, params):
    """What a guest leaves is with the keeper when it has gone, then with COMMAND alone, which is told who left it."""
    opened = listening()
    leaving = guest.start(args=[params.path, "leave", params.name], stdin=params.more.encode())
    leaving.wait().exited(0)
    taken = guest.run(args=[params.path, "take", params.name, "cat"]).exited(0)
    assert taken.stdout == by(leaving) + params.more.encode()

    leaving = guest.start(args=[params.path, "leave", params.name], stdin=params.text.encode())
    assert leaving.wait().exited(0).stdout == b""
    opened.alone()
    inode = opened.only()
    readers = alpha.pipe(ino=inode).readers
    assert readers == (opened.running.pid,), f"it is open in processes {readers}, not in the keeper alone"

    taking = guest.start(args=[params.path, "take", params.name, "sleep", "100"], until=by(leaving))
    command = alpha.processes(pid=taking.pid, comm="sleep").wait(syscall__name="clock_nanosleep")
    assert command.descriptor(0).ino == inode, "COMMAND's standard input is something else than what was left"
    more = {one.fd: one.target for one in command.fds if one.fd not in GIVEN}
    assert not more, f"COMMAND has more descriptors than three: {more}"
    opened.alone()
    opened.has()


@check(
    points=1,
    hint="A packet has a length and no NUL. What of the packet before is still in your buffer? And which flag in "
    "recvmsg(2) says that a packet was longer than the buffer?",
    needs=[LISTENS],
)
def test_keeper_answers_each_packet(listening, puppet, params):
    """To each request one packet: ok, used, none or full; whatever is no request, be it one byte too long, is bad."""
    listening()
    puppet.connect(params.path, "c")
    puppet.pipe("p", params.text)
    longest = (params.name * 4)[:LONGEST_NAME]
    for text in (f"take {longest}", f"take {params.name}", "take x", "take _-"):
        assert puppet.ask("c", text) == ["none", 0], f"the answer to '{text}'"
    for text in (f"leave {longest}", f"leave {params.name}"):
        assert puppet.ask("c", text, "p") == ["ok", 0], f"the answer to '{text}'"
        assert puppet.ask("c", text, "p") == ["used", 0], f"the answer to a second '{text}'"
    no_name = ("leave ", "leave", "leave a b", "leave  a", "leave a\n", "leave a\0")
    for text in (f"leave {longest}x", *no_name, "Leave a", "keep a"):
        assert puppet.ask("c", text, "p") == ["bad", 0], f"the answer to {text!r}"
    for text in (
        f"take {longest}y",
        f"take {longest[:20]}/",
        "take ",
        f"take {params.name}\0",
        f"take{longest}",
        "take  x",
        "x",
    ):
        assert puppet.ask("c", text) == ["bad", 0], f"the answer to {text!r}"
    assert puppet.ask("c", f"take {longest}{longest * 60}") == ["bad", 0], "the answer to 2,000 bytes"
    for number in range(2, MOST_KEPT):
        assert puppet.ask("c", f"leave n{number}", "p") == ["ok", 0], f"the answer when {number} are kept"
    assert puppet.ask("c", "leave more", "p") == ["full", 0]
    assert puppet.ask("c", "leave n5", "p") == ["used", 0], "the answer to a name that is used, when all is full"
    for name in (longest, params.name, *(f"n{number}" for number in range(2, MOST_KEPT))):
        text, count = puppet.ask("c", f"take {name}")
        assert text.startswith("ok ") and count == 1, f"the answer to a good take was '{text}'"
    assert puppet.ask("c", f"take {params.name}") == ["none", 0]


@check(
    points=2,
    hint="Look at `ls -l /proc/PID/fd` after each packet. What has come in is open in your process, whether you wanted "
    "it or not. How many fit where you have room for one? CMSG_SPACE() rounds up; MSG_CTRUNC says there were more.",
    needs=[ANSWERS],
)
def test_keeper_keeps_no_descriptor_that_it_was_not_to_keep(listening, puppet, params):
    """leave comes with one descriptor and take with none: with any other number they are bad, and all are closed."""
    opened = listening()
    puppet.connect(params.path, "c")
    inode = puppet.pipe("p", params.text)
    for count in (0, 2, 3, 7):
        assert puppet.ask("c", "leave a", *count * ["p"]) == ["bad", 0], f"the answer to leave with {count} of them"
        opened.has()
    assert puppet.ask("c", "leave a", "p") == ["ok", 0]
    for count in (1, 2, 5):
        assert puppet.ask("c", "take a", *count * ["p"]) == ["bad", 0], f"the answer to take with {count} of them"
        opened.has(inode)
    assert puppet.ask("c", "leave a", "p") == ["used", 0]
    assert puppet.ask("c", "leave /", "p") == ["bad", 0]
    opened.has(inode)
    puppet.close("c")
    opened.alone()
    opened.has(inode)


@check(
    points=1,
    hint="While the keeper waits for one client, who waits for the others? poll(2) tells which of them has something.",
    needs=[ANSWERS, PASSES],
)
def test_several_clients_are_served_at_the_same_time(listening, puppet, guest, params):
    """While 19 are silent a 20th leaves something; each of the 19 is answered in the end, then all is quiet."""
    opened = listening()
    silent = [f"s{number}" for number in range(CROWD)]
    puppet.connect(params.path, *silent)
    guest.run(args=[params.path, "leave", params.name], stdin=params.text.encode(), timeout_s=1).exited(0)
    puppet.pipe("p", params.more)
    for name in silent:
        assert puppet.ask(name, "take -") == ["none", 0], f"the answer to {name}"
    text, count = puppet.ask(silent[0], f"take {params.name}")
    assert text.startswith("ok ") and count == 1, f"the answer to another client was '{text}'"
    puppet.close(*silent)
    opened.alone()
    opened.running.sleeps(0.3)


@check(
    points=1,
    hint="A send() to one who does not read has to wait, unless told otherwise: MSG_DONTWAIT. And to one who has gone? "
    "When is the moment that the keeper can close what it hands over?",
    needs=[SEVERAL],
)
def test_no_client_harms_another(listening, puppet, guest, alpha, params):
    """One never reads, and its connection is closed; one goes before its answer, and what it took can be taken yet."""
    opened = listening()
    inode = puppet.pipe("p", params.text)
    puppet.connect(params.path, "giver", "taker", "deaf")
    assert puppet.ask("giver", "leave pipe", "p") == ["ok", 0]
    assert puppet.flood("deaf", "take nothing") == "closed", "the keeper does not close the connection of a deaf client"
    guest.run(args=[params.path, "leave", params.name], stdin=params.more.encode()).exited(0)

    taker = alpha.unix_socket(params.path, peer=puppet.inode("taker")).wait(ino=Ge(1))
    opened.stop()
    puppet.send("taker", "take pipe")
    puppet.close("taker")
    opened.go_on()
    alpha.unix_socket(ino=taker.ino).wait_gone()
    assert inode in opened.kept(), "what nobody could be given is not kept any more"
    taken = guest.run(args=[params.path, "take", "pipe", "true"]).exited(0, "it takes what another one could not")
    assert taken.stdout.startswith(b"%d " % PEER)


@check(
    points=2,
    hint="recvmsg() gives 0 for an empty packet and 0 at the end. What could come along with every packet, and can't "
    "with the end? Look for SO_PASSCRED in unix(7).",
    needs=[SEVERAL],
)
def test_an_empty_packet_is_not_the_end(listening, puppet, params):
    """An empty packet is a bad one, and the next are answered; what was sent before the end is carried out."""
    opened = listening()
    inode = puppet.pipe("p", params.text)
    puppet.connect(params.path, "c")
    for fds in ([], ["p"]):
        assert puppet.ask("c", "", *fds) == ["bad", 0], f"the answer to an empty packet with {len(fds)} descriptors"
    assert puppet.ask("c", "leave a", "p") == ["ok", 0], "the answer to what came after an empty packet"
    puppet.connect(params.path, "d", "e")
    opened.stop()
    for text, fds in (("", []), ("", ["p"]), ("leave b", ["p"]), ("leave b", ["p"]), ("", [])):
        puppet.send("d", text, *fds)
    puppet.shut("d")
    for name in ("c", "d"):
        puppet.send("e", f"leave {name}", "p")
    puppet.close("e")
    opened.go_on()
    assert [puppet.receive("d") for _ in range(5)] == [[text, 0] for text in ("bad", "bad", "ok", "used", "bad")]
    assert puppet.receive("d") is None, "the keeper did not close the connection of one who has said all"
    puppet.close("c")
    opened.alone()
    opened.has(*4 * [inode])


@check(
    points=2,
    hint="Permissions are asked for by open(), and by nobody else. What do two descriptors have in common that came "
    "from one open(): dup(2), unix(7)? And who says who the client is: the client, or the kernel?",
    needs=[SEVERAL],
)
def test_it_is_the_same_open_file_and_the_kernel_says_whose(listening, puppet, guest, tool, params):
    """A file that only its owner can open is read on from where it was; UID and PID are of who connected."""
    opened = listening()
    given, start = params.text + params.more, len(params.text)
    inode = puppet.file("f", f"/tmp/{params.name}", given, start)
    puppet.pipe("p", params.text)
    pid = puppet.connect(params.path, "c", "d")
    assert puppet.ask("c", "leave file", "f") == ["ok", 0]
    opened.has(inode)
    puppet.send_from_a_child("c", "leave pipe", "p")
    assert puppet.receive("c") == ["ok", 0]
    assert puppet.ask("d", "take pipe") == [f"ok {PEER} {pid}", 1], "the answer to who takes what another process sent"

    nobody = guest.run(args=[params.path, "take", "file", "head", "-c", "0"]).exited(0)
    assert nobody.stdout == f"{PEER} {pid}\n".encode()
    opened.gave_away(inode)
    assert puppet.ask("c", "leave file", "f") == ["ok", 0]
    taken = guest.run(args=[params.path, "take", "file", "cat"]).exited(0)
    assert taken.stdout == f"{PEER} {pid}\n{params.more}".encode()
    assert puppet.offset("f") == len(given), "the taker has read another open file than its owner has"


@check(
    points=1,
    hint="`strace -e trace=network` your guest: how long is each packet? Which part of the bargain says that it is "
    "the keeper's fault?",
)
def test_guest_asks_in_one_packet(puppet, guest, alpha, params):
    """The guest sends one packet, exactly as long as it must be, its input with it; when told no, it exits with 3."""
    puppet.listen(params.path)
    leaving = guest.start(args=[params.path, "leave", params.name], stdin=PIPE)
    puppet.accept("v")
    assert puppet.receive("v", "got") == [f"leave {params.name}", 1]
    assert puppet.inode("got") == leaving.process.descriptor(0).ino, "it was not its standard input that was sent"
    puppet.send("v", "ok")
    assert leaving.wait().exited(0).stdout == b""
    assert puppet.receive("v") is None, "the guest has sent more than one packet"

    for verb, answer in (("leave", "used"), ("leave", "full"), ("take", "none"), ("take", "bad")):
        asking = guest.start(args=[params.path, verb, params.name, *(["echo", "x"] if verb == "take" else [])])
        puppet.accept("v")
        assert puppet.receive("v") == [f"{verb} {params.name}", int(verb == "leave")]
        puppet.send("v", answer)
        asking.wait().refused(3, f"the keeper said '{answer}'")


@check(
    points=1,
    hint="A packet that was cut off looks whole. What do msg_flags say, and msg_controllen, and what does 0 mean here? "
    "Nothing that comes from outside is as it should be until you have looked.",
    needs=[ASKS],
)
def test_guest_takes_only_what_makes_sense(puppet, guest, params):
    """An answer with too few or too many descriptors, not to the letter, or none at all: exit status 1, no COMMAND."""
    puppet.listen(params.path)
    puppet.pipe("p", params.text)

    def asking(*args):
        running = guest.start(args=[params.path, *args])
        puppet.accept("v")
        puppet.receive("v")
        return running

    told = f"ok {JUDGED} {params.pid}"
    much_like_it = (
        f" {told}",
        f"{told} ",
        f"{told}\n",
        f"{told} 1",
        f"ok  {JUDGED} 1",
        f"ok {JUDGED}  1",
        f"ok{JUDGED} 1",
    )
    for text, count in (
        (told, 0),
        (told, 2),
        (told, 3),
        ("ok", 1),
        ("", 1),
        (f"{told}x", 1),
        (told.ljust(LONGEST_ANSWER + 1, "7"), 1),
        ("none", 1),
        ("none ", 0),
        *((text, 1) for text in (*much_like_it, f"ok +{JUDGED} 1", f"ok {JUDGED} -1", f"ok {JUDGED}", "ok 0x1 1")),
    ):
        taking = asking("take", params.name, "echo", "x")
        puppet.send("v", text, *count * ["p"])
        taking.wait().refused(1, f"the answer was '{text}', with {count} descriptors")
    taking = asking("take", params.name, "echo", "x")
    puppet.close("v")
    taking.wait().refused(1, "the keeper closed the connection")
    for text, count in (("", 0), ("okay", 0), ("ok ", 0), ("ok\n", 0), ("ok", 1), ("used" + 40 * "!", 0)):
        leaving = asking("leave", params.name)
        puppet.send("v", text, *count * ["p"])
        leaving.wait().refused(1, f"the answer was '{text}', with {count} descriptors")
    taking = asking("take", params.name, "cat")
    puppet.send("v", told, "p")
    assert taking.wait().exited(0).stdout == f"{JUDGED} {params.pid}\n{params.text}".encode()
    taking = asking("take", params.name, "/no/such/program")
    puppet.send("v", told, "p")
    taking.wait().exited(127, "there is no such COMMAND")


@check(
    points=1,
    hint="Our programs run as another user of your group and keep to the contract by the letter. unix(7) says what an "
    "abstract address is, and how long: sizeof is too long.",
    needs=[PASSES],
)
def test_both_work_with_our_programs(keeper, guest, reference, ablated, alpha, params):
    """Our guest is served by the keeper, the guest by our keeper, at an abstract address, but on no other host."""
    name = f"@{params.path[1:]}"
    for keeps, visits in ((keeper, reference.guest), (reference.keeper, guest)):
        running = keeps.start(path=name)
        alpha.unix_socket(name).wait(timeout_s=1, state="listen")
        leaving = visits.start(args=[name, "leave", params.name], stdin=params.text.encode())
        leaving.wait().exited(0)
        ablated.guest.run(args=[name, "take", params.name, "cat"]).refused(1, "it is on another host")
        taken = visits.run(args=[name, "take", params.name, "cat"]).exited(0)
        assert taken.stdout.endswith(f" {leaving.pid}\n{params.text}".encode())
        running.signal(SIGTERM)
        running.wait().exited(0)
        alpha.unix_socket(name).wait_gone()


@check(
    points=1,
    hint="Closing a socket does not remove its file. SIGTERM ends a program on the spot unless it says otherwise.",
    needs=[PASSES],
)
def test_nothing_stays_when_the_keeper_ends(listening, guest, alpha, params, leftovers):
    """SIGTERM and SIGINT end it with status 0: the file is gone, and what it kept; then a guest finds nobody."""
    for number in (SIGTERM, SIGINT):
        opened = listening()
        guest.run(args=[params.path, "leave", params.name], stdin=params.text.encode()).exited(0)
        inode = opened.only()
        opened.running.signal(number)
        assert opened.running.wait().exited(0).stdout == b""
        assert not alpha.pipe(ino=inode).exists
        assert not leftovers(), f"left behind after {number.name}"
    guest.run(args=[params.path, "take", params.name, "cat"]).refused(1, "there is no keeper")


@check(
    points=1,
    hint="Which status tells a wrong call from a failure? strcpy() does not know how much room there is.",
    needs=[LISTENS],
)
def test_wrong_arguments_are_refused(keeper, guest, params):
    """Too few, too many, a verb or a NAME that is none, too long a PATH: both exit with 2."""
    path, name = params.path, params.name
    for args in ([], [path, path], [path.ljust(108, "x")]):
        keeper.run(args=args).refused(2)
    for args in (
        [],
        [path, "leave"],
        [path, "leave", name, "cat"],
        [path, "take", name],
        [path, "keep", name],
        [path, "leave", "a b"],
        [path, "take", "", "cat"],
        [path, "leave", "x" * (LONGEST_NAME + 1)],
        [path.ljust(108, "x"), "leave", name],
    ):
        guest.run(args=args).refused(2)
    keeper.run(args=["/ipc/nowhere/keeper"]).refused(1, "there is no such folder")
