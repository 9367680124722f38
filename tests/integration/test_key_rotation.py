"""Another look-up key: who was found before is found after, killed in between or not; history is not touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from engine.base.errors import GongdanError
from engine.base.settings import Settings
from engine.case import store
from engine.case.rebuild import differences, erased_faults
from engine.cli.keys import keys
from engine.operations import key_rotation, settings_watch
from engine.operations.erasure import Request, cases_of, erase
from engine.operations.installation_keys import under_way, wrong_key
from engine.operations.key_rotation import KEYED, rotate
from engine.people import respondents
from engine.people.second_step import PHONE, SecondSteps
from engine.people.security_events import By, KeyRotated
from engine.storage.people_tables import second_step
from engine.storage.proof_tables import security_log
from engine.storage.tables import history, respondent
from tests.architecture.sources import python_files
from tests.casework import Desk, opened
from tests.clock import Clock
from tests.integration.test_respondents import closed_case, kept

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
REQUEST = Request("system:operator/test", "file 7", "asked to")
WHO = By("system:operator/test")


class House:
    """An installation with found, complained-about and erased people, that can be opened under any key."""

    def __init__(self, folder: Path, clock: Clock, url: str) -> None:
        self.folder, self.clock, self.url = folder, clock, url
        with self.under(OLD) as desk:
            self.called = [desk.start(contact_phone=f"1390000000{n}") for n in range(5)]
            self.about = desk.start(complained_staff="王班长、快递员老马")
            self.erased = closed_case(desk, complained_staff="王班长、快递员老马")
            erase(desk.g, [self.erased], REQUEST)
            settings_watch.note_changes(desk.g, WHO)
            self.rows = self.history(desk)

    def under(self, key: bytes) -> AbstractContextManager[Desk]:
        return opened(self.folder, self.clock, self.url, lookup_key=key)

    @staticmethod
    def history(desk: Desk) -> set[tuple[str, int, bytes]]:
        rows = desk.g.db.rows(sa.select(history.c.case_id, history.c.seq, history.c.hash))
        return {(row.case_id, row.seq, bytes(row.hash)) for row in rows}

    def assert_all_found(self, desk: Desk, key: bytes) -> None:
        """Everybody is found under ``key``, and everything is as histories say."""
        for n, case in enumerate(self.called):
            assert cases_of(desk.g, f"1390000000{n}") == [case]
        lead = desk.g.people.get("supervisor1")
        assert respondents.about(desk.g.db, lead) == {self.about, self.erased}
        assert kept(desk, self.about) == {
            respondents.digest(key, name) for name in ("王班长", "快递员老马", "王班长、快递员老马")
        }
        assert kept(desk, self.erased) == {respondents.digest(key, "王班长")}
        living = [*self.called, self.about]
        assert not [line for case in living for line in differences(desk.g, case)]
        assert [desk.g.verify(case).state for case in living] == ["identical"] * len(living)
        assert desk.g.verify(self.erased).state == "erased"
        assert erased_faults(desk.g.db, self.erased) == []
        assert wrong_key(desk.g) is None


@pytest.fixture
def house(tmp_path: Path, clock: Clock, database_url: str) -> House:
    return House(tmp_path, clock, database_url)


def test_everybody_is_found_under_the_new_key_and_history_only_says_what_stays_of_the_erased(
    house: House,
) -> None:
    with house.under(NEW) as desk:
        assert wrong_key(desk.g), "before it is rotated, a start is refused"
        done = rotate(desk.g, OLD, WHO)
        assert (done.found, done.left) == (6 + 3 + 1, [])
        house.assert_all_found(desk, NEW)
        assert {(case, seq) for case, seq, _ in house.history(desk) - house.rows} == {
            (house.erased, len(store.rows(desk.g.db, house.erased)))
        }
        assert house.rows <= house.history(desk)
        last = json.loads(store.rows(desk.g.db, house.erased)[-1].command)
        assert (last["type"], last["actor"]) == ("erase", "system:keys")
        told = desk.g.db.rows(sa.select(security_log).where(security_log.c.kind == KeyRotated.kind))
        assert [(row.person, row.about, json.loads(row.detail)) for row in told] == [
            (WHO.person, "GONGDAN_KEY", {"rows": 10, "left": []})
        ]
        assert settings_watch.note_changes(desk.g, WHO) == [], "no setting seems to be another"


@pytest.mark.parametrize("after", range(1, 6))
def test_a_rotation_that_is_killed_goes_on_where_it_was(
    tmp_path: Path, clock: Clock, sqlite_url: str, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, clock, sqlite_url)
    monkeypatch.setattr(key_rotation, "PORTION", 3)

    class PowerCut(BaseException):
        pass

    def cut(done: int) -> None:
        if done == after:
            raise PowerCut

    with house.under(NEW) as desk:
        with pytest.raises(PowerCut):
            rotate(desk.g, OLD, WHO, cut)
        assert "`run.py keys rotate` goes on" in str(wrong_key(desk.g)), "nobody may work meanwhile"
        with pytest.raises(GongdanError, match="a change between other keys was begun"):
            rotate(desk.g, OTHER, WHO)
    with house.under(OLD) as desk:
        assert wrong_key(desk.g) is not None
    with house.under(NEW) as desk:
        rotate(desk.g, OLD, WHO)
        assert under_way(desk.g.db) is None
        house.assert_all_found(desk, NEW)


def test_a_key_that_is_not_the_one_of_before_changes_nothing(house: House) -> None:
    with house.under(NEW) as desk:
        with pytest.raises(GongdanError, match="this is not the key of before"):
            rotate(desk.g, OTHER, WHO)
        with pytest.raises(GongdanError, match="the new key is the old one"):
            rotate(desk.g, NEW, WHO)
        assert under_way(desk.g.db) is None
    with house.under(OLD) as desk:
        house.assert_all_found(desk, OLD)


def test_a_rotation_is_refused_while_somebody_works(house: House) -> None:
    with house.under(OLD) as desk:
        desk.start()
        with house.under(NEW) as second, pytest.raises(GongdanError, match="in use"):
            rotate(second.g, OLD, WHO)
        desk.start()
        assert wrong_key(desk.g) is None


def test_what_cannot_be_found_anew_is_said_and_stays(house: House) -> None:
    with house.under(OLD) as desk:
        spoilt = desk.start(complained_staff="王班长、过客")
        forged = sa.update(history).where(history.c.case_id == spoilt, history.c.seq == 1)
        with desk.g.db.begin() as connection:
            connection.execute(
                sa.text("DROP TRIGGER IF EXISTS history_no_update")
                if desk.g.db.sqlite
                else sa.text("ALTER TABLE history DISABLE TRIGGER USER")
            )
            connection.execute(forged.values(command=b'{"type":"none"}'))
            connection.execute(
                sa.update(respondent)
                .where(respondent.c.case_id == house.erased)
                .values(who=respondents.digest(OLD, "王班长之前的名字"))
            )
    with house.under(NEW) as desk:
        done = rotate(desk.g, OLD, WHO)
        assert [line.partition(":")[0] for line in done.left] == [house.erased, spoilt]
        assert respondents.digest(NEW, "王班长") in kept(desk, spoilt), "who has an account is kept off"
        assert respondents.digest(OLD, "过客") in kept(desk, spoilt)


def test_a_second_step_still_lets_in_and_recovery_codes_are_said_to_be_gone(house: House) -> None:
    with house.under(OLD) as desk:
        steps, at = SecondSteps(desk.g.db), desk.at
        for name in ("agent1", "agent2"):
            secret = steps.offer(name)
            with desk.g.db.begin() as connection:
                assert steps.confirm(connection, name, pyotp.TOTP(secret).at(desk.clock.instant), at)
        with desk.g.db.begin() as connection:
            spoilt = sa.update(second_step).where(second_step.c.person == "agent1").values(secret=b"spoilt")
            connection.execute(spoilt)
    with house.under(NEW) as desk:
        done = rotate(desk.g, OLD, WHO)
        assert [line.partition(":")[0] for line in done.left] == ["agent1", "agent2", "agent1"]
        steps, at = SecondSteps(desk.g.db), desk.clock.advance(minutes=2)
        code = pyotp.TOTP(secret).at(desk.clock.instant)
        with desk.g.db.begin() as connection:
            assert steps.passes(connection, "agent2", code, at) == PHONE
        state = steps.state("agent2")
        assert state is not None
        assert state.codes == 0, "nobody relies on codes that would not let them in"


# ---------------------------------------------------------------- the command line
@pytest.fixture
def place(tmp_path: Path, clock: Clock, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> House:
    """An installation whose key is in its file, as the environment names it."""
    (tmp_path / "lookup.key").write_bytes(OLD)
    monkeypatch.setenv("GONGDAN_VAR", str(tmp_path))
    for name in ("DATABASE_URL", "GONGDAN_KEY"):
        monkeypatch.delenv(name, raising=False)
    return House(tmp_path, clock, sqlite_url)


def test_a_key_in_its_file_is_replaced_and_kept_beside(place: House) -> None:
    done = CliRunner().invoke(keys, ["rotate", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"rows": 10, "left": []}
    key = Settings.from_env({}, var=place.folder).lookup_key
    assert key != OLD
    (before,) = place.folder.glob("lookup.key.*")
    assert before.read_bytes() == OLD
    with place.under(key) as desk:
        place.assert_all_found(desk, key)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stop_around_the_change_of_the_file_is_mended_by_asking_again(
    place: House, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCut(BaseException):
        pass

    def cut(keep: Callable[[], None]) -> None:
        if when == "after":
            keep()
        raise PowerCut

    usual = key_rotation.rotate
    with monkeypatch.context() as once:
        once.setattr(
            key_rotation, "rotate", lambda g, old, by, told, keep: usual(g, old, by, told, lambda: cut(keep))
        )
        with pytest.raises(PowerCut):
            CliRunner().invoke(keys, ["rotate"], catch_exceptions=False)
    done = CliRunner().invoke(keys, ["rotate"])
    assert done.exit_code == 0, done.output
    key = Settings.from_env({}, var=place.folder).lookup_key
    assert key != OLD
    with place.under(key) as desk:
        place.assert_all_found(desk, key)


def test_a_key_in_the_settings_needs_the_one_of_before(place: House, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.folder / "lookup.key").rename(place.folder / "old-key")
    monkeypatch.setenv("GONGDAN_KEY", NEW.decode())
    alone = CliRunner().invoke(keys, ["rotate"])
    assert (alone.exit_code, "name the file of the key of before with --old" in alone.stderr) == (2, True)
    done = CliRunner().invoke(keys, ["rotate", "--old", str(place.folder / "old-key")])
    assert done.exit_code == 0, done.output
    assert done.stdout == "10 rows are found with the new key\n"
    with place.under(NEW) as desk:
        place.assert_all_found(desk, NEW)


# ---------------------------------------------------------------- nothing is forgotten
#: modules that keep or look for something under the look-up key → the kinds of :data:`KEYED` that see to it
USERS = {
    "engine/case/projections/cases.py": {"phones"},
    "engine/case/projections/respondents.py": {"respondents"},
    "engine/operations/erasure.py": {"phones"},
    "engine/operations/settings_watch.py": {"settings"},
    "engine/people/attempts.py": set(),  # failures at the door, which count for hours, count anew
    "engine/people/respondents.py": {"respondents"},
    "engine/people/second_step.py": {"second steps"},
    "engine/people/security_log.py": set(),  # a chain: what it says of names that nobody has stays as it is
    "web/pages/cases.py": {"phones"},
    "web/pages/inbox.py": {"phones"},
}
#: modules that hand the key on, or change and compare it
CARRIERS = {
    "engine/app.py", "engine/base/settings.py", "engine/case/dispatch.py", "engine/case/projections/change.py",
    "engine/case/rebuild.py", "engine/cli/keys.py", "engine/operations/installation_keys.py",
    "engine/operations/key_rotation.py", "engine/privacy/sealing.py", "engine/storage/database.py",
}  # fmt: skip


def test_every_use_of_the_key_is_known_to_the_rotation(project: Path) -> None:
    using = {
        str(path.relative_to(project))
        for path in python_files("engine", "web")
        if "lookup_key" in path.read_text(encoding="utf-8")
    }
    assert using - CARRIERS == set(USERS), "a new use needs its line in KEYED, and here"
    assert set().union(*USERS.values()) == set(KEYED)
