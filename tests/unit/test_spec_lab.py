# ruff: noqa: E501 - a message is compared whole
"""lab.yaml: every mistake is reported where it is, in words, with what to write instead."""

from __future__ import annotations

import pytest

from orchestrator.errors import DefinitionError
from orchestrator.spec.load import load_lab_only

LAB = """\
title: Two hosts
networks:
  lan: {ipv4: 10.11.0.0/28, ipv6: fd00:11::/64}
hosts:
  alpha:
    containers:
      left: {}
      right: {}
    networks:
      lan: {ipv4: 10.11.0.3, ipv6: fd00:11::3}
  beta:
    containers: {main: {}}
    networks:
      lan: {ipv4: 10.11.0.4, ipv6: fd00:11::4}
limits:
  memory: 256MiB
  pids: 128
"""
SIZES = "units: B, KiB, MiB, GiB, kB, MB, GB"
NAMES = "a name has lower-case letters, digits and single hyphens, and begins with a letter"
ALPHA = "    networks:\n      lan: {ipv4: 10.11.0.3"
"""Where keys of the host alpha can be put before: line 9."""


@pytest.fixture
def problems(tmp_path):
    """What is wrong with a lab.yaml of this text, one line each, without the folder."""
    folder = tmp_path / "labs" / "lab-11"
    folder.mkdir(parents=True)
    image = tmp_path / "images" / "lab"
    image.mkdir(parents=True)
    (image / "Dockerfile").touch()

    def found(text: str) -> list[str]:
        (folder / "lab.yaml").write_text(text)
        try:
            load_lab_only(folder)
        except DefinitionError as error:
            return [str(problem).removeprefix(f"{folder}/lab.yaml:") for problem in error.problems]
        return []

    return found


def test_the_lab_that_the_mistakes_are_made_in_is_right(problems):
    assert problems(LAB) == []


SHAPE = [
    ("title: Two hosts\n", "", "1:1: the file has no `title`; add it: what it is called, on one line"),
    ("title: Two hosts", "title: 5", '1:8: `title` must be text, not the number 5; quote it: "5"'),
    ("title: Two hosts", "title:", "1:7: `title` must be text, not nothing; write it in quotes"),
    ("title: Two hosts", "title: ''", "1:8: `title` is empty; write something"),
    ("title: Two hosts", f"title: {'x' * 121}", "1:8: `title` has more than 120 characters; shorten it"),
    ("title:", "titel:", "1:1: there is no key `titel` at the top of the file; did you mean `title`?"),
    ("memory:", "memroy:", "16:3: there is no key `memroy` in `limits`; did you mean `memory`?"),
    ("{main: {}}", "{main: {imag: lab}}", "12:25: there is no key `imag` in `main`; did you mean `image`?"),
    ("pids: 128", "xyzzy: 1", "17:3: there is no key `xyzzy` in `limits`; choose from memory, pids, cpus, tmp, tmp_inodes, "
        "file_size, open_files, mqueue"),
    ("    containers: {main: {}}\n", "", "11:3: `beta` has no `containers`; add it: where programs run, by name"),
    (", ipv6: fd00:11::/64", "", "3:3: `lan` has no `ipv6`; add it: the IPv6 subnet, for example fd00:11::/64"),
    ("{main: {}}", "{}", "12:17: `containers` is empty; write at least one"),
    ("{main: {}}", "{main: }",
        "12:24: `main` must be a mapping, not nothing; write its keys below it, indented, or {} if it needs none"),
    ("{main: {}}", "[main]",
        "12:17: `containers` must be a mapping, not a list; write its keys below it, indented, or {} if it needs none"),
    ("{main: {}}", "{main: {}}\n    only_for: [echo]", "13:16: there is no exercise `echo`; there are none"),
    ("{main: {}}", "{main: {grants: [sys_admin]}}",
        "12:34: item 1 of `grants` can't be `sys_admin`; choose from net_bind_service, net_raw"),
    ("{main: {}}", "{Main: {}}", f"12:18: `Main` can't be a name here; {NAMES}"),
    ("{main: {}}", "{main-: {}}", f"12:18: `main-` can't be a name here; {NAMES}"),
    ("{main: {}}", "{" + "m" * 33 + ": {}}", f"12:18: the name `{'m' * 33}` has more than 32 characters; shorten it"),
    ("alpha:", "no:", '5:3: `no` is false to YAML; quote it: "no"'),
    ("alpha:", "5:", '5:3: the key `5` is no text to YAML; quote it: "5"'),
    ("alpha:", "beta:", "11:3: the key `beta` is there already on line 5; remove one of the two"),
    ("pids: 128", "pids: 4", "17:9: `pids` is 4; write a number not below 8"),
    ("pids: 128", "pids: 5000", "17:9: `pids` is 5000; write a number not above 4096"),
    ("pids: 128", 'pids: "128"', "17:9: `pids` must be a whole number, not `128`; write digits only, without quotes"),
    ("pids: 128", "pids: 12.0", "17:9: `pids` must be a whole number, not the number 12.0; write digits only, without quotes"),
    ("pids: 128", "pids: true", "17:9: `pids` must be a whole number, not true; write digits only, without quotes"),
    ("pids: 128", "pids: 010", '17:9: `010` is the octal number 8 to YAML; write 8, or quote it: "010"'),
    ("pids: 128", "cpus: 0", "17:9: `cpus` is 0; write a number above 0"),
    ("pids: 128", 'cpus: "1"', "17:9: `cpus` must be a number, not `1`; write it without quotes, such as 0.5"),
    ("limits:", "exercises: fifo\nlimits:",
        "15:12: `exercises` must be a list, not `fifo`; write [a, b], or a line that begins with - for each item"),
    ("limits:", "exercises: [fifo, Fifo]\nlimits:", f"15:19: item 2 of `exercises` can't be `Fifo`; {NAMES}"),
    ("limits:", "exercises: [3]\nlimits:", '15:13: item 1 of `exercises` must be text, not the number 3; quote it: "3"'),
]  # fmt: skip

SIZE = [
    ("256MiB", "256", f"16:11: the number 256 has no unit; write it like 16MiB ({SIZES})"),
    ("256MiB", "'256'", f"16:11: `256` has no unit; write it like 16MiB ({SIZES})"),
    ("256MiB", "256M", "16:11: `256M` has no unit of size that is known here; did you mean 256MiB?"),
    ("256MiB", "", "16:10: the size is missing; write a number and its unit, such as 16MiB"),
    ("256MiB", "1_000", '16:11: `1_000` is the number 1000 to YAML; write 1000, or quote it: "1_000"'),
    ("256MiB", "2MiB", "16:11: `memory` is 2MiB, less than what gcc and the agent need; write 32MiB or more"),
    ("memory: 256MiB", "tmp: 4KiB", "16:8: `tmp` is 4KiB, less than what a build needs; write 1MiB or more"),
    ("{main: {}}", "{main: {limits: {memory: 1MiB}}}",
        "12:42: `memory` is 1MiB, less than what gcc and the agent need; write 32MiB or more"),
]  # fmt: skip

SUBNET = [
    ("10.11.0.0/28", "10.11.0.1/28",
        "3:15: `10.11.0.1/28` is an address in the subnet 10.11.0.0/28, not a subnet; write 10.11.0.0/28"),
    ("10.11.0.0/28", "10.11.0.0",
        "3:15: `10.11.0.0` is no IPv4 subnet; write ADDRESS/LENGTH, such as 10.11.0.0/28"),
    ("10.11.0.0/28", "7", "3:15: the number 7 is no IPv4 subnet; write ADDRESS/LENGTH, such as 10.11.0.0/28"),
    ("10.11.0.0/28", "10.11.1.0/23",
        "3:15: `10.11.1.0/23` is an address in the subnet 10.11.0.0/23, not a subnet; write 10.11.0.0/23"),
    ("10.11.0.0/28", "10.11.0.0/30", "3:15: the subnet 10.11.0.0/30 is too small; write a length from /24 to /29"),
    ("10.11.0.0/28", "10.0.0.0/8", "3:15: the subnet 10.0.0.0/8 is too large; write a length from /24 to /29"),
    ("10.11.0.0/28", "8.8.8.0/28",
        "3:15: 8.8.8.0/28 is not a private subnet; take one inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16"),
    ("fd00:11::/64", "fd00:11::/48", "3:35: the subnet fd00:11::/48 is too large; write a length from /64 to /124"),
    ("fd00:11::/64", "2001:db8::/64", "3:35: 2001:db8::/64 is not a private subnet; take one inside fd00::/8"),
    ("hosts:", "  wan: {ipv4: 10.11.0.8/29, ipv6: fd00:12::/64}\nhosts:",
        "4:15: 10.11.0.8/29 overlaps 10.11.0.0/28 of the network `lan`; take subnets that have no address in common"),
    ("hosts:", "  wan: {ipv4: 10.12.0.0/28, ipv6: fd00:11::/64}\nhosts:",
        "4:35: fd00:11::/64 overlaps fd00:11::/64 of the network `lan`; take subnets that have no address in common"),
    ("  lan: {ipv4: 10.11", "  wan: {ipv4: 10.11.0.0/24, ipv6: fd00:12::/64}\n  lan: {ipv4: 10.11",
        "4:15: 10.11.0.0/28 overlaps 10.11.0.0/24 of the network `wan`; take subnets that have no address in common"),
]  # fmt: skip

ADDRESS = [
    ("10.11.0.3", "10.11.0.300", "10:19: `10.11.0.300` is no IPv4 address; write it like 10.11.0.3"),
    ("10.11.0.3", "3", "10:19: the number 3 is no IPv4 address; write it like 10.11.0.3"),
    ("fd00:11::3", "fe80::1%eth0", "10:36: `fe80::1%eth0` is no IPv6 address; write it like fd00:11::3"),
    ("fd00:11::3", "1:30", '10:36: `1:30` is the number 90 to YAML, in base 60; write 90, or quote it: "1:30"'),
    ("10.11.0.3", "10.11.1.3",
        "10:19: 10.11.1.3 is not in 10.11.0.0/28, the subnet of `lan`; take 10.11.0.2 or a later one"),
    ("fd00:11::3", "fd00:12::3",
        "10:36: fd00:12::3 is not in fd00:11::/64, the subnet of `lan`; take fd00:11::2 or a later one"),
    ("10.11.0.3", "10.11.0.4",
        "14:19: 10.11.0.4 is already the address of `alpha` in `lan`; give each host an address of its own"),
    ("fd00:11::3", "fd00:11::4",
        "14:36: fd00:11::4 is already the address of `alpha` in `lan`; give each host an address of its own"),
    ("10.11.0.3", "10.11.0.0",
        "10:19: 10.11.0.0 of `lan` is the name of the subnet itself; take 10.11.0.2 or a later one"),
    ("10.11.0.3", "10.11.0.1",
        "10:19: 10.11.0.1 of `lan` is the gateway's: the engine takes the first one; take 10.11.0.2 or a later one"),
    ("10.11.0.3", "10.11.0.15",
        "10:19: 10.11.0.15 of `lan` is the broadcast address; take 10.11.0.2 or a later one"),
    ("fd00:11::3", "fd00:11::1",
        "10:36: fd00:11::1 of `lan` is the gateway's: the engine takes the first one; take fd00:11::2 or a later one"),
    ("lan: {ipv4: 10.11.0.3", "lna: {ipv4: 10.11.0.3", "10:7: there is no network `lna`; did you mean `lan`?"),
]  # fmt: skip

HOST = [
    ("alpha:", "localhost:", "5:3: `localhost` means something else on every machine; choose another name"),
    ("alpha:", "tmp-path:",
        "5:3: a host can't be called `tmp-path`: to a check that means something else; choose another name"),
    ("{main: {}}", "{main: {image: lba}}",
        "12:32: there is no image `lba`: images/lba has no Dockerfile; did you mean `lab`?"),
    (ALPHA, f"    share: [ipcs, net]\n{ALPHA}", "9:13: item 1 of `share` can't be `ipcs`; did you mean `ipc`?"),
    (ALPHA, f"    share: [ipc, pid]\n{ALPHA}",
        "10:5: no container of `alpha` could use its networks, because they don't share `net`; "
        "remove `networks`, or add net to `share`"),
    (ALPHA, f"    ipc: {{shm_size: 16}}\n{ALPHA}",
        f"9:21: the number 16 has no unit; write it like 16MiB ({SIZES})"),
    (ALPHA, f"    ipc: {{shm_size: 1B}}\n{ALPHA}", "9:21: `shm_size` is 1B, less than a page; write 4KiB or more"),
    (ALPHA, f"    ipc: {{shmmax: 64MiB}}\n{ALPHA}",
        "9:19: `shmmax` (64MiB) is more than `shmall` (32MiB): a largest segment would not fit into all segments "
        "together; raise `shmall` or lower `shmmax`"),
    (ALPHA, f"    ipc: {{shmmax: 2MiB, shmall: 1MiB}}\n{ALPHA}",
        "9:33: `shmmax` (2MiB) is more than `shmall` (1MiB): a largest segment would not fit into all segments "
        "together; raise `shmall` or lower `shmmax`"),
    (ALPHA, f"    ipc: {{msgmax: 32KiB}}\n{ALPHA}",
        "9:19: `msgmax` (32KiB) is more than `msgmnb` (16KiB): a largest message would not fit into a queue; "
        "raise `msgmnb` or lower `msgmax`"),
    (ALPHA, f"    ipc: {{semmns: 10}}\n{ALPHA}",
        "9:19: `semmsl` (250) is more than `semmns` (10): a largest set would take more semaphores than there are; "
        "raise `semmns` or lower `semmsl`"),
    (ALPHA, f"    ipc: {{msgsize_max: 1GiB}}\n{ALPHA}",
        "9:24: `msgsize_max` is 1GiB, more than the kernel's maximum; write 16MiB or less"),
    (ALPHA, f"    ipc: {{msgmnb: 4GiB}}\n{ALPHA}",
        "9:19: `msgmnb` is 4GiB, more than the kernel's int; write 2147483647B or less"),
    (ALPHA, f"    volume: {{size: 1B}}\n{ALPHA}", "9:20: `size` is 1B, less than a page; write 4KiB or more"),
    (ALPHA, f"    volume: no\n{ALPHA}", '9:13: `no` is false to YAML; write false, or quote it: "no"'),
    (ALPHA, f"    volume: 16MiB\n{ALPHA}",
        "9:13: `volume` must be a mapping, not `16MiB`; write its keys below it, indented, or {} if it needs none"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), SHAPE + SIZE + SUBNET + ADDRESS + HOST)
def test_a_mistake_is_one_problem_at_its_place(problems, old, new, expected):
    assert old in LAB
    assert problems(LAB.replace(old, new, 1)) == [expected]


def test_all_mistakes_are_reported_at_once(problems):
    text = LAB.replace("title: Two hosts\n", "").replace("memory: 256MiB", "memroy: 256MiB")
    text = text.replace("10.11.0.4", "10.11.0.3").replace("left: {}", "left: {image: lba, pids: 3}")
    text = text.replace("pids: 128", "pids: 08") + "exercises: [fifo, 5]\n"
    assert problems(text) == [
        "1:1: the file has no `title`; add it: what it is called, on one line",
        "6:21: there is no image `lba`: images/lba has no Dockerfile; did you mean `lab`?",
        "6:26: there is no key `pids` in `left`; choose from image, limits, grants",
        "13:19: 10.11.0.3 is already the address of `alpha` in `lan`; give each host an address of its own",
        "15:3: there is no key `memroy` in `limits`; did you mean `memory`?",
        '16:9: `08` is a number to some YAML readers and text to others; write 8, or quote it: "08"',
        '17:19: item 2 of `exercises` must be text, not the number 5; quote it: "5"',
    ]


def test_what_is_wrong_itself_is_still_known_by_its_name(problems):
    """A network that lacks its IPv6 subnet is one problem, not a second one for each host in it."""
    assert problems(
        LAB.replace(", ipv6: fd00:11::/64", "").replace("lan: {ipv4: 10.11.0.4", "lna: {ipv4: 10.11.0.4")
    ) == [
        "3:3: `lan` has no `ipv6`; add it: the IPv6 subnet, for example fd00:11::/64",
        "14:7: there is no network `lna`; did you mean `lan`?",
    ]


def test_a_host_may_leave_its_network_unshared_when_it_has_none(problems):
    text = LAB.replace("hosts:\n", "hosts:\n  lonely:\n    containers: {a: {}}\n    share: [ipc]\n", 1)
    assert problems(text) == []


def test_a_host_may_have_no_volume(problems):
    assert problems(LAB.replace(ALPHA, f"    volume: null\n{ALPHA}", 1)) == []


def test_networks_that_lie_side_by_side_do_not_overlap(problems):
    assert problems(LAB.replace("hosts:", "  wan: {ipv4: 10.11.0.16/28, ipv6: fd00:12::/64}\nhosts:", 1)) == []
