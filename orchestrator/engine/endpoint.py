"""Where the engine answers: `DOCKER_HOST` and its companions, or the current context of the docker command.

Reads settings, opens nothing: `dial` connects. Contexts are read here and not through docker-py, whose import
takes 110 ms.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import EngineUnavailable

DEFAULT_URL = "unix:///var/run/docker.sock"
SCHEMES = frozenset({"unix", "tcp", "http", "https", "ssh"})


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for a TLS connection; an engine whose certificate is not verified is trusted blindly."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place where an engine should answer."""

    url: str
    tls: Tls | None = None

    def __post_init__(self) -> None:
        """Refuse what can't be dialled.

        Raises:
            EngineUnavailable: The URL's scheme is none of ours, or a part is missing.
        """
        parts = urlsplit(self.url)
        needed = parts.path if parts.scheme == "unix" else parts.hostname
        if parts.scheme not in SCHEMES or not needed:
            raise EngineUnavailable(
                f"{self.url!r} is no place of a container engine",
                fix="DOCKER_HOST looks like unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST",
            )

    @property
    def scheme(self) -> str:
        """`unix`, `tcp` or `ssh`."""
        scheme = urlsplit(self.url).scheme
        return "tcp" if scheme in ("http", "https") else scheme

    @property
    def path(self) -> str:
        """The socket's path, for `unix`."""
        return urlsplit(self.url).path

    @property
    def host(self) -> str:
        """The engine's machine; `localhost` for a socket of this one."""
        return urlsplit(self.url).hostname or "localhost"

    @property
    def user(self) -> str | None:
        """Who we are over there, for `ssh`."""
        return urlsplit(self.url).username

    @property
    def explicit_port(self) -> int | None:
        """The port that the URL names."""
        return urlsplit(self.url).port

    @property
    def port(self) -> int:
        """The TCP port; without one in the URL, Docker's own: 2376 with TLS, 2375 without."""
        return self.explicit_port or (2376 if self.tls else 2375)


def find_endpoint(url: str | None, environment: Mapping[str, str], home: Path) -> Endpoint:
    """`url`, else what the docker command would use: DOCKER_HOST, DOCKER_CONTEXT, the current context, a local socket.

    Raises:
        EngineUnavailable: The settings name a context that does not exist, or are no settings at all.
    """
    named = url or environment.get("DOCKER_HOST")
    if named:
        return Endpoint(named, _tls_from(environment, home) if named.startswith(("tcp:", "http")) else None)
    folder = Path(environment.get("DOCKER_CONFIG") or home / ".docker")
    context = environment.get("DOCKER_CONTEXT") or _read(folder / "config.json").get("currentContext") or "default"
    return Endpoint(DEFAULT_URL) if context == "default" else _context(folder, context)


def _tls_from(environment: Mapping[str, str], home: Path) -> Tls | None:
    """As `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` say; either switches TLS on."""
    folder = environment.get("DOCKER_CERT_PATH")
    verify = bool(environment.get("DOCKER_TLS_VERIFY"))
    return _tls_in(Path(folder or home / ".docker"), verify=verify) if folder or verify else None


def _tls_in(folder: Path, *, verify: bool) -> Tls:
    files = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
    ca, certificate, key = (path if path.is_file() else None for path in files.values())
    return Tls(ca, certificate, key, verify)


def _context(folder: Path, name: str) -> Endpoint:
    """A context of the docker command: `contexts/meta/<SHA-256 of its name>/meta.json`."""
    place = hashlib.sha256(name.encode()).hexdigest()
    settings = _read(folder / "contexts" / "meta" / place / "meta.json").get("Endpoints", {}).get("docker", {})
    if not settings.get("Host"):
        raise EngineUnavailable(
            f"the docker context {name!r} does not exist or names no engine",
            fix="docker context ls; docker context use",
        )
    files = folder / "contexts" / "tls" / place / "docker"
    tls = _tls_in(files, verify=not settings.get("SkipTLSVerify", False)) if files.is_dir() else None
    return Endpoint(settings["Host"], tls)


def _read(path: Path) -> Mapping[str, Any]:
    """A JSON object out of a file; an absent file is an empty one."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"{path} can't be read: {error}", fix="repair the file or remove it") from error
    return content if isinstance(content, dict) else {}
