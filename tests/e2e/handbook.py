"""The worked example of docs/instructors.md as files: what its readers type is what is tested."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"^`(labs/lab-12/[^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^Run in `(labs/lab-12/[^`]+)`:\n\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lay_out(folder: Path) -> Path:
    """Make the example below `folder`; the folder of its labs."""
    text = (ROOT / "docs" / "instructors.md").read_text()
    for name, content in FILE.findall(text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name, commands in COMMANDS.findall(text):
        subprocess.run(["sh", "-euc", commands], cwd=folder / name, check=True)
    (folder / "images").symlink_to(ROOT / "images")
    return folder / "labs"
