"""Writes and checks the documents that are generated from the doors."""

import json
from collections.abc import Sequence
from pathlib import Path

from app.packages import doors
from core.documents import asyncapi, openapi, typescript
from core.process import Package


def documents(packages: Sequence[Package]) -> dict[Path, str]:
    """Each generated file's text, by its place in the repository."""
    return {
        Path("docs/reference/openapi.json"): json.dumps(openapi(packages), indent=2) + "\n",
        Path("docs/reference/asyncapi.json"): json.dumps(asyncapi(packages), indent=2) + "\n",
        Path("web/src/wire.gen.ts"): typescript(packages),
    }


def write(root: Path) -> None:
    """Bring the files under ``root`` up to date."""
    for path, text in documents(doors()).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def check(root: Path) -> list[Path]:
    """The files under ``root`` that differ from the doors."""
    return [
        path
        for path, text in documents(doors()).items()
        if not (root / path).exists() or (root / path).read_text() != text
    ]
