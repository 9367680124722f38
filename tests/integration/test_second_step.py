"""The second step: sealed, counted once, given back by an administrator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from pyotp import TOTP

from engine.app import Gongdan
from engine.base.errors import Rejected
from engine.base.settings import Settings
from engine.operations import credentials
from engine.people.attempts import Caller, TooMany
from engine.people.security_events import By
from engine.storage.people_tables import recovery_code, second_step
from tests.clock import Clock
from tests.people import BOSS, later, process, staff, told

WANG, HERE = By("wang", "10.0.0.1"), Caller("10.0.0.1")


@pytest.fixture
def house(settings: Settings, clock: Clock) -> Iterator[Gongdan]:
    with process(settings, clock) as opened:
        staff(opened)
        yield opened


def set_up(house: Gongdan, name: str = "wang") -> tuple[TOTP, list[str]]:
    """The phone of ``name``, and the recovery codes; the code of this half minute is used up."""
    phone = TOTP(house.door.steps.offer(name))
    codes = credentials.confirm_second_step(house, name, phone.at(house.wall()), By(name))
    return phone, codes


def at(phone: TOTP, house: Gongdan, steps: int) -> str:
    """What the phone shows so many half minutes from now."""
    return phone.at(house.wall() + timedelta(seconds=30 * steps))


def shows(house: Gongdan, code: str, name: str = "wang", caller: Caller = HERE) -> str | None:
    return house.door.code(house.people.get(name), code, caller, house.now())


def test_a_code_counts_once_whoever_sends_it(house: Gongdan, settings: Settings, clock: Clock) -> None:
    phone, _ = set_up(house)
    assert shows(house, phone.at(house.wall())) is None, "it was used to set up"
    later(clock, seconds=30)
    code = phone.at(house.wall())
    with process(settings, clock) as beside:
        assert shows(beside, f"{code[:3]} {code[3:]}") == "phone"
        assert shows(house, code) is None
        later(clock, seconds=29)
        assert shows(house, code) is None
    later(clock, seconds=30)
    assert shows(house, code) is None


def test_an_older_code_than_the_last_counts_no_more(house: Gongdan, clock: Clock) -> None:
    phone, _ = set_up(house)
    later(clock, seconds=60)
    assert shows(house, at(phone, house, 1)) == "phone", "a phone may be half a minute fast"
    assert shows(house, phone.at(house.wall())) is None
    assert shows(house, at(phone, house, -1)) is None


@pytest.mark.parametrize("drift", [-2, 2])
def test_a_phone_that_is_a_minute_wrong_shows_nothing(house: Gongdan, clock: Clock, drift: int) -> None:
    phone, _ = set_up(house)
    later(clock, minutes=10)
    assert shows(house, at(phone, house, drift)) is None


def test_a_recovery_code_counts_once_and_is_not_kept(house: Gongdan) -> None:
    _, codes = set_up(house)
    assert len(set(codes)) == 10
    stored = house.db.rows(sa.select(recovery_code))
    assert not any(code.replace("-", "") in repr(stored) for code in codes)
    assert shows(house, codes[3].upper().replace("-", " ")) == "paper"
    assert shows(house, codes[3]) is None
    assert shows(house, codes[4], "li") is None, "of somebody else"
    state = house.door.steps.state("wang")
    assert state is not None
    assert state.codes == 9
    assert ("second_factor", "wang", "wang", '{"done": "recovery code used"}') in told(house)
    new = credentials.new_recovery_codes(house, "wang", WANG)
    assert shows(house, codes[5]) is None
    assert shows(house, new[0]) == "paper"


def test_a_secret_opens_with_the_houses_key_and_for_its_account_alone(
    house: Gongdan, settings: Settings, clock: Clock
) -> None:
    phone, _ = set_up(house)
    later(clock, minutes=1)
    code = phone.at(house.wall())
    stored = bytes(house.db.rows(sa.select(second_step.c.secret))[0][0])
    assert phone.secret.encode() not in stored
    with house.db.begin() as connection:  # somebody with the database gives li's account the phone they have
        row = {"person": "li", "secret": stored, "since": clock.now, "last_step": 0}
        connection.execute(sa.insert(second_step).values(row))
    with pytest.raises(Rejected, match="this installation's key"):
        shows(house, code, "li")
    with (
        process(replace(settings, lookup_key=b"another" * 8), clock) as elsewhere,
        pytest.raises(Rejected, match="this installation's key"),
    ):
        shows(elsewhere, code)
    assert shows(house, code) == "phone"


def test_six_digits_are_not_guessed(house: Gongdan, clock: Clock) -> None:
    phone, _ = set_up(house)
    later(clock, minutes=1)
    for n in range(5):
        assert shows(house, f"00000{n}") is None
    with pytest.raises(TooMany):
        shows(house, phone.at(house.wall()))
    assert ("sign_in_failed", "", "wang", '{"reason": "code"}') in told(house)


def test_an_offer_counts_for_nothing_until_a_code_of_it_came(house: Gongdan, clock: Clock) -> None:
    phone = TOTP(house.door.steps.offer("wang"))
    assert house.door.steps.state("wang") is None
    assert shows(house, phone.at(house.wall())) is None
    with pytest.raises(Rejected, match="six digits"):
        credentials.confirm_second_step(house, "wang", "123456", WANG)
    newer = TOTP(house.door.steps.offer("wang"))
    with pytest.raises(Rejected):
        credentials.confirm_second_step(house, "wang", phone.at(house.wall()), WANG)
    credentials.confirm_second_step(house, "wang", newer.at(house.wall()), WANG)
    with pytest.raises(Rejected, match="without a second step"):
        house.door.steps.offer("wang")


def test_an_administrator_takes_it_away_with_its_codes(house: Gongdan) -> None:
    _, codes = set_up(house)
    credentials.take_second_step(house, "wang", BOSS)
    assert house.door.steps.state("wang") is None
    assert house.db.rows(sa.select(recovery_code)) == []
    assert shows(house, codes[0]) is None
    assert told(house)[-2] == ("second_factor", "boss", "wang", '{"done": "taken away"}')
    with pytest.raises(Rejected, match="has none"):
        credentials.take_second_step(house, "wang", BOSS)


def test_whose_role_needs_it_does_not_do_without(settings: Settings, clock: Clock) -> None:
    with process(replace(settings, second_step_roles=frozenset({"admin"})), clock) as house:
        staff(house)
        set_up(house, "boss")
        set_up(house)
        with pytest.raises(Rejected, match="one of boss asks for it"):
            credentials.do_without_second_step(house, house.people.get("boss"), BOSS)
        credentials.do_without_second_step(house, house.people.get("wang"), WANG)
