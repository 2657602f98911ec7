"""What a gateway remembers of sign-ins that are over."""

import json

from prometheus_client import REGISTRY

from core.bus import Bus
from core.db import Database
from core.model import new_id
from realtime.signins import CONTROL, ENDED_KEPT, SignIns


async def test_a_bounded_number_of_ended_sign_ins_is_remembered(database: Database) -> None:
    """The poll finds again those that were forgotten."""
    bus = Bus("redis://127.0.0.1:1", "s" * 40)
    first, *others = (new_id() for _ in range(ENDED_KEPT + 1))
    async with SignIns(database, bus, poll_interval=600).running() as sign_ins:
        for sign_in_id in (first, *others):
            assert sign_ins.is_over(first) == (sign_in_id != first)
            bus.publish(CONTROL, json.dumps({"kind": "sign_in_ended", "sign_in_id": str(sign_in_id)}).encode())
        assert REGISTRY.get_sample_value("dojo_gateway_ended_sign_ins") == ENDED_KEPT
        assert not sign_ins.is_over(first)
        assert all(map(sign_ins.is_over, others))
