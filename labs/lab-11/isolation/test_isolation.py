"""Checks of isolation: what two places share is measured, by the student's program and by the kernel's word."""

from signal import SIGINT, SIGTERM

from orchestrator.checks import check

IN_IPC = ("sysv-shm", "posix-shm", "posix-mq")
IN_NET = ("abstract-socket",)
IN_FILES = ("socket-file", "fifo")
KINDS = (*IN_IPC, *IN_NET, *IN_FILES)
MISSING = {"ipc": IN_IPC, "net": IN_NET, "files": IN_FILES, "nothing": ()}
PEER, STUDENTS = 1999, 1000
OFFERS = "test_offer_makes_an_object_of_each_kind"
LOOKS = "test_look_finds_every_token_of_our_offer"


def offer(meet, params, place="alpha/left", folder="/ipc"):
    """A running offer of the token."""
    words = ["offer", str(params.key), params.name, folder, params.token]
    return meet.at(place).start(until=b"ready\n", args=words)


def looked(meet, params, place="alpha/right", folder="/ipc"):
    """What `look` found, by kind, from the lines that it must print."""
    words = ["look", str(params.key), params.name, folder]
    printed = meet.at(place).run(args=words).exited(0).stdout.decode("ascii", "replace")
    rows = [line.split(" ") for line in printed.splitlines()]
    assert [row[0] for row in rows] == list(KINDS), "the first words of the lines that it printed"
    return {row[0]: " ".join(row[1:]) for row in rows}


def expected(params, missing=()):
    """The token in every kind but those that are `missing`."""
    return {kind: "-" if kind in missing else params.token for kind in KINDS}


@check(
    points=1,
    hint="While your offer waits: `ipcs -m`, `ls -l /dev/shm /dev/mqueue /ipc`, `ss -xl`. The umask takes nothing away "
    "from 0660, but a socket file is made without a mode.",
)
def test_offer_makes_an_object_of_each_kind(meet, alpha, params):
    """`offer` makes six objects, those with a mode with mode 0660, and sleeps until it is told to stop."""
    running = offer(meet, params)
    path = f"/ipc/{params.name}"
    assert alpha.sysv_shm(key=params.key).mode == 0o660
    assert alpha.posix_shm(f"/{params.name}").mode & 0o777 == 0o660
    assert alpha.posix_mq(f"/{params.name}").mode & 0o777 == 0o660
    assert alpha.posix_mq(f"/{params.name}").curmsgs == 1
    assert alpha.fifo(f"{path}.fifo").mode & 0o777 == 0o660
    assert alpha.socket_file(f"{path}.sock").mode & 0o777 == 0o660
    for address in (f"@{params.name}", f"{path}.sock"):
        assert alpha.unix_socket(address, state="listen").exists, f"nobody listens at {address}"
    running.sleeps()


@check(
    points=2,
    hint="Take one kind after the other: `strace ./meet look ...` shows which call fails, and how. A length is all "
    "that tells where an abstract name ends, and a token has no NUL in a queue, a FIFO or a stream.",
)
def test_look_finds_every_token_of_our_offer(meet, reference, params):
    """In the other container of a host that is whole, `look` finds the token in all six objects of our offer."""
    offer(reference.meet, params)
    assert looked(meet, params) == expected(params)


@check(
    points=1,
    hint="Our program looks as another user of your group. What a FIFO holds is gone when nobody has it open; a "
    "message stays in its queue.",
    needs=[OFFERS],
)
def test_our_look_finds_every_token_of_the_offer(meet, reference, params):
    """Our `look` finds the token in all six objects of the offer, and both sockets serve a second client, too."""
    offer(meet, params)
    assert looked(reference.meet, params) == expected(params)
    again = looked(reference.meet, params)
    assert again == expected(params, missing=("posix-mq", "fifo")), "their token is taken once; the others stay"


@check(
    points=1,
    hint="Which of the six are objects of the kernel that an IPC namespace holds? Compare `readlink /proc/self/ns/ipc` "
    "in both containers of no-ipc. /dev/shm is a mount of its own there, too.",
    needs=[LOOKS],
)
def test_without_a_common_ipc_namespace(meet, reference, no_ipc, params):
    """On no-ipc `look` finds three tokens, and of an object of the same name in its own /dev/shm what is in that."""
    offer(reference.meet, params, "no-ipc/left")
    assert looked(meet, params, "no-ipc/right") == expected(params, missing=IN_IPC)
    decoy = params.decoy.encode()
    no_ipc.in_("right").agent.put(f"/dev/shm/{params.name}", decoy, mode=0o660, uid=PEER, gid=STUDENTS)
    assert looked(meet, params, "no-ipc/right")["posix-shm"] == params.decoy


@check(
    points=1,
    hint="An abstract name is no file. In which table is it? `ss -xl` in both containers of no-net.",
    needs=[LOOKS],
)
def test_without_a_common_network_namespace(meet, reference, params):
    """On no-net `look` finds all tokens but that of the abstract socket; the socket file connects all the same."""
    offer(reference.meet, params, "no-net/left")
    assert looked(meet, params, "no-net/right") == expected(params, missing=IN_NET)


@check(
    points=1,
    hint="`findmnt /tmp` in both containers of alpha. What is a path, and whose?",
    needs=[LOOKS],
)
def test_without_a_common_folder(meet, reference, params):
    """With DIR in /tmp, which each container has for itself, FIFO and socket file are not found, all others are."""
    offer(reference.meet, params, folder="/tmp")
    assert looked(meet, params, folder="/tmp") == expected(params, missing=IN_FILES)


@check(
    points=1,
    hint="Measure with `offer` and `look` on three hosts, and with DIR in /tmp; then write down the rule, not a table.",
)
def test_predictions_come_true(meet, reference, params):
    """For each thing that may be missing, `predict` says what our programs measure where it is missing."""
    places = {"ipc": "no-ipc", "net": "no-net", "files": "alpha", "nothing": "alpha"}
    for missing, host in places.items():
        folder = "/tmp" if missing == "files" else "/ipc"
        offering = offer(reference.meet, params, f"{host}/left", folder)
        found = looked(reference.meet, params, f"{host}/right", folder)
        offering.signal(SIGTERM)
        offering.wait().exited(0)
        measured = "".join(f"{kind} {'no' if found[kind] == '-' else 'yes'}\n" for kind in KINDS)
        assert meet.run(args=["predict", missing]).exited(0).stdout.decode() == measured, f"without {missing} in common"


@check(
    points=1,
    hint="What was made is removed on every way out: after SIGTERM, after SIGINT, and when a later one can't be made. "
    "Whose is an object that was there before?",
    needs=[OFFERS],
)
def test_offer_leaves_nothing_behind(meet, reference, params, leftovers):
    """After SIGTERM and SIGINT `offer` exits with 0, and with 1 when a name is taken; nothing of it is left."""
    for number in (SIGTERM, SIGINT):
        running = offer(meet, params)
        running.signal(number)
        running.wait().exited(0)
        assert not leftovers(), f"left behind after {number.name}"
    first = offer(meet, params)
    before = {fact.identity for fact in leftovers()}
    # Each name in turn is free, and the others are taken.
    meet.run(args=["offer", str(params.key), params.name + "x", "/ipc", params.token]).refused(1)
    meet.run(args=["offer", str(params.key + 1), params.name, "/tmp", params.token]).refused(1)
    assert {fact.identity for fact in leftovers()} <= before, "the second offer left objects behind"
    assert looked(reference.meet, params) == expected(params), "the first offer's objects are not what they were"
    first.signal(SIGTERM)
    first.wait().exited(0)


@check(
    points=1,
    hint="`look` makes nothing: O_CREAT and IPC_CREAT are for who offers. On another host all tables are others.",
    needs=[LOOKS],
)
def test_on_another_host_there_is_nothing(meet, reference, ablated, params, leftovers):
    """Without an offer, and on another host beside one, `look` finds nothing, makes nothing and exits with 0."""
    assert looked(meet, params) == expected(params, missing=KINDS)
    assert not leftovers(), "`look` has made something"
    offer(reference.meet, params)
    assert looked(ablated.meet, params, "island/solo") == expected(params, missing=KINDS)
    assert looked(meet, params) == expected(params)
    for words in ([], ["look"], ["predict", "time"], ["offer", "0", params.name, "/ipc", params.token]):
        meet.run(args=words).refused(2)
