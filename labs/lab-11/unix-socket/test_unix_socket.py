"""Checks of unix-socket: the socket file, what comes back, and who is held up by whom."""

from signal import SIGCONT, SIGINT, SIGSTOP, SIGTERM
from time import sleep

from orchestrator.checks import PIPE, Ge, check

LISTENS = "test_server_listens_at_its_path"
ANSWERS = "test_text_comes_back_in_upper_case"
STREAMS = "test_bytes_come_back_as_they_come"
ALL_BYTES = bytes(range(256))
MUCH = 2_000_000
CROWD = 14
"""With two more clients there are 16."""
SILENCE_S = 1.0
"""Longer than what those wait who take silence for the end."""


def listening(server, alpha, params):
    """A running server that can be connected to."""
    running = server.start()
    alpha.unix_socket(params.path).wait(timeout_s=3, state="listen")
    return running


def full(connection):
    """Return when no more fits into a connection."""
    had, now = 0, connection.wait(recv_queue=Ge(1)).recv_queue
    while now != had:
        sleep(0.1)
        had, now = now, connection.recv_queue


def converse(client, text):
    """Check that `client`, which is connected, gets `text` back in upper case."""
    client.write(text.encode())
    client.expect(text.upper().encode())


def answering(peer, alpha, params):
    """A running server of ours that answers what the check gives it."""
    raw = peer("alpha/left", "raw_server.py", "{ours}").start(stdin=PIPE)
    alpha.unix_socket(params.ours).wait(state="listen")
    return raw


def refused(ended, exit_status, printed=b""):
    """Check that a program has said what is wrong, and has exited with `exit_status` after it had printed `printed`."""
    assert ended.signal is None, f"{ended.signal} ended it"
    assert ended.exit == exit_status, f"exit status {ended.exit}, not {exit_status}"
    assert ended.stdout == printed
    assert ended.stderr, "it said nothing on standard error"


@check(
    points=1,
    hint="`ss -xl` lists listening sockets, `ls -l /ipc` the file. Which mode does bind() give it? unix(7), umask(2).",
)
def test_server_listens_at_its_path(server, alpha, params):
    """The server listens on a stream socket at PATH, a socket file with mode 0660."""
    listening(server, alpha, params)
    listener = alpha.unix_socket(params.path, state="listen").fact
    assert listener.type == "stream", f"it is a {listener.type} socket"
    assert listener.file is not None, "there is no file of that name"
    assert listener.file.mode == 0o660, f"its mode is {listener.file.mode:04o}"


@check(
    points=1,
    hint="When does the server know that a client has said all? And how can a client that has said all still listen? "
    'Look for "half" in shutdown(2), and follow both with `strace -e trace=network`.',
    needs=[LISTENS],
)
def test_text_comes_back_in_upper_case(server, client, alpha, params):
    """What the client is given goes to the server and comes back in upper case; then the client exits with 0."""
    running = listening(server, alpha, params)
    given = f"{params.text}\n{params.more}"
    talking = client.start(stdin=PIPE)
    connection = alpha.unix_socket(params.path, state="established")
    connection.wait(timeout_s=3)
    running.signal(SIGSTOP, to="all")  # so that the input ends before the answer begins
    talking.write(given.encode())
    talking.close_stdin()
    connection.wait(recv_queue=Ge(len(given)))
    running.signal(SIGCONT, to="all")
    ended = talking.wait()
    assert ended.stdout == given.upper().encode()
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"


@check(
    points=1,
    hint="A stream has no lines and no messages: what one recv() gave is all there is to go by. Who reads the answer "
    "while the client waits for more input?",
    needs=[ANSWERS],
)
def test_bytes_come_back_as_they_come(server, client, peer, alpha, params):
    """Each piece comes back at once, be it one letter; the client prints what comes from the server, as it comes."""
    listening(server, alpha, params)
    talking = client.start(stdin=PIPE)
    for text in (params.text[0], params.text, params.more):
        converse(talking, text)
    assert talking.alive, "the client ended though its input had not"
    talking.close_stdin()
    assert talking.wait().exit == 0, "the client did not exit with 0 at the end of its input"

    raw = answering(peer, alpha, params)
    talking = client.start(stdin=PIPE, path=params.ours)
    talking.write(params.text.encode())
    raw.expect(params.text.encode())
    other = params.text[::-1].encode()  # what nobody could have answered but this server
    raw.write(other[:3])
    talking.expect(other[:3])
    talking.close_stdin()
    raw.expect(b" that was all")
    raw.write(other[3:])
    raw.close_stdin()
    ended = talking.wait()
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"
    assert ended.stdout == other


@check(
    points=1,
    hint="While the server waits for one client, who waits for the others? poll(2), pthread_create(3) and fork(2) are "
    "three answers.",
    needs=[STREAMS],
)
def test_several_clients_are_served_at_the_same_time(server, client, peer, alpha, params):
    """Two clients talk to the server in turns while 14 are silent; with nothing to do it sleeps, then serves these."""
    running = listening(server, alpha, params)
    silent = peer("alpha/right", "crowd.py", "{path}", str(CROWD)).start(stdin=PIPE)
    silent.expect(b"connected\n")
    one, other = client.start(stdin=PIPE), client.start(stdin=PIPE)
    for text in (params.text, params.more):
        converse(one, text)
        converse(other, text)
    running.sleeps()
    silent.close_stdin()
    assert silent.wait().stdout == b"connected\nright\n", "of 14 silent clients not all were served in the end"
    for talking in (one, other):
        talking.close_stdin()
        assert talking.wait().exit == 0, "a client did not exit with 0 at the end of its input"


@check(
    points=1,
    hint="The client sends and waits, the server sends and waits: who reads? `strace -p` both. And what does send() "
    "return when less fits than it was given?",
    needs=[ANSWERS],
)
def test_nothing_is_lost_or_stuck_when_much_is_sent(server, client, peer, alpha, params):
    """A client gets 2 MB back while it still sends; another one that reads only later gets all of its bytes, too."""
    listening(server, alpha, params)
    given = "".join(f"{params.text} {number}\n" for number in range(MUCH // (len(params.text) + 7))).encode()
    ended = client.run(stdin=given, timeout_s=5)
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"
    assert ended.stdout_total == len(given), f"{len(given)} bytes were sent, {ended.stdout_total} came back"
    assert ended.stdout[:100_000] == given[:100_000].upper()
    assert ended.stdout[-100_000:] == given[-100_000:].upper()

    late = peer("alpha/right", "late_client.py", "{path}").start(stdin=PIPE)
    late.expect(b"stuck\n")
    late.close_stdin()
    assert late.wait().stdout == b"stuck\nright\n"


@check(
    points=1,
    hint="A send() to a client that does not read has to wait. For whom does the server wait then? And what if such a "
    "client goes away? EPIPE in send(2).",
    needs=[ANSWERS],
)
def test_a_client_that_does_not_read_harms_nobody(server, client, peer, alpha, params):
    """While one client sends and never reads, the server sleeps and serves others; that one is killed, it lives on."""
    running = listening(server, alpha, params)
    deaf = peer("alpha/right", "late_client.py", "{path}").start(stdin=PIPE)
    deaf.expect(b"stuck\n")
    running.sleeps()
    assert client.run(stdin=params.text.encode()).stdout == params.text.upper().encode()
    deaf.kill()
    assert client.run(stdin=params.more.encode()).stdout == params.more.upper().encode()
    assert running.alive, "the server has ended"


@check(
    points=1,
    hint="Closing a socket does not remove its file, and bind() takes no name that exists. SIGTERM ends a program "
    "on the spot unless it says otherwise; SIGKILL always does.",
    needs=[ANSWERS],
)
def test_socket_file_goes_with_the_server(server, client, alpha, params, leftovers):
    """SIGTERM and SIGINT end the server with status 0 and nothing is left; what SIGKILL left hinders no next server."""
    for number in (SIGTERM, SIGINT):
        running = listening(server, alpha, params)
        talking = client.start(stdin=PIPE)
        alpha.unix_socket(params.path, state="established").wait()
        running.signal(number)
        ended = running.wait(timeout_s=1)
        assert ended.exit == 0, f"the server did not exit with 0 after {number.name}"
        assert ended.stdout == b"", "the server printed something"
        talking.kill()
        talking.wait()
        assert not leftovers(), f"left behind after {number.name}"
    listening(server, alpha, params).kill()
    assert alpha.file(params.path).is_socket, "the killed server left no socket file"
    listening(server, alpha, params)
    assert client.run(stdin=params.text.encode()).stdout == params.text.upper().encode()


@check(
    points=1,
    hint="recv() returns 0 when the other end is closed. Was the client done then? Does it notice while it waits for "
    "input of its own, or for room to send? And what does send() do when nobody is there?",
    needs=[STREAMS],
)
def test_client_notices_that_the_server_has_gone(reference, client, peer, alpha, params):
    """The client exits with 3 if the server goes while it waits for input, while it sends, or before all came back."""
    running = listening(reference.server, alpha, params)
    talking = client.start(stdin=PIPE)
    converse(talking, params.text)
    running.kill()
    refused(talking.wait(), exit_status=3, printed=params.text.upper().encode())

    given, part = params.text.encode(), params.text[:3].encode()
    raw = answering(peer, alpha, params)
    talking = client.start(stdin=PIPE, path=params.ours)
    talking.write(given)
    raw.expect(given)
    raw.signal(SIGSTOP)
    talking.write(b"x" * MUCH)  # far more than fits
    full(alpha.unix_socket(params.ours, state="established"))
    # It must see all of the end at once: while the other end closes, there is no room to send for a moment.
    talking.signal(SIGSTOP, to="all")
    raw.kill()
    talking.signal(SIGCONT, to="all")
    refused(talking.wait(), exit_status=3)

    raw = answering(peer, alpha, params)
    talking = client.start(stdin=given, path=params.ours)
    raw.expect(given + b" that was all")
    raw.write(part)
    talking.expect(part)
    sleep(SILENCE_S)
    assert talking.alive, f"it did not wait for the server to close the connection: {talking.end()}"
    raw.kill()
    refused(talking.wait(), exit_status=3, printed=part)


@check(
    points=1,
    hint="Our programs run as another user of your group and keep to the contract by the letter. Bytes are not text: "
    "which of the 256 change, and where does a string end?",
    needs=[ANSWERS],
)
def test_both_work_with_our_programs(server, client, reference, alpha, params):
    """Our client is served by the server, and the client by our server, whatever the bytes."""
    given = params.text.encode() + ALL_BYTES + params.more.encode()
    expected = given.upper()
    listening(server, alpha, params)
    assert reference.client.run(stdin=given).stdout == expected

    reference.server.start(path=params.ours)
    alpha.unix_socket(params.ours).wait(state="listen")
    ended = client.run(stdin=given, path=params.ours)
    assert ended.exit == 0, f"exit status {ended.exit}, signal {ended.signal}, not exit status 0"
    assert ended.stdout == expected


@check(
    points=1,
    hint="Which calls of the client can fail when nobody is there? Each of them says so in errno.",
    needs=[ANSWERS],
)
def test_client_without_a_server_says_so(server, client, reference, ablated, alpha, island, params):
    """Where no server is, on alpha or another host, the client says so and exits with 1; where one is, it is served."""
    given, expected = params.text.encode(), params.text.upper().encode()
    refused(client.run(stdin=given), exit_status=1)
    running = listening(server, alpha, params)
    refused(ablated.client.run(stdin=given), exit_status=1)
    reference.server.at("island/solo").start()
    island.unix_socket(params.path).wait(state="listen")
    assert ablated.client.run(stdin=given).stdout == expected, "on another host its server did not serve it"
    running.kill()
    refused(client.run(stdin=given), exit_status=1)


@check(
    points=1,
    hint="argc is the number of arguments and one more, and strcpy() does not know how much room there is. Which "
    "status tells a wrong call from a failure? What does bind() return where there is no folder?",
    needs=[LISTENS],
)
def test_what_can_not_be_done_is_said(server, client, params):
    """With wrong arguments or too long a PATH both exit with 2; a server that can't listen says so and exits with 1."""
    for program in (server, client):
        for args in ([], [params.path, params.path], [params.path.ljust(120, "x")]):
            refused(program.run(args=args), exit_status=2)
    refused(server.run(path="/ipc/nowhere/upper"), exit_status=1)
