"""docker-py's clients of one engine, and the one boundary where its errors become ours. The only import of docker.

A client is not for several threads at once, so each call borrows one that nobody else has. Which calls an engine's
methods are made of is `docker`'s matter, how to connect is `dial`'s, what a refusal means is `refusal`'s.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests
import requests.adapters
import urllib3
import urllib3.connection
import urllib3.connectionpool

from orchestrator.engine.dial import dial
from orchestrator.engine.endpoint import Endpoint
from orchestrator.engine.refusal import UPGRADE, refused, silent, unreachable
from orchestrator.engine.translate import version
from orchestrator.errors import EngineError, EngineUnavailable


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Make `import module` fail meanwhile, unless it was imported already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


# docker-py imports paramiko if it is there, for ssh://, which `dial` does without it: `import docker` takes 110 ms
# instead of 190 ms, and each command imports it.
with _without("paramiko"):
    import docker
    import docker.constants
    import docker.errors

Client = docker.APIClient

OLDEST_API = "1.41"
"""Engine 20.10."""

BASE_URL = "http+docker://localhost"
"""What docker-py calls an engine that it reaches through an adapter."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Of the Engine API: the one that we speak, and the newest that the engine knows."""

    spoken: str
    engine: str


class Clients:
    """Clients of one engine, handed out to one thread at a time and used again."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        """Find out which version of the API to speak.

        Raises:
            EngineUnavailable: Nothing answers, or the engine is too old.
        """
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self._lock = threading.Lock()
        self._idle: list[Client] = []
        self._closed = False
        self.versions = self._negotiate()

    @contextmanager
    def calling(self, doing: str, *, timeout_s: float | None = None) -> Iterator[Client]:
        """A client for one call or several; `doing` says in an error's message what could not be done.

        Raises:
            EngineError: The engine refused; its subclasses as `refusal` has them.
            EngineUnavailable: The engine can't be reached.
        """
        limit = self.timeout_s if timeout_s is None else timeout_s
        client = self._borrow()
        client.timeout = limit  # type: ignore[assignment]
        try:
            with _translated(doing, self.endpoint, limit):
                yield client
        finally:
            self._give_back(client)

    def close(self) -> None:
        """Close all connections; those in use, when their call ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for client in idle:
            client.close()

    def _negotiate(self) -> Versions:
        asking = self._made(OLDEST_API)
        with _translated("ask for the engine's version", self.endpoint, self.timeout_s), asking:
            answer = asking.get(f"{BASE_URL}/_ping", timeout=self.timeout_s)
        engine = answer.headers.get("Api-Version", "")
        if not answer.ok or not engine:
            raise EngineUnavailable(
                f"what answers at {self.endpoint.url} is no Docker Engine (HTTP {answer.status_code})"
            )
        if version(engine) < version(OLDEST_API):
            raise EngineUnavailable(
                f"the engine at {self.endpoint.url} speaks version {engine} of the API; {OLDEST_API} is needed",
                fix=UPGRADE,
            )
        return Versions(min(engine, docker.constants.DEFAULT_DOCKER_API_VERSION, key=version), engine)

    def _borrow(self) -> Client:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._made(self.versions.spoken)

    def _made(self, api_version: str) -> Client:
        client = Client("unix:///", version=api_version)
        client.base_url = BASE_URL
        client.mount(BASE_URL, _Adapter(self.endpoint))
        # No proxies and no .netrc between us and the engine.
        client.trust_env = False
        return client

    def _give_back(self, client: Client) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(client)
                return
        client.close()


class _Connection(urllib3.connection.HTTPConnection):
    """HTTP over whatever `dial` connects."""

    endpoint: Endpoint

    def connect(self) -> None:
        timeout = self.timeout
        self.sock = dial(self.endpoint, timeout if isinstance(timeout, int | float) else None)


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint.host, maxsize=1)
        self._endpoint = endpoint

    def _new_conn(self) -> urllib3.connection.HTTPConnection:
        made = _Connection(self.host, timeout=self.timeout.connect_timeout)
        made.endpoint = self._endpoint
        return made


class _Adapter(requests.adapters.HTTPAdapter):
    """Leads a client's requests to one endpoint, whatever their URL says."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._pool = _Pool(endpoint)

    def get_connection_with_tls_context(self, *_: object, **__: object) -> urllib3.connectionpool.HTTPConnectionPool:
        return self._pool

    def request_url(self, request: requests.PreparedRequest, *_: object, **__: object) -> str:
        return request.path_url

    def close(self) -> None:
        self._pool.close()
        super().close()


@contextmanager
def _translated(doing: str, endpoint: Endpoint, timeout_s: float) -> Iterator[None]:
    """Where the errors of docker-py, requests and urllib3 become ours."""
    try:
        yield
    except docker.errors.APIError as error:
        raise refused(doing, error.status_code, str(error.explanation or "")) from error
    except (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError) as error:
        raise silent(doing, timeout_s) from error
    except requests.exceptions.ConnectionError as error:
        # A body that stays away half-way is a ConnectionError around urllib3's own.
        if any(isinstance(cause, urllib3.exceptions.ReadTimeoutError) for cause in error.args):
            raise silent(doing, timeout_s) from error
        raise unreachable(endpoint, error) from error
    except (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError) as error:
        raise unreachable(endpoint, error) from error
    except (docker.errors.DockerException, docker.errors.StreamParseError, requests.RequestException) as error:
        raise EngineError(f"can't {doing}: {error}") from error
