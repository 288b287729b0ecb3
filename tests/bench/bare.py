"""A bare script that makes the engine calls of `up lab-11` in parallel and nothing else: the floor for `up`.

Run as `python -m tests.bench.bare CALLS.json`. The calls, with their bodies, were written by `bench`: this reads them,
waits only for what a call needs, and knows nothing of labs, labels, plans or definitions.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.modules["paramiko"] = None  # type: ignore[assignment]  # docker-py would import it: as cheap here as in `up`
import docker  # noqa: E402

LOCAL = threading.local()


def client() -> Any:
    if not hasattr(LOCAL, "client"):
        LOCAL.client = docker.APIClient(version="1.41")
    return LOCAL.client


def network(call: dict[str, Any]) -> None:
    client().create_network(**call["body"])


def volume(call: dict[str, Any]) -> None:
    client().create_volume(call["name"], driver="local", driver_opts=call["options"], labels=call["labels"])


def container(call: dict[str, Any], sandboxes: dict[str, Future[str]]) -> str:
    text = json.dumps(call["body"])
    if call["joins"]:
        text = text.replace("container:SANDBOX", f"container:{sandboxes[call['joins']].result()}")
    made = client().create_container_from_config(json.loads(text), call["name"])
    client().start(made["Id"])
    return str(made["Id"])


def main() -> None:
    calls = json.loads(Path(sys.argv[1]).read_text())
    with ThreadPoolExecutor(calls["parallel"]) as pool:
        first = [pool.submit(network, call) for call in calls["networks"]]
        first += [pool.submit(volume, call) for call in calls["volumes"]]
        for future in first:
            future.result()
        sandboxes = {call["name"]: pool.submit(container, call, {}) for call in calls["sandboxes"]}
        joiners = [pool.submit(container, call, sandboxes) for call in calls["containers"]]
        for future in (*sandboxes.values(), *joiners):
            future.result()


if __name__ == "__main__":
    main()
