"""The kata library: one Markdown file for each kata, with its text and the starter files of each language.

A file has front matter (``title``, ``summary``, ``difficulty``), the text, and under ``## Files`` one fenced block for
each starter file, opened by its language and name. The first test of each language is there, and fails.
"""

import re
from functools import cache
from importlib.resources import files
from typing import get_args

from rooms.errors import UnknownKata
from rooms.models import Kata, KataSummary, Language, SourceFile

FORMAT = re.compile(r"---\n(?P<front>.*?)\n---\n(?P<text>.*?)\n## Files\n(?P<files>.*)", re.DOTALL)
BLOCK = re.compile(r"^```(?P<language>\w+) (?P<name>\S+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@cache
def library() -> dict[str, Kata]:
    """All kata by slug, the easy ones first."""
    found = [
        parse(entry.name.removesuffix(".md"), entry.read_text("utf-8"))
        for entry in files(__name__).iterdir()
        if entry.name.endswith(".md")
    ]
    return {kata.slug: kata for kata in sorted(found, key=lambda kata: (kata.difficulty, kata.title))}


def parse(slug: str, source: str) -> Kata:
    """The kata in one Markdown file; one that does not have the form is a programming error."""
    match = FORMAT.fullmatch(source)
    if match is None:
        raise ValueError(f"the kata {slug} has not the form of one")
    front = dict(line.split(": ", 1) for line in match["front"].splitlines())
    starters: dict[Language, tuple[SourceFile, ...]] = {}
    for language in get_args(Language):
        blocks = [block for block in BLOCK.finditer(match["files"]) if block["language"] == language]
        if blocks:
            starters[language] = tuple(SourceFile(name=block["name"], text=block["text"]) for block in blocks)
    return Kata(
        slug=slug,
        title=front["title"],
        summary=front["summary"],
        difficulty=int(front["difficulty"]),
        languages=tuple(starters),
        text=match["text"].strip() + "\n",
        files=starters,
    )


def get_kata(slug: str) -> Kata:
    """A kata of the library.

    Raises:
        UnknownKata: there is none of this name.
    """
    kata = library().get(slug)
    if kata is None:
        raise UnknownKata(slug)
    return kata


def list_kata() -> tuple[KataSummary, ...]:
    """The library's lines, the easy ones first."""
    wanted = set(KataSummary.model_fields)
    return tuple(KataSummary.model_validate(kata.model_dump(include=wanted)) for kata in library().values())
