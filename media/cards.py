"""The picture of a POC: its name, languages, authors and first lines of code; drawn by Pillow, coloured by Pygments.

Everything that is drawn is bounded first, so the time does not depend on what someone wrote. Colours are those of the
light theme in ``web/src/kit/tokens.css``. The font is JetBrains Mono (OFL 1.1).
"""

import io
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import as_file, files

from PIL import Image, ImageDraw, ImageFont
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Token, _TokenType
from pygments.util import ClassNotFound

from core.model import Model

WIDTH = 1200
HEIGHT = 630
MARGIN = 48
LINES_MAX = 14
COLUMNS_MAX = 76
CODE_MAX = 4_000
TAB = 4

BACKGROUND = "#f6f6f3"
SURFACE = "#ffffff"
LINE = "#dcdcd5"
TEXT = "#1b1d24"
TEXT_2 = "#565a66"
ACCENT = "#4450c8"
ACCENT_TEXT = "#3d48b8"
ACCENT_SOFT = "#e9ebfb"
CODE_BACKGROUND = "#fbfbf9"
CODE_GUTTER = "#85878f"
CODE_COLOURS: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "#62666f"),
    (Keyword, "#8a2a9e"),
    (Operator.Word, "#8a2a9e"),
    (String, "#14713b"),
    (Number, "#9a4a00"),
    (Name.Function, "#1f5bb5"),
    (Name.Class, "#1f5bb5"),
    (Name.Builtin, "#1f5bb5"),
    (Name.Decorator, "#1f5bb5"),
    (Token, TEXT),
)
ELLIPSIS = "…"

Box = tuple[float, float, float, float]


class Card(Model):
    """What the picture says."""

    name: str
    languages: tuple[str, ...]
    authors: tuple[str, ...]
    file_name: str
    code: str


class Run(Model):
    """A piece of one line in one colour."""

    text: str
    colour: str


def draw_card(card: Card) -> bytes:
    """The picture as PNG, ``WIDTH`` by ``HEIGHT`` pixels."""
    image = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((24, 24, WIDTH - 24, HEIGHT - 24), radius=20, fill=SURFACE, outline=LINE, width=2)
    draw.rounded_rectangle((MARGIN, 60, MARGIN + 8, 112), radius=4, fill=ACCENT)
    title = _font(44, "Bold")
    draw.text((MARGIN + 28, 86), _fitted(card.name, title, WIDTH - 2 * MARGIN - 28), TEXT, title, "lm")
    _draw_chips(draw, card.languages)
    panel = (MARGIN, 176.0, WIDTH - MARGIN, 548.0)
    draw.rounded_rectangle(panel, radius=12, fill=CODE_BACKGROUND, outline=LINE, width=2)
    _draw_code(draw, panel, card)
    small = _font(22, "Medium")
    by = _fitted(", ".join(card.authors[:6]), small, 760)
    draw.text((MARGIN, 577), by, TEXT_2, small, "lm")
    draw.text((WIDTH - MARGIN, 577), "Live Dojo", ACCENT, _font(22, "Bold"), "rm")
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def coloured_lines(file_name: str, languages: tuple[str, ...], code: str) -> list[list[Run]]:
    """The first ``LINES_MAX`` lines of ``code``, at most ``COLUMNS_MAX`` wide, in runs of one colour."""
    text = "\n".join(code[:CODE_MAX].strip("\r\n").splitlines()[:LINES_MAX]).expandtabs(TAB)
    lexer = _lexer(file_name, languages)
    lines: list[list[Run]] = [[]]
    for kind, value in lexer.get_tokens(text):
        colour = next(colour for known, colour in CODE_COLOURS if known in kind.split())
        first, *others = value.split("\n")
        lines[-1].append(Run(text=_drawable(first), colour=colour))
        lines += ([Run(text=_drawable(other), colour=colour)] for other in others)
    return [_cut([run for run in line if run.text]) for line in lines[: text.count("\n") + 1]]


def _draw_chips(draw: ImageDraw.ImageDraw, languages: tuple[str, ...]) -> None:
    font = _font(20, "Medium")
    left = float(MARGIN + 28)
    for language in languages[:5]:
        text = _fitted(language, font, 260)
        right = left + font.getlength(text) + 28
        if right > WIDTH - MARGIN:
            return
        draw.rounded_rectangle((left, 124, right, 158), radius=17, fill=ACCENT_SOFT)
        draw.text((left + 14, 141), text, ACCENT_TEXT, font, "lm")
        left = right + 10


def _draw_code(draw: ImageDraw.ImageDraw, panel: Box, card: Card) -> None:
    font = _font(21, "Regular")
    step = font.getlength("m")
    gutter = panel[0] + 24 + 2 * step
    for number, line in enumerate(coloured_lines(card.file_name, card.languages, card.code)):
        middle = panel[1] + 28 + number * 24.5
        draw.text((gutter, middle), str(number + 1), CODE_GUTTER, font, "rm")
        left = gutter + 20
        for run in line:
            draw.text((left, middle), run.text, run.colour, font, "lm")
            left += step * len(run.text)


def _lexer(file_name: str, languages: tuple[str, ...]) -> Lexer:
    """Who knows the file's language: by its name, else by what the POC says."""
    with suppress(ClassNotFound):
        by_file: Lexer = get_lexer_for_filename(file_name, stripnl=False)
        return by_file
    for language in languages[:5]:
        with suppress(ClassNotFound):
            by_tag: Lexer = get_lexer_by_name(language, stripnl=False)
            return by_tag
    return TextLexer(stripnl=False)


def _cut(line: list[Run]) -> list[Run]:
    """The line, at most ``COLUMNS_MAX`` wide; what is cut ends with an ellipsis."""
    if sum(len(run.text) for run in line) <= COLUMNS_MAX:
        return line
    kept: list[Run] = []
    room = COLUMNS_MAX - 1
    for run in line:
        if len(run.text) >= room:
            return [*kept, Run(text=run.text[:room] + ELLIPSIS, colour=run.colour)]
        kept.append(run)
        room -= len(run.text)
    return kept


def _fitted(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """As much of ``text`` as is at most ``width`` pixels wide."""
    text = _drawable(text[:200])
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + ELLIPSIS) > width:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS


def _drawable(text: str) -> str:
    """``text`` without what has no shape of its own: controls, marks of direction, joiners."""
    return "".join(_visible(unicodedata.normalize("NFC", text)))


def _visible(text: str) -> Iterator[str]:
    for character in text:
        if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me", "Zl", "Zp"}:
            yield character


def _font(size: int, weight: str) -> ImageFont.FreeTypeFont:
    with as_file(files("fontpkg_jetbrains_mono") / "files" / "JetBrainsMono[wght].ttf") as path:
        font = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_name(weight)
    return font
