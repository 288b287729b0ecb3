"""A connected socket to an engine: of this machine, over TCP, with TLS, or through SSH.

What is said over it is the callers' matter: `client` speaks HTTP, `upgrade` turns a connection into a raw stream.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading

from orchestrator.engine.endpoint import Endpoint, Tls
from orchestrator.engine.refusal import unreachable

SSH_OPTIONS = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=30")
"""Nobody is there to be asked for a password, or whether a host's unknown key is the right one."""


def dial(endpoint: Endpoint, timeout_s: float | None) -> socket.socket:
    """A connected socket, with TLS if the endpoint wants it.

    Raises:
        EngineUnavailable: Nothing answers there, or not with the right certificate.
    """
    try:
        if endpoint.scheme == "unix":
            return _dial_unix(endpoint.path, timeout_s)
        if endpoint.scheme == "ssh":
            return _dial_ssh(endpoint, timeout_s)
        plain = socket.create_connection((endpoint.host, endpoint.port), timeout_s)
        # An agent's frames are small and each is waited for.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _secured(plain, endpoint) if endpoint.tls else plain
    except OSError as error:
        raise unreachable(endpoint, error) from error


def _dial_unix(path: str, timeout_s: float | None) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    try:
        made.settimeout(timeout_s)
        made.connect(path)
    except BaseException:
        made.close()
        raise
    return made


def _secured(plain: socket.socket, endpoint: Endpoint) -> socket.socket:
    try:
        return _context(endpoint.tls or Tls()).wrap_socket(plain, server_hostname=endpoint.host)
    except BaseException:
        plain.close()
        raise


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def _dial_ssh(endpoint: Endpoint, timeout_s: float | None) -> socket.socket:
    """As the docker command does it: `ssh` runs `docker system dial-stdio` over there, by the user's own SSH settings.

    It ends when the socket is closed, also when that is because we were killed.
    """
    user = ("-l", endpoint.user) if endpoint.user else ()
    port = ("-p", str(endpoint.explicit_port)) if endpoint.explicit_port else ()
    command = ("ssh", *SSH_OPTIONS, *user, *port, "--", endpoint.host, "docker system dial-stdio")
    ours, theirs = socket.socketpair()
    with theirs:
        # In a session of its own, so that ctrl-C reaches us alone and what we do then can still be said to the engine.
        process = subprocess.Popen(
            command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL, start_new_session=True
        )
    threading.Thread(target=process.wait, name="reap ssh", daemon=True).start()
    ours.settimeout(timeout_s)
    return ours
