"""The library's kata: the starters load, and their first test is red, not broken."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rooms.errors import UnknownKata
from rooms.kata import get_kata, library, list_kata, parse
from rooms.models import Kata

PYTHON = """
import importlib, sys
module = importlib.import_module(sys.argv[1])
tests = [value for name, value in vars(module).items() if name.startswith("test_")]
for test in tests:
    try:
        test()
    except AssertionError:
        print("red")
"""

NODE = """
globalThis.test = (name, body) => { try { body(); } catch (error) { console.log(error.message); } };
const check = (same) => (value) => ({ toBe: same(Object.is)(value), toEqual: same(alike)(value) });
const alike = (a, b) => JSON.stringify(a) === JSON.stringify(b);
globalThis.expect = check((same) => (value) => (wanted) => { if (!same(value, wanted)) throw new Error("red"); });
await import(process.argv[1]);
"""

EVERY = list(library().values())


def write(kata: Kata, language: str, folder: Path) -> str:
    """The starter files on disk; the name of the test file."""
    starters = kata.files[language]  # type: ignore[index]  # a plain string from the parametrisation
    for file in starters:
        (folder / file.name).write_text(file.text)
    return next(file.name for file in starters if "test" in file.name)


def test_library_has_kata_in_both_languages() -> None:
    assert len(EVERY) >= 5
    assert all(kata.languages == ("python", "javascript") for kata in EVERY)
    assert EVERY[0].slug == "fizzbuzz"


def test_list_kata_says_the_lines_only() -> None:
    line = list_kata()[0]
    assert (line.slug, line.title) == ("fizzbuzz", "FizzBuzz")
    assert not hasattr(line, "text")


def test_get_kata_refuses_an_unknown_name() -> None:
    with pytest.raises(UnknownKata):
        get_kata("../fizzbuzz")


def test_parse_refuses_another_form() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        parse("nonsense", "# Hello\n")


@pytest.mark.parametrize("kata", EVERY, ids=lambda kata: kata.slug)
def test_python_starter_is_red(kata: Kata, tmp_path: Path) -> None:
    module = write(kata, "python", tmp_path).removesuffix(".py")
    run = subprocess.run(
        [sys.executable, "-c", PYTHON, module], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    assert run.stdout == "red\n"


@pytest.mark.parametrize("kata", EVERY, ids=lambda kata: kata.slug)
def test_javascript_starter_is_red(kata: Kata, tmp_path: Path) -> None:
    name = write(kata, "javascript", tmp_path)
    (tmp_path / "package.json").write_text(json.dumps({"type": "module"}))
    run = subprocess.run(
        ["node", "--input-type=module", "-e", NODE, str(tmp_path / name)],
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert run.stdout == "red\n"
