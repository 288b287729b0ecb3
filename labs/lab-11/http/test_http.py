"""Checks of http: what comes over a connection for which request, which file is meant, and who waits for whom."""

import hashlib
import json
import re
import struct
import zlib
from contextlib import suppress
from itertools import pairwise
from random import Random
from signal import SIGCONT, SIGSTOP, SIGTERM

import pytest

from orchestrator.checks import PIPE, Ge, In, TimedOut, check

LISTENS = "test_server_listens_on_its_port"
SERVES = "test_a_file_comes_whole"
PRINTS = "test_client_prints_the_body_and_nothing_else"
ALL_BYTES = bytes(range(256))
MOST = 8192
"""Bytes of the longest request that is answered."""
SILENT = 30
"""With the one that has stopped, the one that takes nothing and the one that asks there are 33."""
DESCRIPTORS = 40
TIMES = 36
"""As often is each kind of answer asked for: what is left behind each time is more than may be open then."""
TYPES = (
    (".html", "text/html"),
    (".txt", "text/plain"),
    (".css", "text/css"),
    (".js", "text/javascript"),
    (".png", "image/png"),
    (".html.x", "application/octet-stream"),
    ("", "application/octet-stream"),
)
LEAST_S, MOST_S = 0.5, 5.0
"""For how long the server reads on after its answer while the client sends: some 2 seconds."""
LARGE = 8 << 20
"""More than the buffers of a connection hold whose client has little room."""
SHOWN_BYTES = 100_000
"""Of what a program prints, the beginning and the end are kept."""
BROWSER_S = 30
BROWSER = [
    *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--user-data-dir=/tmp/profile", "--window-size=640,360", "--virtual-time-budget=10000"),
    *("--screenshot=/tmp/page.png", "--dump-dom"),
]


def listening(server, host, params):
    """A running server that can be connected to."""
    running = server.start()
    host.tcp(port=params.port).wait(timeout_s=3, state="listen")
    return running


def get(target, method="GET"):
    """A request as programs send it."""
    return f"{method} {target} HTTP/1.0\r\nHost: beta\r\n\r\n".encode()


def printed(ended, expected):
    """Whether a program has printed `expected`, which may be longer than what is kept of it."""
    ends = ended.stdout[:SHOWN_BYTES], ended.stdout[-SHOWN_BYTES:]
    return ended.stdout_total == len(expected) and ends == (expected[:SHOWN_BYTES], expected[-SHOWN_BYTES:])


class Answer:
    """What the server sent on one connection, and how it ended that."""

    def __init__(self, about, said):
        self.about = about
        self.size, self.sha256, self.end = said["size"], said["sha256"], said["end"]
        self.head, self.body = said["head"], said["body"].encode("latin-1")
        first, *lines = self.head.removesuffix("\r\n\r\n").split("\r\n")
        self.first = first
        pairs = [line.partition(":") for line in lines]
        self.fields = {name.lower(): value.strip() for name, _, value in pairs}

    def has(self, status, announced=None):
        """Itself, when it is a whole HTTP answer with this status; `announced` are the bytes that a GET would bring."""
        assert self.head, f"{self.about}: no head of an answer, with its empty line, came back"
        assert re.fullmatch(r"(?:[^\r\n]+\r\n)+\r\n", self.head), f"{self.about}: its lines do not all end with \\r\\n"
        assert re.fullmatch(r"HTTP/1\.0 \d{3} .*", self.first), f"{self.about}: its first line is `{self.first}`"
        assert self.first.split(" ")[1] == str(status), f"{self.about}: the answer is `{self.first}`, not {status}"
        length, expected = self.fields.get("content-length"), self.size if announced is None else announced
        assert length == str(expected), f"{self.about}: Content-Length is {length}, not {expected}"
        assert self.end == "closed", f"{self.about}: the connection was {self.end} by the server, not closed"
        return self

    def brings(self, data):
        """Check that it brings a file, byte by byte."""
        self.has(200)
        assert self.size == len(data), f"{self.about}: {self.size} bytes came, not {len(data)}"
        assert self.sha256 == hashlib.sha256(data).hexdigest(), f"{self.about}: other bytes came than the file has"

    def is_of(self, kind):
        """Check what it says of the type of its body."""
        told = self.fields.get("content-type", "")
        assert told.split(";")[0].strip() == kind, f"{self.about}: Content-Type is `{told}`, not {kind}"


class Site:
    """The folder that the server serves."""

    def __init__(self, host, folder):
        self.host = host
        self.folder = folder

    def put(self, path, data, mode=0o644):
        """A file in it."""
        self.host.agent.put(f"{self.folder}/{path}", data, mode=mode, parents=True)
        return data


@pytest.fixture
def site(beta, params):
    """The folder, with a page and a text in it."""
    made = Site(beta, params.folder)
    made.put("index.html", f"<!doctype html><title>{params.text}</title>\n".encode())
    made.put("note.txt", f"{params.text}\n".encode())
    return made


@pytest.fixture
def noise(params):
    """So many random bytes."""
    return Random(params.text).randbytes


class Asker:
    """A client that sends any request, each on a connection of its own."""

    def __init__(self, running):
        self.running = running

    def __call__(self, request, then="listen", about=None):
        """What comes back for the bytes of a request."""
        line = json.dumps({"send": request.decode("latin-1"), "then": then})
        said = json.loads(self.running.ask(line.encode() + b"\n", timeout_s=3))
        assert said.get("end") != "refused", "the server does not listen any more"
        first = request.split(b"\r\n")[0].decode("latin-1")
        return None if then == "leave" else Answer(about or f"`{first[:80]}`", said)

    def go(self):
        """Ask no more."""
        self.running.close_stdin()
        self.running.wait()


@pytest.fixture
def ask(peer):
    """Send a request to the server, and give what comes back."""
    return Asker(peer("alpha/left", "ask.py", "{beta.ipv4}", "{port}").start(stdin=PIPE))


@pytest.fixture
def hall(peer, beta, params):
    """Start a server of ours for one client, which sends what it is given."""

    def start():
        started = peer("beta/main", "hall.py", "{port}").start(stdin=PIPE)
        beta.tcp(port=params.port).wait(state="listen")
        return started

    return start


def send_in_pieces(raw, pieces, near, far):
    """Send pieces, each of them when the program at the other end has taken the one before.

    `near` and `far` are the two ends of the connection, as the hosts' TCP modules.
    """
    total = 0
    for piece in pieces:
        total += len(piece)
        raw.write(piece)
        raw.expect(b"sent %d\n" % total)
        near.wait(send_queue=0)  # the other host has it
        far.wait(recv_queue=0)  # the program has it


@check(points=1, hint="`ss -tln` on beta shows address and port. Who can reach 127.0.0.1?")
def test_server_listens_on_its_port(server, site, beta, params):
    """The server listens on PORT of every address of its host."""
    listening(server, beta, params)
    listener = beta.tcp(port=params.port, state="listen").fact
    assert listener.local.ip in ("0.0.0.0", "::"), f"it listens on {listener.local.ip}"


@check(
    points=2,
    hint="`curl -v http://ADDRESS:PORT/note.txt` shows each line of both heads, `| xxd` each byte. How many bytes are "
    "in a file with a NUL in it?",
    needs=[LISTENS],
)
def test_a_file_comes_whole(server, ask, site, beta, params, noise):
    """A GET brings status 200, the length of the file and its bytes, whatever these are, and the end."""
    page, note = site.put("index.html", params.text.encode()), site.put("note.txt", ALL_BYTES)
    data, index, nothing = noise(300_000), noise(100), b""
    site.put("a b%c.bin", data)
    site.put("sub/index.html", index)
    site.put("sub/empty", nothing)
    listening(server, beta, params)
    for target, expected in (
        ("/note.txt", note),
        ("/a%20b%25c.bin", data),
        ("/", page),
        ("/sub/", index),
        ("/sub/empty", nothing),
        ("/note.txt?a=/b%zz", note),
    ):
        ask(get(target)).brings(expected)
    ask(b"GET /%6e%6Fte.txt HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n").brings(note)


@check(
    points=1,
    hint="`curl -I` for files of several names shows what is said of them. Where does the ending of a name begin?",
    needs=[SERVES],
)
def test_the_type_is_that_of_the_name(server, ask, site, beta, params):
    """Content-Type is that of the end of the file's name."""
    listening(server, beta, params)
    ask(get("/")).has(200).is_of("text/html")
    for ending, kind in TYPES:
        site.put(f"sub/x.y{ending}", b"x")
        ask(get(f"/sub/x.y{ending}?x.html")).has(200).is_of(kind)


@check(
    points=1,
    hint="Write down which of the refusals holds first for a request, and test in this order. What does open() of a "
    "FIFO wait for?",
    needs=[SERVES],
)
def test_each_refusal_has_its_status(server, ask, site, beta, params):
    """What is no request is answered with 400, other methods with 501, no file with 404, a closed one with 403."""
    site.put("closed.txt", b"x", mode=0o600)
    site.put("sub/x", b"x")
    beta.run(f"mkfifo -m 666 {params.folder}/fifo")
    running = listening(server, beta, params)
    for target in (f"/{params.more}", "/sub", "/sub/", "/note.txt/", "/note.txt/x", "/fifo", "/Note.txt"):
        ask(get(target)).has(404)
    ask(get("/closed.txt")).has(403)
    for method in ("POST", "get", "GETS", "HEA"):
        ask(get("/note.txt", method)).has(501)
    for line in ("GET", "GET /note.txt", "GET  /note.txt HTTP/1.0", "GET note.txt HTTP/1.0", "GET /note.txt HTTP/2.0",
                 "GET /note.txt HTTP/1.0 x", "GET /no te.txt HTTP/1.0", "POST note.txt HTTP/1.0", "/note.txt HTTP/1.0",
                 "GET /%zz HTTP/1.0", "GET /% HTTP/1.0", "GET /note.txt%00 HTTP/1.0", "POST /%2 HTTP/1.0"):  # fmt: skip
        ask(f"{line}\r\n\r\n".encode()).has(400)
    for whole in (get("/note.txt")[:-2], get("/note.txt")[:-1], b"\x16\x03\x01\0\xee", b"\r\n\r\n"):
        ask(whole, then="end").has(400)
    nothing = ask(b"", then="end", about="a client that asks for nothing")
    assert (nothing.head, nothing.size) == ("", 0), "a client that has asked for nothing is answered"
    ask(get("/note.txt")).has(200)
    assert running.alive, "the server has ended"


@check(
    points=1,
    hint="`curl -I` sends HEAD. Its answer has the head of that to a GET, down to Content-Length; what follows it?",
    needs=[SERVES],
)
def test_head_is_a_get_without_the_body(server, ask, site, beta, params, noise):
    """HEAD is answered as GET is, length and type included, but for the body."""
    data = site.put("page.html", noise(params.size))
    listening(server, beta, params)
    answer = ask(get("/page.html", "HEAD")).has(200, announced=len(data))
    assert answer.size == 0, "a body came after the head that HEAD asked for"
    missing = ask(get("/none.html", "HEAD"))
    assert missing.first.split(" ")[1:2] == ["404"], f"`HEAD /none.html`: the answer is `{missing.first}`"
    assert missing.size == 0, "a body came after the head that HEAD asked for"
    whole = ask(get("/page.html"))
    whole.brings(data)
    answer.is_of(whole.fields["content-type"])


@check(
    points=1,
    hint="recv() gives what has come so far: it may end in the middle of a word, or of \\r\\n\\r\\n. When is a request "
    "complete?",
    needs=[SERVES],
)
def test_a_request_may_come_in_pieces(server, peer, site, alpha, beta, params):
    """A request is understood when it is complete, whatever the pieces are that it comes in, and not before."""
    listening(server, beta, params)
    for cuts in ((6, 20, -3, -2), (3, -1)):
        raw = peer("alpha/left", "dial.py", "{beta.ipv4}", "{port}").start(stdin=PIPE, until=b"connected\n")
        near = alpha.tcp(remote__port=params.port, state="established")
        far = beta.tcp(port=params.port, state="established")
        request = get("/note.txt")
        places = [0, *(cut % len(request) for cut in cuts)]
        send_in_pieces(raw, [request[a:b] for a, b in pairwise(places)], near, far)
        assert b"HTTP/" not in raw.output().stdout, "it answers before the request is complete"
        raw.write(request[places[-1] :])
        raw.expect(f"\r\n\r\n{params.text}\n".encode(), timeout_s=2)
        raw.wait()


def lasts(drip, alpha, beta, params):
    """How many seconds a client could go on sending, once it is seen that the server reads what comes."""
    endless = drip.start(until=b"more\n")
    alpha.tcp(remote__port=params.port, state="close_wait").wait(send_queue=0)  # the other host has what came since
    beta.tcp(port=params.port, state="fin_wait2").wait(2, recv_queue=0)  # and the server has read it
    return float(endless.wait().exited(0).stdout.split()[-1])


def lasts_when_seen(*around):
    """The same, when it is not seen at first: the server may read for no more than a second, in which we must look."""
    for _ in range(2):
        with suppress(TimedOut):
            return lasts(*around)
    return lasts(*around)


@check(
    points=1,
    hint="`strace -f -e trace=network` on the server: what does the client's last recv() return when the server's "
    "close() comes with bytes unread? shutdown(2) says that nothing more comes, and recv() what still does.",
    needs=[SERVES],
)
def test_a_long_request_gets_its_answer(server, ask, peer, site, alpha, beta, params):
    """8,192 bytes are a request, more are answered with 400; what comes after the answer is read, for some seconds."""
    running = listening(server, beta, params)
    start = b"GET /note.txt HTTP/1.0\r\nX: "
    ask(start + b"x" * (MOST - len(start) - 4) + b"\r\n\r\n", about="a request of 8192 bytes").has(200)
    ask(start + b"x" * (MOST - len(start) - 3) + b"\r\n\r\n", about="a request of 8193 bytes").has(400)
    body = b"y" * 20_000
    for about, request, status in (
        ("a line of 20000 bytes", start + body, 400),
        ("a request with a body of 20000 bytes", get("/note.txt", "POST") + body, 501),
    ):
        running.signal(SIGSTOP, to="all")  # so that all of it has come before it is answered
        sender = peer("alpha/left", "ask.py", "{beta.ipv4}", "{port}").start(stdin=PIPE)
        sender.write(json.dumps({"send": request.decode(), "then": "listen"}).encode() + b"\n")
        beta.tcp(port=params.port).wait(recv_queue=len(request))
        running.signal(SIGCONT, to="all")
        sender.expect(b"}\n")
        Answer(about, json.loads(sender.output().stdout)).has(status)
    lasted_s = lasts_when_seen(peer("alpha/left", "drip.py", "{beta.ipv4}", "{port}", "/note.txt"), alpha, beta, params)
    assert lasted_s >= LEAST_S, f"a client that sent on after its answer was cut off after {lasted_s:.2f} s"
    assert lasted_s <= MOST_S, f"a client that never stops sending is still read from after {lasted_s:.2f} s"


@check(
    points=2,
    hint="Which file does open() open at the end of all `..`, all %2e, all links? Ask for the path as the kernel takes "
    "it, not as it was sent: openat2(2) has RESOLVE_BENEATH, realpath(3) says where a name leads.",
    needs=[SERVES],
)
def test_nothing_outside_the_folder_is_served(server, ask, site, beta, params):
    """No path leads out of FOLDER: not with `..`, however it is written, nor from the root, nor over a link."""
    secret, folder = params.more.encode(), params.folder
    beside = f"{folder}-beside"
    name = beside.rpartition("/")[2]
    beta.agent.put(f"{beside}/secret.txt", secret, parents=True)
    site.put("sub/x", b"x")
    beta.run(f"cd {folder} && ln -s ../{name}/secret.txt link.txt && ln -s {beside} folder && ln -s . sub/here")
    listening(server, beta, params)
    for target in (f"/../{name}/secret.txt", f"/sub/../../{name}/secret.txt", f"/%2e%2e/{name}/secret.txt",
                   f"/..%2f{name}%2Fsecret.txt", f"/.%2E/{name}/secret.txt", f"/{beside}/secret.txt",
                   f"/%2f{beside}/secret.txt", "/link.txt", "/folder/secret.txt"):  # fmt: skip
        answer = ask(get(target)).has(404)
        assert secret not in answer.body, f"`GET {target}` brings what is outside of FOLDER"
    for path in ("..note", "a..b.txt", "sub/...", "%2e%2e"):
        data = site.put(path, path.encode())
        ask(get("/" + path.replace("%", "%25"))).has(200)
        assert data == ask(get("/" + path.replace("%", "%25"))).body, f"/{path} is a file in FOLDER"


@check(
    points=2,
    hint="While the server waits for one client, who waits for the others? pthread_create(3), fork(2) and poll(2) are "
    "three answers.",
    needs=[SERVES],
)
def test_no_client_waits_for_another(server, ask, peer, site, beta, params):
    """A client is answered while 30 are silent, one has stopped amid its request and one takes nothing of its file."""
    beta.run(f"truncate -s {LARGE} {params.folder}/large.bin")
    running = listening(server, beta, params)
    words = ("{beta.ipv4}", "{port}", str(SILENT), "/note.txt", "/large.bin")
    crowd = peer("alpha/left", "crowd.py", *words).start(stdin=PIPE, until=b"connected\n")
    beta.tcp(port=params.port, state="established", send_queue=Ge(1)).wait()
    ask(get("/note.txt")).has(200)
    running.sleeps(0.3)
    served = crowd.ask(b"go\n", timeout_s=3)
    assert served == b"%d\n" % (SILENT + 1), (
        f"{served.decode().strip()} of {SILENT + 1} clients were answered in the end"
    )


@check(
    points=1,
    hint="`ls /proc/PID/fd` and `ps -ef` on beta after each kind of answer: what does one leave behind? And who ends a "
    "program that sends to somebody who has gone? send(2), EPIPE.",
    needs=[SERVES],
)
def test_clients_leave_nothing_behind(server, ask, site, beta, params):
    """Clients that go early do not end the server, and 180 answers leave no descriptor and no process in it."""
    site.put("closed.txt", b"x", mode=0o600)
    beta.run(f"truncate -s {LARGE} {params.folder}/large.bin; mkdir {params.folder}/sub")
    running = server.start(limits={"nofile": DESCRIPTORS})
    beta.tcp(port=params.port).wait(timeout_s=3, state="listen")
    ask(get("/note.txt")).has(200)
    for _ in range(5):
        ask(get("/large.bin"), then="leave")
    beta.tcp(port=params.port, state=In("established", "close_wait")).wait_gone()
    assert running.alive, f"a client that went before it had its answer ended the server: {running.end()}"
    for _ in range(TIMES):
        for target, method, status in (("/note.txt", "GET", 200), ("/none", "GET", 404), ("/sub", "GET", 404),
                                       ("/note.txt", "HEAD", 200), ("/note.txt", "PUT", 501)):  # fmt: skip
            answer = ask(get(target, method))
            assert f" {status} " in answer.first, f"after some requests, `{method} {target}` brings `{answer.first}`"
    ask(get("/note.txt")).has(200)
    beta.processes(ppid=running.pid, state="Z").wait_gone(timeout_s=2)


@check(
    points=1,
    hint="`ss -tan` on beta after an answer: which end closed first, and in which state is it now? socket(7).",
    needs=[SERVES],
)
def test_server_can_be_started_again_at_once(server, ask, reference, peer, site, beta, params, leftovers):
    """SIGTERM ends the server and all it started, nothing is left, and the next one can take the port at once."""
    beta.run(f"truncate -s {LARGE} {params.folder}/large.bin")
    running = listening(server, beta, params)
    words = ("{beta.ipv4}", "{port}", "3", "/note.txt", "/large.bin")
    crowd = peer("alpha/left", "crowd.py", *words).start(stdin=PIPE, until=b"connected\n")
    ask(get("/note.txt")).has(200)
    beta.tcp(port=params.port, state="time_wait").wait()
    running.signal(SIGTERM)
    assert running.wait(timeout_s=1).stdout == b"", "the server printed something"
    beta.tcp(port=params.port, state=In("listen", "established")).wait_gone(timeout_s=1)
    crowd.kill()
    crowd.wait()
    ask.go()
    assert not leftovers()
    listening(server, beta, params)
    assert (
        reference.client.run().exited(0, "the second server did not answer our client").stdout.decode()
        == f"{params.text}\n"
    )


@check(
    points=2,
    hint="Look at a whole answer with `nc`: where does its head end, and what says where its body does? One recv() may "
    "give half a head, or a head and half of a body.",
)
def test_client_prints_the_body_and_nothing_else(client, hall, alpha, beta, params):
    """The client sends its request as written and prints the body, in whatever pieces, to its length or its end."""
    head = b"HTTP/1.1 200 Fine\r\nX-Length: 1\r\ncontent-LENGTH:%d\r\nServer: ours\r\n\r\n"
    near, far = beta.tcp(port=params.port, state="established"), alpha.tcp(remote__port=params.port)
    body = f"\r\n\r\n{params.text}".encode() + ALL_BYTES

    raw = hall()
    target = f"/{params.text}?{params.more}"
    talking = client.start(args=[beta.ipv4, str(params.port), target])
    raw.expect(f"GET {target} HTTP/1.0\r\nHost: {beta.ipv4}:{params.port}\r\n\r\n".encode())
    whole = head % len(body) + body
    places = (0, 3, 30, len(whole) - len(body) - 2, len(whole) - len(body), len(whole) - 200)
    send_in_pieces(raw, [whole[a:b] for a, b in pairwise(places)], near, far)
    raw.write(whole[places[-1] :] + b"more than was announced")  # and it does not close the connection
    assert talking.wait().exited(0).stdout == body
    raw.wait()

    for answer in (b"HTTP/1.0 200 OK\r\n\r\n" + body, head % 0, b"HTTP/1.0 200 \r\nDate: today\r\n\r\n"):
        raw = hall()
        talking = client.start()
        raw.expect(b"\r\n\r\n")
        raw.write(answer)
        raw.expect(b"sent %d\n" % len(answer))
        raw.close_stdin()
        assert talking.wait().exited(0).stdout == answer.partition(b"\r\n\r\n")[2]
        raw.wait()


@check(
    points=1,
    hint="What the server says in its first line, what the connection says at its end, and what Content-Length says: "
    "do the three agree?",
    needs=[PRINTS],
)
def test_client_tells_what_went_wrong(client, hall):
    """Another status than 200 is told, exit status 3; an answer that ends too early, or is none, exit status 4."""
    for answer, status, words in (
        (b"HTTP/1.0 404 Not Found\r\nContent-Length: 5\r\n\r\nnone\n", 3, b"404"),
        (b"HTTP/1.1 301 Moved 200 OK\r\nLocation: /\r\n\r\n", 3, b"301"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nfive\n", 4, b""),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", 4, b""),
        (b"SSH-2.0-OpenSSH_9.2p1 200\r\n\r\n", 4, b""),
        (b"", 4, b""),
    ):
        raw = hall()
        talking = client.start()
        raw.expect(b"\r\n\r\n")
        raw.write(answer)
        if answer:
            raw.expect(b"sent %d\n" % len(answer))
        raw.close_stdin()
        ended = talking.wait().exited(status, f"the answer was {answer!r}")
        assert ended.stderr, "it said nothing on standard error"
        assert words in ended.stderr, "it does not say which status the server sent"
        assert ended.stdout in (b"", b"five\n"), "it printed what is no body of a 200"
        raw.wait()


@check(
    points=2,
    hint="curl and Python's server keep to the standard, not to this program: `curl -v`, `python3 -m http.server`.",
    needs=[SERVES, PRINTS],
)
def test_both_work_with_real_ones(server, client, reference, tool, site, beta, params, noise):
    """curl and our client get the server's files byte by byte, and the client those of Python's server and of ours."""
    data = site.put("sub/data.bin", noise(200_000))
    url = "http://{beta.ipv4}:{port}"
    running = listening(server, beta, params)
    curl = tool("alpha/left", "curl", "-sS", "--fail", f"{url}/sub/data.bin", f"{url}/note.txt").run()
    assert printed(curl.exited(0), data + f"{params.text}\n".encode()), "curl got something else"
    tool("alpha/left", "curl", "-sS", "--fail", f"{url}/none").run().exited(22, "curl calls a 404 that")
    words = [beta.ipv4, str(params.port), "/sub/data.bin"]
    assert printed(reference.client.run(args=words).exited(0), data), "our client got something else"
    running.signal(SIGTERM)
    running.wait()

    # At another port: whether this one is free again is another check's question.
    words[1] = str(params.second)
    python = tool("beta/main", "python3", "-m", "http.server", "{second}", "--directory", "{folder}")
    for real in (python, reference.server):
        running = real.start(port=params.second)
        beta.tcp(port=params.second).wait(timeout_s=5, state="listen")
        assert printed(client.run(args=words).exited(0), data), f"the client printed something else ({real.title})"
        client.run(args=[*words[:2], f"/{params.more}"]).refused(3)
        running.kill()
        running.wait()


def picture(width, height):
    """A PNG of one colour."""

    def chunk(kind, data):
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xf0\x80\x20" * width) * height
    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PAGE = """<!doctype html>
<html lang="en"><head><title>{text}</title><link rel="stylesheet" href="sub/style.css"></head>
<body><h1>{text}</h1><img src="sub/picture.png" alt="none"><p id="seen">nothing</p>
<script type="module" src="sub/script.js"></script></body></html>
"""
SCRIPT = """
const missing = await fetch("/{more}");
const head = await fetch("sub/told%20here.txt", {{method: "HEAD"}});
const told = await (await fetch("sub/told%20here.txt")).text();
const image = document.querySelector("img");
await image.decode().catch(() => 0);
document.getElementById("seen").textContent = [
  missing.status, head.headers.get("content-length"), told, image.naturalWidth,
  getComputedStyle(document.body).backgroundColor
].join(" ");
"""


@check(
    points=2,
    hint="A browser believes Content-Type: it takes no style sheet and no script that is called something else. "
    "`curl -I` for each file of a page shows what it is told.",
    needs=[SERVES],
)
def test_a_browser_shows_the_page(server, site, tool, beta, surfer, params, exhibit):
    """Chromium loads a page with its style sheet, picture and script, and the script what it asks the server for."""
    width, colour = 40 + params.size % 200, f"rgb({params.size % 100}, {90 + params.size % 50}, 140)"
    site.put("index.html", PAGE.format(text=params.text).encode())
    site.put("sub/style.css", f"body {{ background: {colour}; color: white; font: 20px sans-serif }}".encode())
    site.put("sub/script.js", SCRIPT.format(more=params.more).encode())
    site.put("sub/picture.png", picture(width, 60))
    site.put("sub/told here.txt", params.more.encode())
    listening(server, beta, params)
    browser = tool("surfer/browser", *BROWSER, "http://{beta.ipv4}:{port}/").run(timeout_s=BROWSER_S)
    assert browser.ok, f"Chromium could not show the page: {browser.told()}"
    exhibit("page.png", surfer.agent.get("/tmp/page.png").data)
    shown = browser.stdout.decode(errors="replace")
    seen = re.search(r'<p id="seen">(.*?)</p>', shown)
    assert seen, "the page did not come: " + " ".join(shown.split())[:200]
    expected = f"404 {len(params.more)} {params.more} {width} {colour}"
    assert seen[1] == expected, "what its script saw: status of a missing file, length, text, width, colour"


@check(
    points=1,
    hint="Which calls can fail before a client comes, and what is wrong with a TARGET that holds the end of a line?",
    needs=[SERVES, PRINTS],
)
def test_what_can_not_be_done_is_said(server, client, reference, ablated, site, ask, beta, params):
    """Wrong arguments end with 2; a port that is taken, no folder, no server or no network with 1."""
    port, folder, address = str(params.port), params.folder, beta.ipv4
    for args in ([], [port], ["port", folder], ["65536", folder], [port, folder, port]):
        server.run(args=args).refused(2)
    for target in ("note.txt", "", "/a b", "/a\r\nX: y", "/\t", "/\x7f", "/é", "/" * 2001):
        client.run(args=[address, port, target]).refused(2)
    for args in ([], [address, port], [address, "port", "/"], ["beta", port, "/"], [address, port, "/", "/"]):
        client.run(args=args).refused(2)
    server.run(args=[port, f"{folder}/none"]).refused(1)
    server.run(args=[port, f"{folder}/note.txt"]).refused(1)
    client.run().refused(1)
    listening(reference.server, beta, params)
    ablated.client.run().refused(1)
    server.run().refused(1)
    assert client.run(args=[address, port, "/note.txt"]).exited(0).stdout == f"{params.text}\n".encode()
