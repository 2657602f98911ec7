"""The words that a POC is found by, and what a person's words ask for; pure.

Code is split as a programmer reads it: ``parseHTTPHeader_v2`` is found by itself, by ``parse``, ``http``, ``header``
and ``v2``, whatever the case and the accents. ``c++`` and ``c#`` are words too.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Weight = Literal["A", "B", "C", "D"]
"""How much a place counts: A is the name, D the text of the files."""

WORD_MAX = 64
QUERY_WORDS_MAX = 12
INDEX_BYTES_MAX = 400_000
"""PostgreSQL takes a tsvector of 1 MB; positions and alignment are added to this."""

_SYMBOLIC = r"(?<![^\W_])[A-Za-z]{1,12}(?:\+\+|#)(?![\w+#])"
_WORD = re.compile(rf"(?P<symbolic>{_SYMBOLIC})|(?P<identifier>[^\W_]+(?:_+[^\W_]+)*)")

_SYNONYMS = (
    ("javascript", "js"),
    ("typescript", "ts"),
    ("python", "py"),
    ("ruby", "rb"),
    ("rust", "rs"),
    ("go", "golang"),
    ("c++", "cpp"),
    ("c#", "csharp", "cs"),
    ("f#", "fsharp"),
    ("kotlin", "kt"),
    ("haskell", "hs"),
    ("shell", "bash", "sh"),
    ("markdown", "md"),
)
_ALSO = {word: tuple(other for other in group if other != word) for group in _SYNONYMS for word in group}
_LANGUAGE = {word: group[0] for group in _SYNONYMS for word in group}


class Word(NamedTuple):
    """One word as it stands in a text."""

    whole: str
    parts: tuple[str, ...]
    """What it is made of; empty when it is of one piece."""


class Search(NamedTuple):
    """A person's words as two PostgreSQL ``tsquery`` texts."""

    match: str
    """What a POC must have: all of the words, the last one perhaps only begun."""
    rank: str
    """What makes one better than another: any of the words."""


def language(tag: str) -> str:
    """The one name of a language: ``js`` is ``javascript``."""
    return _LANGUAGE.get(tag, tag)


def fold(text: str) -> str:
    """``text`` without case, accents and compatibility forms; letters and digits only, at most ``WORD_MAX``."""
    for _ in range(3):
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(character for character in decomposed if character.isalnum())
    return text[:WORD_MAX]


def words(text: str) -> Iterator[Word]:
    """The words of ``text``, in order."""
    for found in _WORD.finditer(unicodedata.normalize("NFC", text)):
        if found["symbolic"]:
            yield Word(found["symbolic"].lower(), ())
            continue
        pieces = [fold(piece) for run in found["identifier"].split("_") for piece in split_case(run)]
        parts = tuple(piece for piece in pieces if piece)
        whole = fold(found["identifier"])
        if whole:
            yield Word(whole, parts if len(parts) > 1 else ())


def split_case(run: str) -> list[str]:
    """``run`` cut where a programmer hears a new word: ``parseHTTPHeader2`` is parse, HTTP, Header, 2."""
    pieces: list[str] = []
    start = 0
    for here in range(1, len(run)):
        before, current, after = run[here - 1], run[here], run[here + 1 : here + 2]
        if (
            (current.isupper() and before.islower())
            or (current.isupper() and before.isupper() and after.islower())
            or before.isdigit() != current.isdigit()
        ):
            pieces.append(run[start:here])
            start = here
    pieces.append(run[start:])
    return pieces


def index(places: Iterable[tuple[Weight, str]]) -> str:
    """The PostgreSQL ``tsvector`` text of what is found by the words of ``places``, most important place first.

    Beyond ``INDEX_BYTES_MAX`` the rest is not indexed.
    """
    weights: dict[str, set[Weight]] = {}
    size = 0
    for weight, text in places:
        for word in _indexed(weight, text):
            if word not in weights:
                size += len(word.encode())
                if size > INDEX_BYTES_MAX:
                    return _vector(weights)
                weights[word] = set()
            weights[word].add(weight)
    return _vector(weights)


def search(text: str) -> Search | None:
    """What ``text`` asks for, or None when there is no word in it."""
    asked = list(words(text))[:QUERY_WORDS_MAX]
    if not asked:
        return None
    match: list[str] = []
    rank: dict[str, None] = {}
    for number, word in enumerate(asked):
        ending = ":*" if number == len(asked) - 1 and word.whole[-1] not in "+#" else ""
        choices = [_quoted(word.whole) + ending]
        choices += [_quoted(also) for also in _ALSO.get(word.whole, ())]
        if word.parts:
            *first, last = word.parts
            choices.append("(" + " & ".join([*map(_quoted, first), _quoted(last) + ending]) + ")")
        match.append("(" + " | ".join(choices) + ")")
        rank |= dict.fromkeys(choices[: 1 + len(_ALSO.get(word.whole, ()))])
        rank |= dict.fromkeys(map(_quoted, word.parts))
    return Search(" & ".join(match), " | ".join(rank))


def _indexed(weight: Weight, text: str) -> Iterator[str]:
    """The words of one place; in a name or tag also neighbours as one, so that ``fizzbuzz`` finds "Fizz Buzz"."""
    before = ""
    for word in words(text):
        yield word.whole
        yield from word.parts
        if weight in {"A", "B"} and before:
            yield (before + word.whole)[:WORD_MAX]
        before = word.whole if word.whole[-1] not in "+#" else ""


def _vector(weights: dict[str, set[Weight]]) -> str:
    """The text form: each word with one position for each weight."""
    position = {"A": 1, "B": 2, "C": 3, "D": 4}
    entries = (
        _quoted(word) + ":" + ",".join(f"{position[weight]}{weight}" for weight in sorted(found))
        for word, found in weights.items()
    )
    return " ".join(entries)


def _quoted(word: str) -> str:
    """A lexeme; words hold no quote and no backslash."""
    return f"'{word}'"
