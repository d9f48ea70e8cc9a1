"""Parses a Dockerfile as far as the rules need it."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction with its lines joined. ``stage`` counts from 0 and is -1 before the first FROM."""

    stage: int
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments, from either form, without the leading flags."""
        rest = re.sub(r"^(?:--\S+\s+)+", "", self.text)
        return json.loads(rest) if rest.startswith("[") else shlex.split(rest)

    @property
    def flags(self) -> dict[str, str]:
        """The leading flags, for example ``{"from": "packages"}``."""
        front = re.match(r"(?:--\S+\s+)*", self.text)
        words = front[0].split() if front else []
        return dict(word.removeprefix("--").partition("=")[::2] for word in words)


def instructions(file: Path) -> list[Instruction]:
    """Return a Dockerfile's instructions. Raises ValueError for an unsupported form."""
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\[ \t]*\n", " ", "\n".join(lines))
    found: list[Instruction] = []
    stage = -1
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, text = line.partition(" ")
        if "<<" in text:
            raise ValueError(f"{file.name}: here-documents are not supported: {line[:60]}")
        stage += name.upper() == "FROM"
        found.append(Instruction(stage, name.upper(), text.strip()))
    return found
