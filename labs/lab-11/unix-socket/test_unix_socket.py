"""Checks of unix-socket: the socket file, what comes back, and who is held up by whom."""

from signal import SIGCONT, SIGINT, SIGSTOP, SIGTERM

from orchestrator.checks import PIPE, Ge, check

LISTENS = "test_server_listens_at_its_path"
ANSWERS = "test_text_comes_back_in_upper_case"
STREAMS = "test_bytes_come_back_as_they_come"


def listening(server, alpha, params):
    """A running server that can be connected to."""
    running = server.start()
    alpha.unix_socket(params.path).wait(timeout_s=3, state="listen")
    return running


def converse(client, text):
    """Check that `client`, which is connected, gets `text` back in upper case."""
    client.write(text.encode())
    client.expect(text.upper().encode())


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
def test_bytes_come_back_as_they_come(server, client, alpha, params):
    """Each piece of text comes back at once, while the client waits for more: without a newline, without an end."""
    listening(server, alpha, params)
    talking = client.start(stdin=PIPE)
    converse(talking, params.text)
    converse(talking, params.more)
    assert talking.alive, "the client ended though its input had not"
    talking.close_stdin()
    assert talking.wait().exit == 0, "the client did not exit with 0 at the end of its input"


@check(
    points=1,
    hint="While the server waits for one client, who waits for the others? poll(2), pthread_create(3) and fork(2) are "
    "three answers.",
    needs=[STREAMS],
)
def test_several_clients_are_served_at_the_same_time(server, client, alpha, params):
    """Two clients talk to the server in turns, while a third one is connected and silent."""
    listening(server, alpha, params)
    silent = client.start(stdin=PIPE)
    alpha.unix_socket(params.path, state="established").wait()
    one, other = client.start(stdin=PIPE), client.start(stdin=PIPE)
    for text in (params.text, params.more):
        converse(one, text)
        converse(other, text)
    for talking in (one, other, silent):
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
    given = "".join(f"{params.text} {number}\n" for number in range(2_000_000 // (len(params.text) + 7))).encode()
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
    """While one client sends and never reads, others are served; when it is killed, the server lives on."""
    running = listening(server, alpha, params)
    deaf = peer("alpha/right", "late_client.py", "{path}").start(stdin=PIPE)
    deaf.expect(b"stuck\n")
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
        assert running.wait().exit == 0, f"the server did not exit with 0 after {number.name}"
        talking.kill()
        assert not leftovers(), f"left behind after {number.name}"
    listening(server, alpha, params).kill()
    assert alpha.file(params.path).is_socket, "the killed server left no socket file"
    listening(server, alpha, params)
    assert client.run(stdin=params.text.encode()).stdout == params.text.upper().encode()


@check(
    points=1,
    hint="recv() returns 0 when the other end is closed. Was the client done then? Does it notice while it waits for "
    "input of its own?",
    needs=[STREAMS],
)
def test_client_notices_that_the_server_has_gone(reference, client, alpha, params):
    """When the server is killed, a connected client says so and exits with 3, though its input has not ended."""
    running = listening(reference.server, alpha, params)
    talking = client.start(stdin=PIPE)
    converse(talking, params.text)
    running.kill()
    ended = talking.wait()
    assert ended.signal is None, f"{ended.signal} ended the client"
    assert ended.exit == 3, f"exit status {ended.exit}, signal {ended.signal}, not exit status 3"
    assert ended.stderr, "it said nothing on standard error"


@check(
    points=1,
    hint="Our programs run as another user of your group and keep to the contract by the letter.",
    needs=[ANSWERS],
)
def test_both_work_with_our_programs(server, client, reference, alpha, params):
    """Our client is served by the server, and the client by our server."""
    given, expected = params.text.encode(), params.text.upper().encode()
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
def test_client_without_a_server_says_so(server, client, ablated, alpha, params):
    """Without a server, and on another host, the client says what failed, prints nothing and exits with 1."""
    running = listening(server, alpha, params)
    elsewhere = ablated.client.run(stdin=params.text.encode())
    running.kill()
    refused = client.run(stdin=params.text.encode())
    for failed in (elsewhere, refused):
        assert failed.exit == 1, f"exit status {failed.exit}, signal {failed.signal}, not exit status 1"
        assert failed.stdout == b""
        assert failed.stderr, "it said nothing on standard error"
