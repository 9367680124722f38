"""Who guesses passwords waits, at whichever process; the owner does not, and an administrator can see and end it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.operations import credentials
from engine.people.attempts import LONGEST, Caller, TooMany, network
from engine.storage.people_tables import attempt
from tests.clock import Clock
from tests.people import BOSS, PASSWORD, apart, later, process, staff, told

STRANGER, OWNER = Caller("203.0.113.7"), Caller("10.0.0.5")


@pytest.fixture
def house(settings: Settings, clock: Clock) -> Iterator[Gongdan]:
    with process(settings, clock) as opened:
        staff(opened)
        yield opened


def tries(gongdan: Gongdan, caller: Caller, password: str = "wrong", name: str = "wang") -> str:
    """What comes of one attempt: in, wrong, or waits."""
    try:
        return "in" if gongdan.door.password(name, password, caller, gongdan.now()) else "wrong"
    except TooMany:
        return "waits"


def test_24_wrong_passwords_over_two_processes_and_a_restart_are_24(
    house: Gongdan, settings: Settings, clock: Clock
) -> None:
    with process(settings, clock) as beside:
        for n in range(12):
            clock.advance(seconds=30)  # each is looked at: nobody waits longer than they wait here
            caller = Caller(f"203.0.113.{n}")
            assert tries(house if n % 2 else beside, caller) == "wrong"
    with process(settings, clock) as restarted:
        for n in range(12, 24):
            clock.advance(seconds=30)
            assert tries(restarted if n % 2 else house, Caller(f"203.0.113.{n}")) == "wrong"
        found = restarted.door.attempts.of(clock.now)["wang"]
    assert found.count == 24
    assert [kind for kind, *_ in told(house)].count("sign_in_failed") == 24
    assert found.last_at == clock.now
    assert "203.0.113.23" in found.addresses


def test_of_24_in_one_moment_at_two_processes_five_are_looked_at(
    house: Gongdan, settings: Settings, clock: Clock
) -> None:
    with process(settings, clock) as beside:
        found: list[str] = []
        threads = [
            threading.Thread(target=lambda where=where: found.append(tries(where, STRANGER)))
            for where in (house, beside) * 12
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert Counter(found) == {"wrong": 5, "waits": 19}


def test_the_stranger_waits_ever_longer_and_the_owner_not_at_all(house: Gongdan, clock: Clock) -> None:
    waits = []
    for _ in range(16):
        while tries(house, STRANGER) == "waits":
            try:
                house.door.password("wang", "wrong", STRANGER, clock.now)
            except TooMany as refused:
                waits.append(apart(clock.now, str(refused.values["wait"])).total_seconds())
            clock.advance(seconds=waits[-1])
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert max(waits) <= LONGEST.total_seconds()
    assert tries(house, STRANGER, PASSWORD) == "waits", "who guesses is not told that it was right"
    assert tries(house, OWNER, PASSWORD) == "in"


def test_guessing_from_everywhere_leaves_the_owners_browser_alone(house: Gongdan, clock: Clock) -> None:
    for n in range(60):
        tries(house, Caller(f"198.51.100.{n}"))
    assert tries(house, OWNER, PASSWORD) == "waits", "nobody knows this browser"
    known = Caller("10.0.0.5", "a browser of wang's")
    assert tries(house, known, PASSWORD) == "in"
    assert tries(house, Caller("10.0.0.5", "of somebody else"), PASSWORD, "li") == "in"


def test_a_known_browser_guesses_no_more_than_ten_times(house: Gongdan) -> None:
    known = Caller("10.0.0.5", "a browser of wang's")
    assert [tries(house, known) for _ in range(12)] == ["wrong"] * 10 + ["waits"] * 2
    assert tries(house, OWNER, PASSWORD) == "in"


def test_one_password_tried_on_everybody_is_stopped_by_address(house: Gongdan) -> None:
    found = Counter(tries(house, STRANGER, name=f"person{n}") for n in range(50))
    assert found == {"wrong": 30, "waits": 20}
    assert tries(house, Caller("203.0.113.8"), PASSWORD) == "in"


def test_what_was_right_is_no_failure_and_ends_what_one_has_against_oneself(house: Gongdan) -> None:
    for _ in range(3):
        assert [tries(house, OWNER) for _ in range(4)] == ["wrong"] * 4
        assert tries(house, OWNER, PASSWORD) == "in"
    assert house.door.attempts.of(house.now())["wang"].count == 12, "it is told, although the pair may go on"


def test_failures_are_forgotten_one_by_one(house: Gongdan, clock: Clock) -> None:
    for _ in range(4):
        tries(house, STRANGER)
    assert house.door.attempts.of(later(clock, minutes=25))["wang"].count == 2
    assert "wang" not in house.door.attempts.of(later(clock, minutes=15))


def test_a_clock_that_was_set_back_locks_nobody_out(house: Gongdan, clock: Clock) -> None:
    for _ in range(6):
        tries(house, STRANGER)
    clock.advance(hours=-3)
    assert tries(house, OWNER, PASSWORD) == "in"


def test_names_that_are_no_accounts_are_not_kept(house: Gongdan) -> None:
    typed = "my secret password"
    assert tries(house, STRANGER, name=typed) == "wrong"
    rows = house.db.rows(sa.select(attempt))
    assert {row.kind: row.account for row in rows} == {"pair": None, "address": None, "account": None}
    assert typed not in repr(rows) + repr(told(house))
    assert told(house)[-1][2].startswith("?")


def test_an_administrator_unlocks(house: Gongdan) -> None:
    for n in range(60):
        tries(house, Caller(f"198.51.100.{n}"))
    assert tries(house, OWNER, PASSWORD) == "waits"
    credentials.unlock(house, "wang", BOSS)
    assert tries(house, OWNER, PASSWORD) == "in"
    assert ("unlocked", "boss", "wang", "{}") in told(house)


def test_unlocking_frees_the_address_at_which_the_owner_waits(house: Gongdan) -> None:
    for n in range(30):
        tries(house, OWNER, name=f"person{n % 6}")
    assert tries(house, OWNER, PASSWORD) == "waits"
    credentials.unlock(house, "li", BOSS)
    assert tries(house, OWNER, PASSWORD) == "waits"
    credentials.unlock(house, "wang", BOSS)
    assert tries(house, OWNER, PASSWORD) == "in"


def test_who_waits_fills_no_table_with_names(house: Gongdan) -> None:
    for n in range(80):
        tries(house, STRANGER, name=f"person{n}")
    assert len(house.db.rows(sa.select(attempt.c.key))) == 2 * 30 + 1


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", "unknown"),
    ],
)
def test_one_machine_does_not_have_a_fresh_start_with_each_of_its_addresses(
    address: str, counted: str
) -> None:
    assert network(address) == counted
