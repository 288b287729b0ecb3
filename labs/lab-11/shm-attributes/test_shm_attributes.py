"""Checks of shm-attributes: what the program says of a segment is what the kernel says."""

import re

import pytest

from orchestrator.checks import PIPE, check

JUDGED, STUDENTS = 1998, 1000
LINES = (
    "key", "id", "owner", "creator", "mode", "status", "bytes", "attached", "creator-pid", "last-pid", "attach-time",
    "detach-time", "change-time",
)  # fmt: skip


class Holder:
    """A process of another user that makes, attaches and detaches segments as it is told."""

    def __init__(self, running):
        self.running = running

    def tell(self, *words):
        """Have something done; what it printed before `done`."""
        done = f"done {words[0]}\n"
        answer = self.running.ask(f"{' '.join(map(str, words))}\n".encode(), until=done.encode())
        return answer.decode().removesuffix(done).splitlines()

    def end(self):
        """Let it go."""
        self.running.close_stdin()
        self.running.wait().exited(0)

    def make(self, key, size, mode):
        """The id of a new segment."""
        return int(self.tell("make", key, size, mode)[0].split()[1])


@pytest.fixture
def holder(peer):
    """A process of another user in the other container."""
    return Holder(peer("alpha/right", "holder.py").start(stdin=PIPE))


def shown(segment, number):
    """What `segment show` prints, by name; its lines must be the brief's."""
    printed = segment.run(id=number).exited(0).stdout.decode("ascii", "replace")
    rows = [line.split(" ") for line in printed.splitlines()]
    assert [row[0] for row in rows] == list(LINES), "the first words of the lines that it printed"
    return {row[0]: " ".join(row[1:]) for row in rows}


def expected(fact):
    """What the kernel has, in the words of the brief."""

    def time(seconds):
        return str(seconds) if seconds else "-"

    return {
        "key": f"0x{fact.key & 0xFFFFFFFF:08x}",
        "id": str(fact.id),
        "owner": f"{fact.uid}:{fact.gid}",
        "creator": f"{fact.cuid}:{fact.cgid}",
        "mode": f"{fact.mode & 0o777:04o}",
        "status": "dest" if fact.dest else "-",
        "bytes": str(fact.size),
        "attached": str(fact.nattch),
        "creator-pid": str(fact.cpid),
        "last-pid": str(fact.lpid),
        "attach-time": time(fact.atime),
        "detach-time": time(fact.dtime),
        "change-time": time(fact.ctime),
    }


def made(segment, params, mode="0660"):
    """The id of a segment that the program has made."""
    printed = segment.run(args=["make", str(params.key), str(params.size), mode]).exited(0).stdout
    found = re.fullmatch(rb"id (\d+)\n", printed)
    assert found, f"`id ID` was expected, not {printed!r}"
    return int(found[1])


@check(
    points=1,
    hint="`ipcs -m` right after `segment make`: perms, bytes, nattch. Which flag of shmget() insists on a new segment? "
    "MODE is an octal number.",
)
def test_make_makes_a_new_segment(segment, holder, alpha, params):
    """`make` makes a segment of BYTES bytes and mode MODE, prints its id, attaches nothing, takes nobody else's."""
    number = made(segment, params, params.mode)
    fact = alpha.sysv_shm(key=params.key).fact
    assert fact is not None, f"there is no segment under key {params.key}"
    assert fact.id == number, f"its id is {fact.id}"
    assert fact.size == params.size, f"it has {fact.size} bytes"
    assert fact.mode == int(params.mode, 8), f"its mode is {fact.mode:04o}"
    assert fact.atime == 0, "somebody has attached it"
    segment.run(args=["make", str(params.key), str(params.size), "0660"]).refused(1)

    holder.make(params.key + 1, params.size, "0660")
    segment.run(args=["make", str(params.key + 1), str(params.size), "0660"]).refused(1)


@check(
    points=2,
    hint="shmctl(2) has the fields of struct shmid_ds and of struct ipc_perm. Compare with `ipcs -m -i ID`. Who made "
    "the segment, and whose is it now? Looking must not change anything.",
)
def test_show_tells_what_the_kernel_has(segment, holder, alpha, params, tool):
    """`show` prints thirteen lines about a segment of somebody else, as /proc/sysvipc/shm and ipcs have them."""
    number = holder.make(params.key, params.size | 1, "0664")  # no whole pages
    assert shown(segment, number) == expected(alpha.sysv_shm(id=number).fact)
    holder.tell("give", number, JUDGED)
    before = expected(alpha.sysv_shm(id=number).fact)
    now = shown(segment, number)
    assert now == before
    assert expected(alpha.sysv_shm(id=number).fact) == before, "looking at the segment has changed it"
    ipcs = tool("alpha/left", "ipcs", "-m", "-i", str(number)).run().exited(0).stdout.decode()
    assert f"uid={now['owner'].partition(':')[0]}\t" in ipcs
    assert f"bytes={now['bytes']}\t" in ipcs


@check(
    points=1,
    hint="Attaching and detaching change nattch, lpid and two times: shmop(2). What does a program change that "
    "attaches the segment to look at it?",
    needs=["test_show_tells_what_the_kernel_has"],
)
def test_show_follows_what_others_do(segment, holder, alpha, params):
    """Who attaches and detaches is seen in the next `show`: the count, the last process, the times."""
    number = holder.make(params.key, params.size, "0660")
    for command in ("attach", "detach"):
        holder.tell(command, number)
        before = expected(alpha.sysv_shm(id=number).fact)
        now = shown(segment, number)
        assert now == before
        assert now["last-pid"] == str(holder.running.pid), "the holder was the last one at the segment"
        assert now["attached"] == {"attach": "1", "detach": "0"}[command]


@check(
    points=1,
    hint="IPC_SET takes a whole struct shmid_ds. Which fields of it does the kernel use, and what is in yours?",
    needs=["test_make_makes_a_new_segment"],
)
def test_mode_changes_the_mode_and_nothing_else(segment, alpha, params):
    """`mode` gives the segment another mode; owner, key, id and bytes stay as they are."""
    number = made(segment, params)
    before = alpha.sysv_shm(id=number).fact
    segment.run(args=["mode", str(number), "0640"]).exited(0)
    after = alpha.sysv_shm(id=number).fact
    assert after is not None, "the segment is not there any more"
    assert after.mode == 0o640, f"its mode is {after.mode:04o}"
    assert (after.uid, after.gid) == (before.uid, before.gid), "the owner is another one"
    assert (after.key, after.size, after.cpid) == (before.key, before.size, before.cpid)


@check(
    points=2,
    hint="`ipcs -m` after the removal: there is a word under status, and the key is gone. When does the memory go? "
    "Mask what you print of the mode: the kernel keeps flags beside the permissions.",
    needs=["test_make_makes_a_new_segment", "test_show_tells_what_the_kernel_has"],
)
def test_removal_waits_for_the_last_one(segment, holder, alpha, params, leftovers):
    """`remove` takes the key at once; who is attached keeps the memory, and with the last one it is gone."""
    number = made(segment, params)
    holder.tell("attach", number)
    holder.tell("write", number, "kept")
    segment.run(args=["remove", str(number)]).exited(0)
    assert not alpha.sysv_shm(key=params.key).exists, "it can still be found by its key"
    assert holder.tell("read", number, 4) == ["text kept"], "the memory is not what it was"

    now = shown(segment, number)
    assert now == expected(alpha.sysv_shm(id=number).fact)
    assert (now["status"], now["mode"], now["attached"]) == ("dest", "0660", "1")
    # The key is free again: another segment may have it, beside the old one.
    again = made(segment, params)
    assert again != number
    segment.run(args=["remove", str(again)]).exited(0)
    holder.tell("detach", number)
    holder.end()
    assert not leftovers()


@check(
    points=1,
    hint="Each call can fail; what it returns then is in its manual page. Wrong arguments end with 2, before any call.",
    needs=["test_make_makes_a_new_segment"],
)
def test_what_it_may_not_do_it_says(segment, holder, alpha, params):
    """A segment of another user is not changed, removed or, without permission, shown: 1. Wrong arguments: 2."""
    number = holder.make(params.key, params.size, "0600")
    for words in (("show", number), ("mode", number, "0666"), ("remove", number), ("show", number + 1)):
        segment.run(args=list(map(str, words))).refused(1)
    assert alpha.sysv_shm(id=number).mode == 0o600
    for words in ((), ("show",), ("show", "x1"), ("mode", number, "0999"), ("grow", number)):
        segment.run(args=list(map(str, words))).refused(2)


@check(
    points=1,
    hint="An id means something within one IPC namespace only: `ipcs -m` on both hosts.",
    needs=["test_make_makes_a_new_segment", "test_show_tells_what_the_kernel_has"],
)
def test_another_host_has_other_segments(segment, ablated, alpha, island, params):
    """On a host with an IPC namespace of its own there is no such segment; one of that key can be made there, too."""
    number = made(segment, params)
    ablated.segment.run(id=number).refused(1)
    ablated.segment.run(args=["remove", str(number)]).refused(1)
    other = made(ablated.segment, params)
    assert island.sysv_shm(id=other, key=params.key).exists, "it made no segment on island"
    assert alpha.sysv_shm(id=number, key=params.key).nattch == 0
    segment.run(args=["remove", str(number)]).exited(0)
    assert island.sysv_shm(key=params.key).exists, "what was removed on alpha went on island, too"
