"""Checks of shm-restart: processes are killed at the worst moment, and every coin is still there."""

from random import Random
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM
from struct import pack, unpack, unpack_from

import pytest

from orchestrator.checks import PIPE, In, Ne, check

PLACES = ("alpha/left", "alpha/right")
PEER, STUDENTS = 1999, 1000
HALFWAY = b"halfway\n"
HEAD_BYTES, BALANCE_BYTES, DONE_AT, MOST_WORKERS = 4096, 8, 64, 16
MADE = 1
FOR_EVER = 10**12
KILLS = 10
A_FEW = 3
SOON_S = 2
"""For a few transfers of workers that are alive, and perturbed."""
FEW_ACCOUNTS = 2
MOST_ACCESSES = 200
"""To the object, of a process that repairs and then does one transfer, or adds up a few accounts: about forty."""
PATIENT_S = 10
"""For a worker that is killed as often as that."""
MAKES, LOCKED, SURVIVES = (
    "test_make_makes_a_bank",
    "test_a_transfer_is_alone",
    "test_who_is_killed_halfway_leaves_no_trace",
)
RUNS, STOPS = "test_a_run_does_each_transfer_once", "test_a_run_that_is_told_to_stop_can_be_gone_on_with"
ANYWHERE = "test_any_access_may_be_the_last_one"


class Bank:
    """The program on one object, and what is in that, for anybody to look at."""

    def __init__(self, program, host, name):
        self.program, self.host, self.name = program, host, name

    def at(self, place):
        """The same in another container."""
        return Bank(self.program.at(place), self.host, self.name)

    def start(self, *words, **options):
        """Start it."""
        return self.program.start(args=[self.name, *map(str, words)], **options)

    def run(self, *words, **options):
        """Start it and wait for its end."""
        return self.program.run(args=[self.name, *map(str, words)], **options)

    def halfway(self, *words):
        """One that has taken the money and not yet given it, for as long as its standard input is open."""
        return self.start("halfway", *words, stdin=PIPE, until=HALFWAY)

    def data(self):
        """All bytes."""
        assert self.host.posix_shm(self.name).exists, f"there is no object {self.name}"
        return self.host.agent.get(f"/dev/shm{self.name}").data

    def balances(self):
        """Of each account."""
        balances = self.data()[HEAD_BYTES:]
        return list(unpack(f"={len(balances) // BALANCE_BYTES}q", balances))

    def done(self):
        """How many transfers each worker has done."""
        return list(unpack_from(f"={MOST_WORKERS}Q", self.data(), DONE_AT))

    def repairs(self):
        """How often somebody found that the lock's owner was dead."""
        return unpack_from("=Q", self.data(), 8)[0]

    def total(self):
        """What the program says."""
        return self.run("total").exited(0).stdout


@pytest.fixture
def bank(bank, alpha, params):
    """The student's, in alpha/left."""
    return Bank(bank, alpha, params.name)


def told(accounts, money):
    """What `total` prints of so many accounts that began with so much money."""
    return b"total %d\n" % (accounts * money)


def after(done, accounts, money):
    """The balances after the first transfers of each worker, each of them once."""
    balances = [money] * accounts
    for worker, transfers in enumerate(done):
        for k in range(transfers):
            balances[(worker + k) % accounts] -= 1 + k % 5
            balances[(worker + k + 1) % accounts] += 1 + k % 5
    return balances


def asleep(running, alpha, name):
    """Return when it sleeps at a lock that is in the object."""
    fact = running.wait_blocked("futex")
    ino = alpha.posix_shm(name).ino
    address = fact.syscall.args[0]
    assert any(address in mapping for mapping in fact.maps if mapping.ino == ino), (
        f"process {running.pid} sleeps in futex(), but at an address that is not in the object {name}"
    )


def owner(running, alpha, random):
    """The worker that is inside; any of them when all sleep."""
    workers = alpha.processes(ppid=running.pid).facts
    assert workers, "the run has no child processes"
    inside = [one for one in workers if one.syscall is None or one.syscall.name != "futex"]
    return random.choice(inside or workers)


def kill(workers, alpha):
    """End workers; what is returned is gone when their parent has waited for them."""
    killed = alpha.processes(pid=In(*(worker.pid for worker in workers)))
    killed.signal(SIGKILL)
    return killed


def go_on(watching, transfers):
    """Return when so many transfers more have been done."""
    watching.ask(b"%d\n" % transfers, timeout_s=SOON_S)


@check(
    points=1,
    hint="`xxd /dev/shm/NAME` after `bank NAME make 3 100`, beside the layout in the brief.",
)
def test_make_makes_a_bank(bank, alpha, params):
    """`make` makes a new object of the right size and mode, with MONEY on each account; `total` adds up."""
    accounts, money = params.accounts, params.money
    assert bank.run("make", accounts, money).exited(0).stdout == b""
    made = alpha.posix_shm(params.name).fact
    assert made is not None, f"there is no object {params.name}"
    assert made.size == HEAD_BYTES + BALANCE_BYTES * accounts, f"it has {made.size} bytes"
    assert made.mode & 0o777 == 0o660, f"its mode is {made.mode & 0o777:04o}"
    assert unpack_from("=2I", bank.data()) == (MADE, accounts), "state and number of accounts"
    assert bank.balances() == [money] * accounts
    assert (bank.repairs(), bank.done()) == (0, [0] * MOST_WORKERS)
    assert bank.at(PLACES[1]).total() == told(accounts, money)
    bank.run("make", accounts + 1, money).refused(1)
    assert bank.balances() == [money] * accounts, "it has made a bank of a bank that was there"


@check(
    points=1,
    hint="Both balances change, or none. Which accounts are there? A balance is signed.",
    needs=[MAKES],
)
def test_a_transfer_moves_money(bank, params):
    """`transfer` takes AMOUNT from FROM and gives it to TO, also more than there is; of no account it takes nothing."""
    accounts, money = params.accounts, params.money
    bank.run("make", accounts, money).exited(0)
    assert bank.at(PLACES[1]).run("transfer", 0, accounts - 1, 2 * money).exited(0).stdout == b""
    assert bank.balances() == [-money, *[money] * (accounts - 2), 3 * money]
    bank.run("transfer", accounts - 1, 1, 1).exited(0)
    assert bank.balances()[1] == money + 1
    for words in ((0, accounts, 1), (accounts, 0, 1), (0, 2**32 + 1, 1), (2**32 + 1, 0, 1)):
        bank.run("transfer", *words).refused(1)
    assert bank.total() == told(accounts, money)
    assert bank.repairs() == 0, "nobody has died"


@check(
    points=2,
    hint="`bank NAME halfway 0 1 50` in one container, `bank NAME total` in the other: in which call does it sleep, at "
    "which address (/proc/PID/syscall, /proc/PID/maps)?",
    needs=[MAKES],
)
def test_a_transfer_is_alone(bank, alpha, params):
    """While one is halfway through a transfer, others sleep in futex() on the object's lock, and then see all of it."""
    accounts, money = params.accounts, params.money
    bank.run("make", accounts, money).exited(0)
    inside = bank.halfway(1, 0, 50)
    assert bank.balances()[:2] == [money, money - 50], "halfway, the money is taken from FROM and not given to TO"
    right = bank.at(PLACES[1])
    total, transfer = right.start("total"), right.start("transfer", 0, 1, 7)
    for one in (total, transfer):
        asleep(one, alpha, params.name)
    inside.close_stdin()
    assert inside.wait().exited(0).stdout == HALFWAY
    assert total.wait().exited(0).stdout == told(accounts, money)
    transfer.wait().exited(0)
    assert bank.balances()[:2] == [money + 43, money - 43]
    assert bank.repairs() == 0, "nobody has died"

    bank.halfway(1, 0, 50)
    alone = right.start("total")
    asleep(alone, alpha, params.name)
    alone.sleeps()


@check(
    points=3,
    hint="What does pthread_mutex_lock() return when the owner of a robust mutex has died, and what has to be called "
    "before the mutex is unlocked again? And the money: who knows what the dead one wanted? He must have written it "
    "down before he began.",
    needs=[LOCKED],
)
def test_who_is_killed_halfway_leaves_no_trace(bank, alpha, params):
    """When one is killed halfway, the next one gets the lock, and the transfer is done or undone: nothing is lost."""
    accounts, money = params.accounts, params.money
    bank.run("make", accounts, money).exited(0)
    right = bank.at(PLACES[1])
    for deaths in range(1, 4):
        before = bank.balances()
        inside = bank.halfway(0, 1, 50 + deaths)
        assert bank.balances() != before, "halfway, no money is taken from FROM"
        waiting, another = right.start("total"), bank.start("total")
        for one in (waiting, another):
            asleep(one, alpha, params.name)
        # Who only waits may die without harm.
        another.kill()
        inside.kill()
        assert waiting.wait().exited(0).stdout == told(accounts, money), "the total after a death"
        now = bank.balances()
        moved = before[0] - now[0]
        assert moved in (0, 50 + deaths), f"{moved} are taken from FROM"
        assert now[1] - before[1] == moved, f"{moved} are taken from FROM, {now[1] - before[1]} given to TO"
        assert bank.repairs() == deaths, "how often somebody found that the owner was dead"
        bank.run("transfer", 1, 0, moved or 1).exited(0)
    bank.halfway(0, 1, 5).kill()
    right.run("transfer", 2, 1, 3).exited(0, "the next one after a death, who did not wait yet")
    assert bank.total() == told(accounts, money)


@check(
    points=2,
    hint="Which transfer is the next one of a worker? Its number is in the object, and nowhere else.",
    needs=[LOCKED],
)
def test_a_run_does_each_transfer_once(bank, alpha, params, leftovers):
    """A run with several workers does all transfers, each once; the next run does only those that are more."""
    accounts, money, workers = params.accounts, params.money, params.workers
    bank.run("make", accounts, money).exited(0)
    more = params.transfers + 7
    for transfers, done in ((params.transfers, params.transfers), (more, more), (params.transfers, more)):
        assert bank.run("run", workers, transfers).exited(0).stdout == b"restarts 0\n"
        assert bank.done() == [done] * workers + [0] * (MOST_WORKERS - workers), "how many each worker has done"
        assert bank.balances() == after(bank.done(), accounts, money), "the balances after that"
    # While somebody is inside all workers wait for him, and their parent for them.
    inside = bank.halfway(0, 1, 50)
    running = bank.start("run", workers, more + 1)
    alpha.processes(ppid=running.pid, state="S", syscall__name="futex").wait()
    running.sleeps()
    inside.close_stdin()
    inside.wait().exited(0)
    assert running.wait().exited(0).stdout == b"restarts 0\n"
    assert bank.done() == [more + 1] * workers + [0] * (MOST_WORKERS - workers), "how many each worker has done"
    alpha.check_output("rm /dev/shm%s", params.name)
    assert not leftovers()


@check(
    points=3,
    hint="Who repairs may be killed, too, and what he leaves must still tell the next one all. And a worker: which "
    "single store decides that its transfer is done, and is its count part of that? Go through your statements one by "
    "one: what does the next owner find if you die right before this one?",
    needs=[SURVIVES, RUNS],
)
def test_any_access_may_be_the_last_one(bank, perturbed, alpha, params):
    """Killed before its first access to the object, its second one and so on, also in a repair, it does no harm."""
    bank.run("make", FEW_ACCOUNTS, params.money).exited(0)
    for access in range(1, MOST_ACCESSES):
        before = bank.balances()
        bank.halfway(0, 1, 50).kill()
        repairing = Bank(perturbed.bank.dying(access), alpha, params.name).run("total")
        when = f"one who found the lock of a dead one was killed before its access {access} to the object"
        assert bank.total() == told(FEW_ACCOUNTS, params.money), f"the total after {when}"
        moved = before[0] - bank.balances()[0]
        assert moved in (0, 50), f"{moved} of 50 are taken from FROM after {when}"
        if repairing.signal != "SIGKILL":
            assert repairing.exited(0).stdout == told(FEW_ACCOUNTS, params.money), "the total after a death"
            break

    alpha.check_output("rm /dev/shm%s", params.name)
    accounts, money = params.accounts, params.money
    bank.run("make", accounts, money).exited(0)
    for access in range(1, MOST_ACCESSES):
        # Those who come in its place die before their first access, their second one, and so on, until one is through.
        dying = perturbed.bank.dying(0, access, *range(1, MOST_ACCESSES))
        ended = Bank(dying, alpha, params.name).run("run", 1, access, timeout_s=PATIENT_S).exited(0)
        when = f"a worker was killed before its access {access} to the object, and its successors before theirs"
        assert bank.done()[0] == access, f"how many transfers worker 0 has done, when {when}"
        assert bank.balances() == after([access], accounts, money), f"the balances when {when}"
        if ended.stdout == b"restarts 0\n":
            break


@check(
    points=1,
    hint="SIGTERM ends the parent on the spot, and its children do not notice. Who has to end them, and wait for them? "
    "They may be inside when they die: that is no harm.",
    needs=[ANYWHERE],
)
def test_a_run_that_is_told_to_stop_can_be_gone_on_with(bank, perturbed, peer, alpha, params, leftovers):
    """After SIGTERM and SIGINT a run ends its workers, all of them, and exits with 1; the next run does the rest."""
    accounts, money, workers = params.accounts, params.money, params.workers
    bank.run("make", accounts, money).exited(0)
    watching = peer(PLACES[1], "raw_bank.py", "{name}").start(stdin=PIPE)
    for number in (SIGTERM, SIGINT):
        running = Bank(perturbed.bank, alpha, params.name).start("run", workers, FOR_EVER)
        go_on(watching, A_FEW)
        running.signal(number)
        assert running.wait().exited(1).stdout == b"restarts 0\n"
        assert not alpha.processes(comm="bank").exists, "a worker has outlived its parent"
    all_done = max(bank.done()) + params.transfers
    assert bank.run("run", workers, all_done).exited(0).stdout == b"restarts 0\n"
    assert bank.done()[:workers] == [all_done] * workers, "how many each worker has done in the end"
    assert bank.total() == told(accounts, money)


@check(
    points=3,
    hint="A worker may be killed between any two of your statements. Which of them must not be done twice, and which "
    "must not be forgotten? What the next owner finds has to tell him. And who sees that a worker has died?",
    needs=[STOPS],
)
def test_workers_are_killed_and_everything_adds_up(bank, perturbed, peer, alpha, params):
    """Workers are killed again and again, perturbed, mostly inside: new ones go on, and each transfer is done once."""
    accounts, money, workers = params.accounts, params.money, params.workers
    bank.run("make", accounts, money).exited(0)
    random = Random(params.seed)
    watching = peer(PLACES[1], "raw_bank.py", "{name}").start(stdin=PIPE)
    running = Bank(perturbed.bank, alpha, params.name).start("run", workers, FOR_EVER)
    go_on(watching, A_FEW)
    for _ in range(KILLS):
        kill([owner(running, alpha, random)], alpha).wait_gone()
        go_on(watching, A_FEW)
    # All of them at once, also those that were started anew; their parent hears of it when it can.
    killed = KILLS
    for _ in range(2):
        running.signal(SIGSTOP)
        crew = alpha.processes(ppid=running.pid, state=Ne("Z")).facts
        dead = kill(crew, alpha)
        running.signal(SIGCONT)
        dead.wait_gone()
        killed += len(crew)
        go_on(watching, A_FEW)
    running.signal(SIGTERM)
    assert running.wait().exited(1).stdout == b"restarts %d\n" % killed

    assert bank.total() == told(accounts, money)
    done = bank.done()
    assert bank.balances() == after(done, accounts, money), f"the balances when the workers have done {done[:workers]}"


@check(
    points=1,
    hint="The starter reads the arguments as the brief wants it. What makes an object a bank? And whose is a name?",
    needs=[MAKES],
)
def test_what_it_may_not_do_it_says(bank, ablated, alpha, island, params, leftovers):
    """No bank, here or on another host: 1. Wrong arguments: 2. Nothing is made in either case."""
    for words in ((), ("make", 3), ("make", 1, 5), ("make", 1001, 5), ("make", 3, "x"), ("transfer", 0, 1),
                  ("transfer", 1, 1, 5), ("transfer", 0, 1, 0), ("halfway", 0, 1, "5x"), ("total", 1), ("run", 0, 5),
                  ("run", 17, 5), ("run", 2, 0), ("run", 2), ("close",)):  # fmt: skip
        bank.run(*words).refused(2)
    commands = (("transfer", 0, 1, 5), ("halfway", 0, 1, 5), ("total",), ("run", 2, 5))
    for words in commands:
        bank.run(*words).refused(1)
    assert not leftovers()

    accounts = params.accounts
    bank.run("make", accounts, params.money).exited(0)
    there = Bank(ablated.bank, island, params.name)
    for words in commands:
        there.run(*words).refused(1)
    assert not island.posix_shm(params.name).exists, "it has made an object"

    zeros = bytes(HEAD_BYTES + BALANCE_BYTES * accounts)
    few = pack("=2I", MADE, accounts).ljust(len(zeros) - BALANCE_BYTES, b"\0")
    for content in (b"", zeros, few):
        alpha.agent.put(f"/dev/shm{params.name}", content, mode=0o660, uid=PEER, gid=STUDENTS)
        for words in commands:
            bank.run(*words).refused(1)
