"""The picture itself: what it shows, and that nothing makes it large or slow."""

import io
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from media.cards import COLUMNS_MAX, HEIGHT, LINES_MAX, WIDTH, Card, coloured_lines, draw_card

CODE = "def fizz(n):\n    return 'Fizz' if n % 3 == 0 else n  # words\n"
CARD = Card(name="FizzBuzz", languages=("python",), authors=("Ana",), file_name="fizz.py", code=CODE)
CODE_BOX = (50, 178, 1150, 546)
KEYWORD = (0x8A, 0x2A, 0x9E)
TEXT = (0x1B, 0x1D, 0x24)


def picture(card: Card) -> "Image.Image":
    image = Image.open(io.BytesIO(draw_card(card)))
    image.load()
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (WIDTH, HEIGHT))
    return image


def count(image: "Image.Image", colour: tuple[int, int, int]) -> int:
    return sum(number for number, found in image.getcolors(1 << 20) or [] if found == colour)


def test_the_same_card_is_the_same_picture() -> None:
    assert draw_card(CARD) == draw_card(CARD)


def test_the_code_is_there_in_its_colours() -> None:
    code = picture(CARD).crop(CODE_BOX)
    empty = picture(CARD.model_copy(update={"code": ""})).crop(CODE_BOX)
    assert count(code, KEYWORD) > 100
    assert count(code, TEXT) > 100
    assert count(empty, KEYWORD) == count(empty, TEXT) == 0


@pytest.mark.parametrize(
    ("changes", "box"),
    [
        ({"name": "Bowling"}, (70, 50, 1150, 120)),
        ({"languages": ("go",)}, (70, 120, 1150, 165)),
        ({"code": CODE.replace("fizz", "buzz")}, CODE_BOX),
        ({"authors": ("Rui",)}, (40, 555, 700, 600)),
    ],
)
def test_each_part_shows_in_its_place_alone(changes: dict[str, object], box: tuple[int, int, int, int]) -> None:
    before, after = picture(CARD), picture(CARD.model_copy(update=changes))
    assert before.crop(box).tobytes() != after.crop(box).tobytes()
    for image in (before, after):
        image.paste((0, 0, 0), box)
    assert before.tobytes() == after.tobytes()


def test_lines_are_bounded_in_number_and_width() -> None:
    lines = coloured_lines("x.py", (), "\n".join("a = 'b' + c" * 40 for _ in range(100)))
    assert len(lines) <= LINES_MAX
    widths = [sum(len(run.text) for run in line) for line in lines]
    assert max(widths) == COLUMNS_MAX
    assert lines[0][-1].text.endswith("…")


@pytest.mark.parametrize(
    ("file_name", "languages", "coloured"),
    [("a.js", (), True), ("a.unknown", ("javascript",), True), ("a.unknown", ("nonsense",), False)],
)
def test_the_language_is_known_by_file_or_by_tag(file_name: str, languages: tuple[str, ...], coloured: bool) -> None:
    lines = coloured_lines(file_name, languages, "function f() { return 1 }\n")
    assert (len({run.colour for run in lines[0]}) > 1) == coloured


@pytest.mark.timeout(10)
def test_what_is_huge_is_drawn_in_time() -> None:
    picture(
        Card(
            name="W" * 80,
            languages=tuple(f"language-number-{number}-aaaaaaaa" for number in range(20)),
            authors=tuple("Somebody with a long name " * 3 for _ in range(200)),
            file_name="x.cpp",
            code="(" * 100_000,
        )
    )


@given(
    st.text(max_size=80),
    st.text(max_size=300) | st.text(alphabet=string.printable, max_size=300),
    st.sampled_from(["a.py", "a.js", "a.c", "a.html", "a.rb", "a.zzz", "Makefile"]),
)
@settings(max_examples=40, deadline=None)
def test_any_text_can_be_coloured_and_keeps_its_width(name: str, code: str, file_name: str) -> None:
    for line in coloured_lines(file_name, (name,), code):
        assert sum(len(run.text) for run in line) <= COLUMNS_MAX
        assert all("\n" not in run.text and "\x00" not in run.text for run in line)


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=8, deadline=None)
def test_any_text_can_be_drawn(name: str, code: str) -> None:
    picture(CARD.model_copy(update={"name": name, "authors": (name,), "languages": (name,), "code": code}))
