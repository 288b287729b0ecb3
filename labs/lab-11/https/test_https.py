"""Checks of https: what is on the wire and what is behind it, who believes whom, and how a connection ends."""

import hashlib
import json
from random import Random
from signal import SIGTERM

import pytest

from orchestrator.checks import PIPE, In, check

SERVES = "test_a_file_comes_over_tls"
PRINTS = "test_client_prints_the_body"
SILENT = 20
DESCRIPTORS = 40
TIMES = 36
"""What is left behind each time is more than may be open then."""
LARGE = 8 << 20
"""More than the buffers of a connection hold."""
SHOWN_BYTES = 100_000
"""Of what a program prints, the beginning and the end are kept."""
NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"


def get(target):
    """A request as programs send it."""
    return f"GET {target} HTTP/1.0\r\nHost: beta\r\n\r\n"


def printed(ended, expected):
    """Whether a program has printed `expected`, which may be longer than what is kept of it."""
    ends = ended.stdout[:SHOWN_BYTES], ended.stdout[-SHOWN_BYTES:]
    return ended.stdout_total == len(expected) and ends == (expected[:SHOWN_BYTES], expected[-SHOWN_BYTES:])


class Site:
    """The folder that the server serves, and the certificates beside it."""

    def __init__(self, host, folder, name):
        self.host = host
        self.folder = folder
        self.name = name
        self.secrets = f"{folder}-tls"
        host.run(f"mkdir {folder} {self.secrets}")

    def put(self, path, data):
        """A file in it."""
        self.host.agent.put(f"{self.folder}/{path}", data)
        return data

    def authority(self, title):
        """Somebody new who signs certificates: one more file TITLE.pem."""
        self._openssl(f"req -x509 {NEW_KEY} -keyout {title}.key -out {title}.pem -subj /CN={title} -days 2")
        return self.host.agent.get(f"{self.secrets}/{title}.pem").data

    def certificate(self, title, name, authority):
        """A certificate for a name, TITLE.pem, and the key to it, TITLE.key."""
        by = f"-CA {authority}.pem -CAkey {authority}.key -days 2"
        says = f"-subj /CN={name} -addext subjectAltName=DNS:{name} -addext basicConstraints=critical,CA:FALSE"
        self._openssl(f"req -x509 {by} {NEW_KEY} -keyout {title}.key -out {title}.pem {says}")
        # Programs of checks are of the group student, and nobody else may read a key.
        self.host.run(f"cd {self.secrets} && chgrp student {title}.key && chmod 640 {title}.key")

    def pair(self, title):
        """Paths of a certificate and its key."""
        return f"{self.secrets}/{title}.pem", f"{self.secrets}/{title}.key"

    def _openssl(self, words):
        made = self.host.run(f"cd {self.secrets} && openssl {words}")
        if made.rc != 0:
            raise RuntimeError(made.stderr)


@pytest.fixture
def site(alpha, beta, params):
    """A folder with a text in it, a certificate for NAME, and its authority where clients look for it."""
    made = Site(beta, params.folder, f"{params.name}.example")
    made.put("note.txt", f"{params.text}\n".encode())
    alpha.agent.put(f"{params.folder}-ca.pem", made.authority("ours"))
    made.certificate("server", made.name, "ours")
    return made


def listening(server, host, params):
    """A running server that can be connected to."""
    running = server.start()
    host.tcp(port=params.port).wait(timeout_s=3, state="listen")
    return running


@pytest.fixture
def visit(peer):
    """Visit the server as a client that may behave badly: what came back."""
    words = ("{beta.ipv4}", "{port}", "{name}.example", "{folder}-ca.pem")
    started = []

    def once(*send, how="tls"):
        if not started:
            started.append(peer("alpha/left", "visit.py", *words).start(stdin=PIPE))
        said = json.loads(started[0].ask(json.dumps({"how": how, "send": send}).encode() + b"\n", timeout_s=3))
        assert said["end"] != "refused", "the server does not listen any more"
        return said

    return once


def has(said, data):
    """Check that a visit has brought a file, and the end as TLS tells it."""
    assert "text" in said, f"our client could not be served over TLS: {said['end']}"
    head, line, _ = said["text"].partition("\r\n\r\n")
    assert line, f"no head of an answer came back, but {said['text'][:80]!r}"
    assert head.startswith("HTTP/1.0 200 "), f"the answer begins with {head[:40]!r}"
    assert f"\r\ncontent-length: {len(data)}\r\n" in f"{head.lower()}\r\n", "no right Content-Length is in the head"
    assert said["size"] == len(head + line) + len(data), "the body has not as many bytes as the file"
    assert said["sha256"] == hashlib.sha256(data).hexdigest(), "other bytes came than the file has"
    assert said["end"] == "told", f"the connection was {said['end']}: TLS did not say that this is the end"


@pytest.fixture
def curl(tool, alpha, params):
    """Have curl fetch a file as from NAME, believing our authority or what else the options say."""

    def fetch(target, *options, name="{name}.example"):
        believes = options or ("--cacert", "{folder}-ca.pem")
        where = ("--resolve", f"{name}:{{port}}:{{beta.ipv4}}", f"https://{name}:{{port}}{target}")
        return tool("alpha/left", "curl", "-sS", "--noproxy", "*", "--fail", *believes, *where).run()

    return fetch


@check(
    points=2,
    hint="`openssl s_client -connect ADDRESS:PORT -quiet` is `nc` for TLS. SSL_accept() comes where you would have "
    "begun to read, SSL_shutdown() where you would have closed: what does each of them send?",
)
def test_a_file_comes_over_tls(server, visit, site, beta, params):
    """Over TLS 1.2 or later a GET brings the file, whatever its bytes, and then TLS says that it is the end."""
    note = site.put("note.txt", bytes(range(256)))
    data, nothing = site.put("a-b.bin", Random(params.text).randbytes(300_000)), site.put("empty", b"")
    running = listening(server, beta, params)
    for target, expected in (("/note.txt", note), ("/a-b.bin", data), ("/empty", nothing)):
        said = visit(get(target))
        has(said, expected)
        assert said["version"] in ("TLSv1.2", "TLSv1.3"), f"it speaks {said['version']}"
    request = get("/note.txt")
    has(visit(request[:7], request[7:-2], request[-2:]), note)
    for target in ("/none.txt", f"/../{params.folder.rpartition('/')[2]}-tls/server.key"):
        said = visit(get(target))
        assert said.get("text", "")[:12] in ("HTTP/1.0 404", "HTTP/1.0 400"), f"{target} is not refused: {said}"
    running.signal(SIGTERM)
    assert running.wait().stdout == b"", "the server printed something"


@check(
    points=2,
    hint="Compare `tcpdump -A port PORT` as root on beta for this server and for that of http. What of a conversation "
    "is still to be seen?",
)
def test_the_wire_is_unreadable(server, curl, site, tool, beta, params):
    """Who listens on the wire sees NAME, but neither request nor file; of an HTTP server without TLS all of it."""
    site.put("secret.txt", params.text.encode())
    site.put("open.txt", params.more.encode())
    listening(server, beta, params)
    tool("beta/main", "python3", "-m", "http.server", "{second}", "-d", "{folder}").start()
    beta.tcp(port=params.second).wait(timeout_s=5, state="listen")
    words = ("-i", "any", "-n", "-U", "-w", "-", "tcp port {port} or tcp port {second}")
    witness = tool("beta/main", "tcpdump", *words, grants=["net_raw"]).start()
    witness.expect(b"listening on", stream="stderr")

    assert curl("/secret.txt").exited(0, "curl got no file over TLS").stdout == params.text.encode()
    plain = tool("alpha/left", "curl", "-sS", "http://{beta.ipv4}:{second}/open.txt").run()
    assert plain.exited(0).stdout == params.more.encode()
    witness.expect(params.more.encode())  # packets are seen in their order: all of the first conversation, too
    seen = witness.output().stdout
    assert b"open.txt" in seen, "the witness did not see the request to the server without TLS"
    assert site.name.encode() in seen, "no TLS handshake for NAME was seen on the wire"
    assert b"secret.txt" not in seen, "the request can be read on the wire"
    assert params.text.encode() not in seen, "the file can be read on the wire"


@check(
    points=1,
    hint="`openssl s_client -connect ADDRESS:PORT -CAfile FILE -verify_hostname NAME` says what is wrong. Which of the "
    "two files do you show to whom?",
    needs=[SERVES],
)
def test_curl_believes_the_certificate(server, curl, site, tool, alpha, beta, params):
    """curl takes the certificate for NAME by our authority; not for another name, nor if it knows another authority."""
    alpha.agent.put(f"{params.folder}-unknown.pem", site.authority("unknown"))
    running = listening(server, beta, params)
    text = f"{params.text}\n".encode()
    assert curl("/note.txt").exited(0, "curl does not take the certificate").stdout == text
    for refusal in (curl("/note.txt", "--cacert", "{folder}-unknown.pem"), curl("/note.txt", name="other.example")):
        refusal.exited(60, "curl says so when it does not believe a certificate")
    words = ("-connect", "{beta.ipv4}:{port}", "-CAfile", "{folder}-ca.pem", "-verify_return_error", "-quiet")
    client = tool("alpha/left", "openssl", "s_client", *words, "-verify_hostname", "{name}.example", "-ign_eof")
    shown = client.run(stdin=get("/note.txt").encode()).exited(0, "s_client does not take the certificate")
    assert shown.stdout.endswith(b"\r\n\r\n" + text), "s_client got no file"
    assert running.alive, f"clients that do not believe it ended the server: {running.end()}"


@check(
    points=2,
    hint="SSL_accept() waits for the client: whose time is that? And who else waits meanwhile?",
    needs=[SERVES],
)
def test_no_handshake_holds_up_another(server, visit, peer, site, beta, params):
    """A client is served while 20 others have said nothing and one half a word of its handshake."""
    running = listening(server, beta, params)
    crowd = peer("alpha/left", "crowd.py", "{beta.ipv4}", "{port}", str(SILENT)).start(stdin=PIPE, until=b"connected\n")
    beta.tcp(port=params.port, state="established").wait()
    has(visit(get("/note.txt")), f"{params.text}\n".encode())
    running.sleeps(0.3)
    crowd.close_stdin()
    crowd.wait()
    has(visit(get("/note.txt")), f"{params.text}\n".encode())


@check(
    points=2,
    hint="What does SSL_accept() return when somebody speaks plain HTTP to it? And which call of OpenSSL's writes to a "
    "client that has gone? signal(7). `ls /proc/PID/fd` after each kind of visit shows what it leaves.",
    needs=[SERVES],
)
def test_bad_visitors_end_nothing(server, visit, site, beta, params):
    """Plain HTTP, nonsense, half a handshake, and clients that go amid an answer cost only their own connections."""
    beta.run(f"truncate -s {LARGE} {params.folder}/large.bin")
    running = server.start(limits={"nofile": DESCRIPTORS})
    beta.tcp(port=params.port).wait(timeout_s=3, state="listen")
    plain = visit(get("/note.txt"), how="plain")
    assert params.text not in plain.get("text", ""), "it gives the file to a client that speaks no TLS"
    for _ in range(3):
        visit(get("/large.bin"), how="leave")
    beta.tcp(port=params.port, state=In("established", "close_wait")).wait_gone()
    assert running.alive, f"a client that went amid its answer ended the server: {running.end()}"
    for _ in range(TIMES):
        visit(get("/note.txt"), how="plain")
        visit(how="hello")
    has(visit(get("/note.txt")), f"{params.text}\n".encode())
    for _ in range(TIMES):
        visit(get("/none.txt"))
        has(visit(get("/note.txt")), f"{params.text}\n".encode())
    beta.processes(ppid=running.pid, state="Z").wait_gone(timeout_s=2)


@pytest.fixture
def shop(peer, beta, params):
    """Start a server of ours for one client: with which certificate, what it answers, and how it ends."""

    def start(pair, answer, end="told"):
        started = peer("beta/main", "shop.py", "{port}", *pair, end).start(stdin=answer)
        beta.tcp(port=params.port).wait(timeout_s=5, state="listen")
        return started

    return start


@check(
    points=2,
    hint="SSL_connect() after connect(), then SSL_write() and SSL_read() in place of send() and recv(). Who tells the "
    "server for which of its names it is asked?",
)
def test_client_prints_the_body(client, shop, site, params):
    """The client asks for NAME and TARGET over TLS and prints the body, byte by byte, up to the end."""
    for body in (bytes(range(256)) + params.text.encode(), Random(params.text).randbytes(200_000), b""):
        server = shop(site.pair("server"), b"HTTP/1.1 200 OK\r\nServer: ours\r\n\r\n" + body)
        assert printed(client.run().exited(0), body), "it printed something else than the body"
        request = f"GET /note.txt HTTP/1.0\r\nHost: {site.name}\r\n\r\n"
        assert server.wait().stdout.decode() == f"asked for {site.name}\n{request}"
    shop(site.pair("server"), b"HTTP/1.0 404 Not Found\r\n\r\nnone")
    assert b"404" in client.run().refused(3).stderr, "it does not say which status the server sent"


@check(
    points=2,
    hint="A certificate is for a name, signed by somebody. SSL_CTX_set_verify(3) and SSL_set1_host(3): which of the "
    "two questions does each of them ask?",
    needs=[PRINTS],
)
def test_client_refuses_whom_it_can_not_trust(client, shop, site, tool, beta, params):
    """Another's certificate, one of an unknown authority, or none: it sends no request, says so and exits with 5."""
    answer = b"HTTP/1.0 200 OK\r\n\r\n" + params.text.encode()
    site.authority("unknown")
    site.certificate("forged", site.name, "unknown")
    site.certificate("other", "other.example", "ours")
    for title in ("forged", "other"):
        server = shop(site.pair(title), answer)
        client.run().refused(5, f"the certificate was {title}")
        assert b"GET" not in server.wait().stdout, "it sent its request all the same"
    plain = tool("beta/main", "python3", "-m", "http.server", "{second}", "-d", "{folder}").start()
    beta.tcp(port=params.second).wait(timeout_s=5, state="listen")
    client.run(port=params.second).refused(5, "the server speaks no TLS")
    assert plain.alive


@check(
    points=1,
    hint="SSL_get_error(3) tells SSL_ERROR_ZERO_RETURN from the rest. Which of them can somebody bring about who "
    "cuts the line?",
    needs=[PRINTS],
)
def test_client_tells_an_end_from_a_cut(client, shop, site, params):
    """A connection that ends without TLS saying so was cut: the client says so and exits with 4."""
    for answer in (b"HTTP/1.0 200 OK\r\n\r\n" + params.text.encode(), b"HTTP/1.0 200 OK\r\n"):
        shop(site.pair("server"), answer, "cut")
        ended = client.run().exited(4, "the end of the connection was not that of TLS")
        assert ended.stderr, "it said nothing on standard error"
    shop(site.pair("server"), b"HTTP/1.0 200 OK\r\n")
    client.run().refused(4, "the answer had half a head")


@check(
    points=1,
    hint="Our programs do what the brief says, and nothing more: a request, an answer, and the end as TLS tells it.",
)
def test_both_work_with_our_programs(server, client, reference, site, beta, params):
    """Our client gets a file from the server, and the client from our server."""
    data = site.put("note.txt", Random(params.more).randbytes(150_000))
    running = listening(server, beta, params)
    assert printed(reference.client.run().exited(0), data), "our client printed something else"
    running.signal(SIGTERM)
    running.wait()
    # At another port: whether this one is free again is not asked for.
    reference.server.start(port=params.second)
    beta.tcp(port=params.second).wait(timeout_s=5, state="listen")
    assert printed(client.run(port=params.second).exited(0), data), "the client printed something else"


@check(
    points=1,
    hint="Each call of OpenSSL that loads something can fail. Does the server find out before its first client comes?",
    needs=[SERVES, PRINTS],
)
def test_what_can_not_be_done_is_said(server, client, reference, ablated, site, tool, alpha, beta, island, params):
    """Wrong arguments end with 2; a wrong key, no file, a taken port, no server or no network with 1."""
    site.certificate("other", "other.example", "ours")
    port, folder, (certificate, key) = str(params.port), params.folder, site.pair("server")
    authority = f"{folder}-ca.pem"
    for args in ([], [port, folder, certificate], ["port", folder, certificate, key], [port] * 5):
        server.run(args=args).refused(2)
    for args in ([], [beta.ipv4, port, "x", authority], [beta.ipv4, "0", "x", authority, "/"],
                 [beta.ipv4, port, "x", authority, "note"], [beta.ipv4, port, "x", authority, "/a b"]):  # fmt: skip
        client.run(args=args).refused(2)
    for pair in ((certificate, site.pair("other")[1]), (certificate, f"{folder}/none"), (f"{folder}/note.txt", key)):
        server.run(args=[port, folder, *pair]).refused(1)
    server.run(args=[port, f"{folder}/none", certificate, key]).refused(1)
    client.run().refused(1)
    listening(reference.server, beta, params)
    server.run().refused(1)
    client.run(args=[beta.ipv4, port, site.name, f"{folder}/none", "/note.txt"]).refused(1)
    island.agent.put(authority, alpha.agent.get(authority).data)
    ablated.client.run().refused(1)
    assert client.run().exited(0).stdout == f"{params.text}\n".encode()
