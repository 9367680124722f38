"""A session ends by itself, by its owner, by an administrator, and with the account, in every process at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.app import Gongdan
from engine.base.errors import NotFound, Rejected
from engine.base.settings import Settings
from engine.operations import accounts, credentials
from engine.people.attempts import Caller
from engine.people.second_step import SecondSteps
from tests.clock import Clock
from tests.people import BOSS, OTHER, PASSWORD, later, process, staff, told


@pytest.fixture
def house(settings: Settings, clock: Clock) -> Iterator[Gongdan]:
    with process(replace(settings, session_idle_minutes=30, session_most_hours=8), clock) as opened:
        staff(opened)
        yield opened


def signed_in(gongdan: Gongdan, name: str = "wang", browser: str = "Chrome 141, Windows") -> str:
    return gongdan.door.open(gongdan.people.get(name), "10.0.0.1", browser, gongdan.now(), "password")[0]


def who(gongdan: Gongdan, token: str) -> str | None:
    found = gongdan.door.sessions.find(token, gongdan.now())
    return found[0].name if found else None


def use(gongdan: Gongdan, token: str) -> None:
    found = gongdan.door.sessions.find(token, gongdan.now())
    assert found is not None
    gongdan.door.sessions.touch(found[1], gongdan.now())


def test_a_session_ends_when_nobody_does_anything(house: Gongdan, clock: Clock) -> None:
    token = signed_in(house)
    later(clock, minutes=29)
    use(house, token)
    later(clock, minutes=29)
    assert who(house, token) == "wang"
    later(clock, minutes=1)
    assert who(house, token) is None
    assert house.door.sessions.of("wang", clock.now) == []


def test_a_session_ends_at_the_latest_after_its_time(house: Gongdan, clock: Clock) -> None:
    token = signed_in(house)
    for _ in range(23):
        later(clock, minutes=20)
        use(house, token)
    later(clock, minutes=19)
    assert who(house, token) == "wang"
    later(clock, minutes=1)
    assert who(house, token) is None


def test_where_somebody_is_signed_in(house: Gongdan, clock: Clock) -> None:
    begun = clock.now
    first = signed_in(house)
    signed_in(house, browser="Firefox 140, Linux")
    signed_in(house, "li")
    at = later(clock, minutes=5)
    use(house, first)
    found = house.door.sessions.of("wang", at)
    assert [(one.browser, one.address, one.started_at, one.last_at) for one in found] == [
        ("Chrome 141, Windows", "10.0.0.1", begun, at),
        ("Firefox 140, Linux", "10.0.0.1", begun, begun),
    ]


def test_one_session_is_ended_by_its_id_and_by_nobody_elses_name(house: Gongdan) -> None:
    first, second = signed_in(house), signed_in(house, browser="Firefox 140, Linux")
    id = next(one.id for one in house.door.sessions.of("wang", house.now()) if "Chrome" in one.browser)
    with pytest.raises(NotFound):
        credentials.end_session(house, "li", id, BOSS)
    credentials.end_session(house, "wang", id, BOSS)
    assert (who(house, first), who(house, second)) == (None, "wang")
    assert told(house)[-1] == ("sessions_ended", "boss", "wang", '{"which": "one"}')


@pytest.mark.parametrize("how", ["off", "password", "own password", "second step", "all"])
def test_what_ends_the_sessions_of_an_account_ends_them_in_every_process(
    house: Gongdan, settings: Settings, clock: Clock, how: str
) -> None:
    with process(settings, clock) as beside:
        tokens, other = [signed_in(house), signed_in(beside)], signed_in(beside, "li")
        if how == "off":
            accounts.switch_off(house, "wang", BOSS)
        elif how == "password":
            credentials.reset_password(house, "wang", BOSS)
        elif how == "own password":
            credentials.change_own_password(house, "wang", OTHER, BOSS)
        elif how == "second step":
            _second_step(house.door.steps, house)
            credentials.take_second_step(house, "wang", BOSS)
        else:
            credentials.end_sessions(house, "wang", BOSS)
        for one in (house, beside):
            assert [who(one, token) for token in tokens] == [None, None]
            assert who(one, other) == "li"
        if how == "off":
            assert beside.door.password("wang", PASSWORD, Caller("10.0.0.1"), clock.now) is None
            accounts.switch_on(house, "wang", BOSS)
            assert who(beside, tokens[0]) is None, "what ended does not come back"


def _second_step(steps: SecondSteps, house: Gongdan) -> None:
    from pyotp import TOTP

    secret = steps.offer("wang")
    credentials.confirm_second_step(house, "wang", TOTP(secret).at(house.wall()), BOSS)


def test_a_session_begun_while_the_account_was_switched_off_is_none(house: Gongdan) -> None:
    known = house.people.get("wang")  # the password was right …
    accounts.switch_off(house, "wang", BOSS)
    accounts.switch_on(house, "wang", BOSS)
    token = house.door.open(known, "10.0.0.1", "", house.now(), "password")[0]
    assert who(house, token) is None


def test_what_the_database_keeps_signs_nobody_in(house: Gongdan) -> None:
    signed_in(house)
    (kept,) = house.door.sessions.of("wang", house.now())
    assert who(house, kept.id) is None


def test_the_last_administrator_stays(house: Gongdan) -> None:
    with pytest.raises(Rejected, match="active administrator to remain, but boss"):
        accounts.switch_off(house, "boss", BOSS)
    with pytest.raises(Rejected, match="active administrator"):
        accounts.change(house, replace(house.people.get("boss"), roles=frozenset({"agent"})), BOSS)
    assert house.people.get("boss").roles == {"admin"}
    assert told(house) == []
    accounts.change(house, replace(house.people.get("li"), roles=frozenset({"admin"})), BOSS)
    accounts.switch_off(house, "boss", BOSS)
    with pytest.raises(Rejected, match="but li would"):
        accounts.switch_off(house, "li", BOSS)
