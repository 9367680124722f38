"""Why tests erase a case, and a key that goes without a word."""

from __future__ import annotations

from engine.app import Gongdan
from engine.operations.erasure import Request
from engine.privacy.keys import Keys

REQUEST = Request("system:operator/tests", "the customer", "PIPL article 47")


def destroy_key(gongdan: Gongdan, case_id: str) -> None:
    """What whoever may write to the database could do: the key is gone, and history does not say so."""
    gongdan.db.write([Keys.DESTROYED(b_id=case_id)])
