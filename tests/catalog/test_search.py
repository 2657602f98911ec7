"""Finding POCs: words, filters, facets, pages, and never what is not the person's to see."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from catalog import service
from catalog.errors import PageGone
from catalog.models import Facet, NewPoc, Poc, PocChange, PocPage, PocQuery
from catalog.words import words
from core.call import Principal
from core.db import Database
from core.tokens import Tokens


@pytest.fixture
def catalogue(database: Database, tokens: Tokens) -> "Catalogue":
    return Catalogue(database, tokens)


class Catalogue:
    """The services, each in a unit of work of its own."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self.database = database
        self.tokens = tokens

    async def store(self, owner: Principal, name: str, text: str = "pass", **more: Any) -> Poc:
        new = NewPoc.model_validate({"name": name, "files": [{"name": "main.txt", "text": text}], **more})
        async with self.database.transaction(owner.tenant_id) as tx:
            return await service.create_poc(tx, owner, self.tokens, new)

    async def find(self, viewer: Principal, q: str = "", **more: Any) -> PocPage:
        async with self.database.transaction(viewer.tenant_id) as tx:
            return await service.list_pocs(tx, viewer, PocQuery.model_validate({"q": q, **more}))

    async def names(self, viewer: Principal, q: str = "", **more: Any) -> list[str]:
        return [poc.name for poc in (await self.find(viewer, q, **more)).items]


async def test_a_poc_is_found_at_once_by_its_words(catalogue: Catalogue, alice: Principal, bob: Principal) -> None:
    await catalogue.store(
        alice,
        "Bowling Game",
        text="def frameScore(roll_list):\n    return parseHTTPHeader(roll_list)",
        description="Contagem de pontos, versão rápida.",
        languages=["python"],
        tags=["kata", "c++"],
    )
    await catalogue.store(bob, "Something else")
    for asked in (
        "bowling", "BOWLING game", "bowlinggame", "bow", "game bowl", "frameScore", "framescore", "frame_score",
        "score", "http", "parseHttpHea", "roll list", "py", "python", "kata", "c++", "versao", "rápida", "alice",
    ):  # fmt: skip
        assert await catalogue.names(bob, asked) == ["Bowling Game"], asked
    for asked in ("bowling javascript", "owling", "bow game", "c#", "++"):
        assert await catalogue.names(bob, asked) == [], asked


async def test_synonyms_are_found_both_ways(catalogue: Catalogue, alice: Principal) -> None:
    await catalogue.store(alice, "One", languages=["js"])
    await catalogue.store(alice, "Two", text="written in JavaScript")
    await catalogue.store(alice, "Three", text="some js here")
    assert set(await catalogue.names(alice, "js")) == {"One", "Two", "Three"}
    assert set(await catalogue.names(alice, "javascript")) == {"One", "Two", "Three"}
    assert await catalogue.names(alice, language="js") == ["One"]


async def test_the_name_counts_most_and_the_text_least(catalogue: Catalogue, alice: Principal) -> None:
    await catalogue.store(alice, "Named bowling")
    await catalogue.store(alice, "Tagged", tags=["bowling"])
    await catalogue.store(alice, "Described", description="A bowling score.")
    await catalogue.store(alice, "Written", text="bowling bowling bowling bowling bowling")
    assert await catalogue.names(alice, "bowling") == ["Named bowling", "Tagged", "Described", "Written"]


async def test_without_words_the_newest_come_first(catalogue: Catalogue, alice: Principal) -> None:
    for name in ("First", "Second", "Third"):
        await catalogue.store(alice, name)
    assert await catalogue.names(alice) == ["Third", "Second", "First"]
    assert await catalogue.names(alice, "   ") == ["Third", "Second", "First"]


async def test_a_change_is_found_and_what_it_replaced_is_not(catalogue: Catalogue, alice: Principal) -> None:
    poc = await catalogue.store(alice, "Bowling", text="strike")
    async with catalogue.database.transaction(alice.tenant_id) as tx:
        await service.change_poc(tx, alice, poc.id, PocChange(revision=1, name="Tennis", tags=("racket",)))
    assert await catalogue.names(alice, "bowling") == []
    for asked in ("tennis", "racket", "strike"):
        assert await catalogue.names(alice, asked) == ["Tennis"]


async def test_filters_and_facets(catalogue: Catalogue, alice: Principal, bob: Principal) -> None:
    await catalogue.store(alice, "A", languages=["python"], tags=["kata", "tdd"])
    await catalogue.store(bob, "B", languages=["python", "c"], tags=["kata"])
    await catalogue.store(bob, "C", languages=["go"], tags=["tdd"])
    everything = await catalogue.find(alice, limit=1)
    assert everything.total == 3
    assert everything.languages == (
        Facet(value="python", count=2), Facet(value="c", count=1), Facet(value="go", count=1),
    )  # fmt: skip
    assert everything.tags == (Facet(value="kata", count=2), Facet(value="tdd", count=2))
    assert await catalogue.names(alice, language="python") == ["B", "A"]
    assert await catalogue.names(alice, tag=["kata", "tdd"]) == ["A"]
    assert await catalogue.names(alice, only="mine") == ["A"]
    found = await catalogue.find(alice, tag=["tdd"])
    assert found.languages == (Facet(value="go", count=1), Facet(value="python", count=1))


async def test_only_favourites_are_the_persons_own(catalogue: Catalogue, alice: Principal, bob: Principal) -> None:
    liked = await catalogue.store(alice, "Liked")
    await catalogue.store(alice, "Other")
    async with catalogue.database.transaction(bob.tenant_id) as tx:
        await service.add_favourite(tx, bob, liked.id)
    found = await catalogue.find(bob, only="favourites")
    assert [poc.name for poc in found.items] == ["Liked"]
    assert found.items[0].favourite
    assert await catalogue.names(alice, only="favourites") == []


async def test_nobody_finds_a_word_that_is_not_theirs_to_see(
    catalogue: Catalogue, alice: Principal, bob: Principal, admin: Principal, eve: Principal
) -> None:
    secret: dict[str, Any] = {"text": "zeppelin", "languages": ["cobol"], "tags": ["hush"], "description": "quixotic"}
    await catalogue.store(alice, "Private Xylophone", visibility="private", **secret)
    await catalogue.store(eve, "Foreign Xylophone", **secret)
    await catalogue.store(bob, "Plain", languages=["go"], tags=["open"])
    for viewer in (bob, admin):
        for asked in ({}, {"only": "mine"}, {"only": "favourites"}, {"tag": ["hush"]}, {"language": "cobol"}):
            for q in ("", "xylophone", "zepp", "cobol", "hush", "quixotic"):
                found = await catalogue.find(viewer, q, **asked)
                assert "Xylophone" not in found.model_dump_json()
                assert {facet.value for facet in found.languages + found.tags} <= {"go", "open"}
                assert found.total <= 1
    assert await catalogue.names(alice, "xylophone") == ["Private Xylophone"]
    assert await catalogue.names(eve, "xylophone") == ["Foreign Xylophone"]


async def test_search_outside_a_tenant_finds_nothing(catalogue: Catalogue, alice: Principal) -> None:
    await catalogue.store(alice, "Bowling")
    async with catalogue.database.system() as queries:
        found = await queries.value(
            dict,
            "SELECT search_pocs($1, NULL, NULL, NULL, '{}', 'all', NULL, NULL, NULL, 100)",
            alice.user_id,
        )
    assert found is not None
    assert found["total"] == 0
    assert found["hits"] == []


@pytest.mark.parametrize("q", ["", "bowling"])
async def test_pages_hold_everything_once_while_others_write(catalogue: Catalogue, alice: Principal, q: str) -> None:
    for number in range(11):
        await catalogue.store(alice, f"Bowling {number}", text="bowling" if number % 3 else "")
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(20):
        page = await catalogue.find(alice, q, limit=3, cursor=cursor)
        seen += [poc.name for poc in page.items]
        cursor = page.cursor
        if cursor is None:
            break
        await catalogue.store(alice, "Bowling later")
    assert [name for name in seen if name != "Bowling later"] == sorted(
        (name for name in set(seen) if name != "Bowling later"), key=seen.index
    )
    assert {name for name in seen if name != "Bowling later"} == {f"Bowling {number}" for number in range(11)}
    assert cursor is None


@pytest.mark.parametrize("cursor", ["x", "é", "W10=", "WzEsMiwzXQ==", "bnVsbA=="])
async def test_a_cursor_that_we_did_not_give_is_refused(catalogue: Catalogue, alice: Principal, cursor: str) -> None:
    with pytest.raises(PageGone):
        await catalogue.find(alice, cursor=cursor)


@given(st.text(max_size=200).filter(lambda text: "\x00" not in text))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_asked_has_an_answer(catalogue: Catalogue, alice: Principal, q: str) -> None:
    assert (await catalogue.find(alice, q)).total == 0


@given(st.from_regex(r"[A-Za-z_$][A-Za-z0-9_]{1,30}", fullmatch=True).filter(lambda name: any(words(name))))
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_an_identifier_is_found_by_itself_its_parts_and_its_beginning(
    catalogue: Catalogue, alice: Principal, name: str
) -> None:
    poc = await catalogue.store(alice, "Generated", text=f"let {name} = 1;")
    word = next(words(name))
    for asked in (name, name.lower(), name.upper(), word.whole[: len(word.whole) // 2 + 1], *word.parts):
        assert poc.id in {found.id for found in (await catalogue.find(alice, asked, limit=100)).items}, asked
