"""The database driver's ids are ids like any other."""

from uuid import UUID

from core.ids import light_id
from core.model import new_id


def test_light_id_is_the_same_id() -> None:
    usual = new_id()
    light = light_id(usual.int)
    assert isinstance(light, UUID)
    assert (light, light.int, light.bytes, str(light)) == (usual, usual.int, usual.bytes, str(usual))
    assert {usual: 1}[light] == {light: 1}[usual] == 1
