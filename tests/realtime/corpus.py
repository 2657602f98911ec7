"""Updates as real documents write them, broken ones, and a child process that applies them."""

import random
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

from pycrdt import Array, Doc, Map, Text

from realtime.yupdate import InvalidUpdate, read_update

NODE = Path(__file__).parents[1] / "contract" / "node"
VALUES = (1, 2.5, "s", None, True, {"a": [1, 2]}, b"bin", [1, [2, [3]]])
WORDS = ("a", "hello", "é😀", "x" * 30, "\n")


def pycrdt_updates(seed: int, steps: int = 120) -> list[bytes]:
    """Three documents that are edited, and now and then hear of each other; each step's update in order."""
    chance = random.Random(seed)
    docs: list[Doc[Any]] = [Doc() for _ in range(3)]
    for doc in docs:
        doc["t"], doc["m"], doc["a"] = Text(), Map(), Array()
    updates = []
    for _ in range(steps):
        doc = chance.choice(docs)
        before = doc.get_state()
        _edit(chance, doc, docs)
        updates.append(doc.get_update(before))
    updates.extend(doc.get_update() for doc in docs)
    return updates


def _edit(chance: random.Random, doc: Doc[Any], docs: list[Doc[Any]]) -> None:
    what, text = chance.random(), doc["t"]
    if what < 0.5:
        characters = str(text)
        text.insert(len(characters[: chance.randint(0, len(characters))].encode()), chance.choice(WORDS))
    elif what < 0.7 and str(text):
        del text[0 : len(str(text)[0].encode())]
    elif what < 0.8:
        doc["m"][chance.choice("abc")] = chance.choice(VALUES)
    elif what < 0.9:
        doc["a"].append(chance.choice((1, "x", Map({"q": 1}), Text("inner"))))
    else:
        other = chance.choice(docs)
        if other is not doc:
            doc.apply_update(other.get_update(doc.get_state()))


def keystrokes(count: int, client: int = 7, seed: int = 1) -> list[bytes]:
    """The updates of someone who types, jumps about and deletes now and then."""
    chance = random.Random(seed)
    doc: Doc[Any] = Doc(client_id=client)
    doc["f1"] = text = Text()
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    at = size = 0
    for _ in range(count):
        if chance.random() < 0.05:
            at = chance.randint(0, size)
        if chance.random() < 0.25 and at:
            del text[at - 1 : at]
            at, size = at - 1, size - 1
        else:
            text.insert(at, chance.choice("etaoin shrdlu\n"))
            at, size = at + 1, size + 1
    return updates


def yjs_updates(seed: int, steps: int = 300) -> tuple[list[bytes], bytes]:
    """The same by ``yjs`` from npm, with every kind of content; the updates, and the state vector of all of them."""
    run = subprocess.run(
        ["node", NODE / "updates.mjs", str(seed), str(steps)], capture_output=True, check=True, timeout=60
    )
    *updates, vector = (b64decode(line) for line in run.stdout.splitlines())
    return updates, vector


def mutations(seed: int, updates: list[bytes], count: int) -> list[bytes]:
    """``count`` updates with a few bytes changed, cut, repeated or put in; the same for the same seed."""
    chance = random.Random(seed)
    broken = []
    for _ in range(count):
        data = bytearray(chance.choice(updates))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data) + 1)
            match chance.randrange(5):
                case 0 if at < len(data):
                    data[at] = chance.randrange(256)
                case 1 if at < len(data):
                    data[at] ^= 1 << chance.randrange(8)
                case 2:
                    del data[at : at + chance.randint(1, 3)]
                case 3:
                    data[at:at] = chance.randbytes(chance.randint(1, 3))
                case 4:
                    data[at:at] = data[at : at + 8]
        broken.append(bytes(data))
    return broken


def accepted(updates: list[bytes]) -> list[bytes]:
    """Those that the reader lets through."""
    kept = []
    for update in updates:
        try:
            read_update(update)
        except InvalidUpdate:
            continue
        kept.append(update)
    return kept


CHILD = """
import resource, sys
from pycrdt import Doc, Text
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
base, *updates = [bytes.fromhex(line) for line in sys.stdin.read().split("\\n") if line]
for number, update in enumerate(updates):
    try:
        doc = Doc()
        doc.apply_update(base)
        try:
            doc.apply_update(update)
        except Exception:
            continue
        text = doc.get("t", type=Text)
        str(text), doc.get_update(), doc.get_state()
        text.insert(0, "after")
        assert "after" in str(text)
    except BaseException as panic:
        print(number, type(panic).__name__, str(panic)[:80])
"""


def panics(base: bytes, updates: list[bytes]) -> list[str]:
    """What goes wrong when a child process applies each of ``updates`` to a document that holds ``base``.

    An exception that pycrdt raises as an ``Exception`` is an answer; a panic, a killed process or a
    document that cannot be saved or typed in afterwards is not.
    """
    lines = "\n".join(update.hex() for update in (base, *updates))
    run = subprocess.run(
        [sys.executable, "-c", CHILD], input=lines, capture_output=True, text=True, timeout=120, check=False
    )
    if run.returncode != 0:
        return [f"the child ended with {run.returncode}", run.stderr[-400:]]
    return run.stdout.splitlines()
