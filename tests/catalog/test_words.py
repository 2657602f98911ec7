"""How code and queries are split into words."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.words import INDEX_BYTES_MAX, WORD_MAX, fold, index, language, search, split_case, words

identifiers = st.from_regex(re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}", re.ASCII), fullmatch=True)
code = st.text(alphabet=string.printable, max_size=400)


def indexed(text: str) -> set[str]:
    return set(re.findall(r"'([^']*)':", index([("D", text)])))


@pytest.mark.parametrize(
    ("run", "pieces"),
    [
        ("parseHTTPHeader", ["parse", "HTTP", "Header"]),
        ("fizzBuzz", ["fizz", "Buzz"]),
        ("FizzBuzz", ["Fizz", "Buzz"]),
        ("utf8Decode", ["utf", "8", "Decode"]),
        ("XMLHttpRequest2", ["XML", "Http", "Request", "2"]),
        ("lower", ["lower"]),
        ("HTTP", ["HTTP"]),
        ("éclatÉté", ["éclat", "Été"]),
    ],
)
def test_split_case_cuts_where_a_new_word_is_heard(run: str, pieces: list[str]) -> None:
    assert split_case(run) == pieces


def test_words_knows_languages_with_signs() -> None:
    assert [word.whole for word in words("C++ and C# and F#, i++ too")] == [
        "c++", "and", "c#", "and", "f#", "i++", "too",
    ]  # fmt: skip


def test_words_folds_accents_case_and_width() -> None:
    assert [word.whole for word in words("Fração STRASSE straße \uff21\uff22\uff23 cafe\u0301")] == [
        "fracao", "strasse", "strasse", "abc", "cafe",
    ]  # fmt: skip


def test_index_joins_neighbours_of_a_name() -> None:
    assert "'fizzbuzz':1A" in index([("A", "Fizz Buzz")])
    assert "fizzbuzz" not in index([("D", "Fizz Buzz")])


def test_index_keeps_every_weight_of_a_word() -> None:
    assert index([("A", "bowling"), ("D", "bowling")]) == "'bowling':1A,4D"


def test_index_is_bounded() -> None:
    huge = " ".join(f"word{'x' * (number % 40)}{number}" for number in range(200_000))
    assert len(index([("A", "Bowling"), ("D", huge)]).encode()) < INDEX_BYTES_MAX * 2


def test_search_lets_only_the_last_word_be_begun() -> None:
    found = search("bowling gam")
    assert found is not None
    assert found.match == "('bowling') & ('gam':*)"


def test_search_knows_synonyms_both_ways() -> None:
    for asked, also in [("js", "javascript"), ("javascript", "js"), ("py", "python"), ("c#", "csharp")]:
        found = search(asked)
        assert found is not None
        assert f"'{also}'" in found.match


def test_search_without_a_word_asks_for_nothing() -> None:
    assert search(" ?! -- ") is None


def test_language_has_one_name() -> None:
    assert [language(name) for name in ("js", "javascript", "py", "cobol")] == [
        "javascript", "javascript", "python", "cobol",
    ]  # fmt: skip


@given(identifiers)
def test_split_case_loses_nothing(identifier: str) -> None:
    assert "".join(piece for run in identifier.split("_") for piece in split_case(run)) == identifier.replace("_", "")


@given(identifiers)
def test_an_identifier_is_indexed_whole_and_in_parts(identifier: str) -> None:
    found = indexed(f"x = {identifier}(1)")
    for word in words(identifier):
        assert {word.whole, *word.parts} <= found


@given(st.text(max_size=200))
def test_fold_is_stable_and_plain(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert len(folded) <= WORD_MAX
    assert folded == "" or folded.isalnum()


@given(st.text(max_size=300) | code)
def test_whatever_is_written_stays_inside_its_quotes(text: str) -> None:
    entry = r"'[^'\\\s]{1,80}':\dD"
    assert re.fullmatch(rf"({entry}( {entry})*)?", index([("D", text)]))
    asked = search(text)
    if asked is not None:
        assert re.fullmatch(
            r"(W( \| | & )?)+", re.sub(r"'[^\W_]+(\+\+|#)?'(:\*)?", "W", re.sub(r"[()]", "", asked.match))
        )


@given(code)
def test_what_is_written_is_found_by_its_own_words(text: str) -> None:
    found = indexed(text)
    for word in words(text):
        assert word.whole in found
