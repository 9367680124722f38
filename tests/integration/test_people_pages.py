"""The pages of people and of one's own account: what administrators do, what everybody does, and what comes first."""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pyotp import TOTP

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.operations import accounts, credentials
from engine.people.attempts import Caller, TooMany
from engine.people.directory import Person
from tests.clock import Clock
from tests.people import BOSS, OTHER, PASSWORD, Browser, later, process, staff, told

OWNER = Caller("10.0.0.5")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def house(settings: Settings, clock: Clock) -> Iterator[Gongdan]:
    with process(settings, clock) as opened:
        staff(opened)
        yield opened


@pytest.fixture
def boss(house: Gongdan, settings: Settings) -> Browser:
    browser = Browser(house, settings)
    assert browser.sign_in("boss").status_code == 303
    return browser


def one_time_of(text: str) -> str:
    found = re.search(r'id="one-time">([^<]+)<', text)
    assert found is not None
    return found.group(1)


FORM = {
    "display": "韩梅梅",
    "role": ["agent", "senior_agent"],
    "skill_yue": "4",
    "teams": "早班，粤语组",
    "mail": "h@x.cn",
}


# ---------------------------------------------------------------- what administrators do
def test_somebody_is_added_and_has_to_choose_a_password_before_anything_else(
    house: Gongdan, settings: Settings, boss: Browser, clock: Clock
) -> None:
    shown = boss.post("/admin/people/new", name="han", **FORM)
    secret = one_time_of(shown.text)
    assert house.people.get("han") == Person(
        "han", "韩梅梅", frozenset({"agent", "senior_agent"}), frozenset({"yue"}), mail="h@x.cn",
        teams=frozenset({"早班", "粤语组"}), levels={"yue": 4}, must_change=True,
    )  # fmt: skip
    assert secret not in repr(told(house))
    assert ("account_added", "boss", "han") in [entry[:3] for entry in told(house)]
    browser = Browser(house, settings)
    assert browser.sign_in("han", secret).headers["Location"] == "/account"
    for path in ("/", "/cases/", "/account/second-step"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers.get("Location")) in [(303, "/account"), (200, None)]
    assert browser.get("/", headers={"HX-Request": "true"}).status_code == 401
    assert browser.get("/signed-in").json["name"] == "han", "its scripts may send the form below"  # type: ignore[index]
    assert "Choose a new password first" in browser.get("/account").text
    wrong = browser.post("/account", password=secret, new="hanhanhanhan", again="hanhanhanhan")
    assert wrong.status_code == 422
    assert browser.post("/account", password=secret, new=OTHER, again=OTHER).status_code == 303
    assert browser.get("/").status_code == 200
    later(clock, hours=100)
    assert Browser(house, settings).sign_in("han", OTHER).headers["Location"] == "/"


def test_a_one_time_password_ends(house: Gongdan, settings: Settings, boss: Browser, clock: Clock) -> None:
    secret = one_time_of(boss.post("/admin/people/wang/password").text)
    late = Browser(house, settings)
    later(clock, hours=72)
    answer = late.sign_in("wang", secret)
    assert (answer.status_code, "a one-time password that still counts" in answer.text) == (401, True)
    assert not late.is_in


def test_what_is_given_is_changed_and_told(house: Gongdan, settings: Settings, boss: Browser) -> None:
    assert "早班" in boss.get("/admin/people/wang").text
    changed = boss.post(
        "/admin/people/wang", display="王芳芳", role=["designer"], department=["om"], external_id="E-1"
    )
    assert changed.status_code == 303
    assert house.people.get("wang") == Person(
        "wang", "王芳芳", frozenset({"designer"}), departments=frozenset({"om"}), external_id="E-1"
    )
    kind, by, about, detail = told(house)[-1]
    assert (kind, by, about) == ("account_changed", "boss", "wang")
    assert json.loads(detail)["changed"]["roles"] == [["agent"], ["designer"]]
    refused = boss.post("/admin/people/li", display="李雷", role=["agent"], external_id="E-1")
    assert (refused.status_code, "E-1 is that of wang" in refused.text) == (422, True)
    refused = boss.post("/admin/people/li", display="李雷雷", role=[])
    assert (refused.status_code, "李雷雷" in refused.text) == (422, True)
    assert house.people.get("li").display_name == "李雷"


def test_what_a_release_took_out_of_force_is_marked(house: Gongdan, boss: Browser) -> None:
    house.people.add_many([Person("old", "老员工", frozenset({"agent", "switchboard"}))], "none")
    shown = boss.get("/admin/people/old").text
    assert "No longer in force, and gone when you save: switchboard." in shown
    assert boss.post("/admin/people/old", display="老员工", role=["agent"]).status_code == 303
    assert house.people.get("old").roles == {"agent"}


def test_switching_off_asks_first_and_is_at_once(house: Gongdan, settings: Settings, boss: Browser) -> None:
    wang = Browser(house, settings)
    wang.sign_in("wang")
    asked = boss.post("/admin/people/wang/off")
    assert (asked.status_code, "Switch 王芳 off?" in asked.text, wang.is_in) == (200, True, True)
    assert boss.post("/admin/people/wang/off", sure="yes").status_code == 303
    assert wang.get("/").headers["Location"].startswith("/sign-in")
    assert wang.get("/notices/bell", headers={"HX-Request": "true"}).status_code == 401
    assert wang.sign_in("wang").status_code == 401
    assert boss.post("/admin/people/wang/on").status_code == 303
    assert wang.sign_in("wang").status_code == 303


def test_the_last_administrator_does_not_switch_themself_off(house: Gongdan, boss: Browser) -> None:
    answer = boss.post("/admin/people/boss/off", sure="yes")
    assert (answer.status_code, "an active administrator to remain" in answer.text) == (409, True)
    assert house.people.get("boss").active
    assert boss.is_in


def test_a_new_password_can_be_asked_for_and_loses_nothing_that_is_typed(
    house: Gongdan, settings: Settings, boss: Browser
) -> None:
    wang = Browser(house, settings)
    wang.sign_in("wang")
    assert boss.post("/admin/people/wang/must-change").status_code == 303
    held = wang.post("/cases/new", process="general_complaint", summary="客户在开会")
    assert (held.status_code, "it goes on after this" in held.text) == (200, True)
    packed = re.search(r'name="unsent" value="([^"]+)"', held.text)
    assert packed is not None
    unsent = packed.group(1).replace("&#34;", '"')
    mistaken = wang.post("/account", password=PASSWORD, new=PASSWORD, again=PASSWORD, unsent=unsent)
    assert (mistaken.status_code, "another password than the one so far" in mistaken.text) == (422, True)
    assert 'name="unsent"' in mistaken.text
    done = wang.post("/account", password=PASSWORD, new=OTHER, again=OTHER, unsent=unsent)
    assert all(text in done.text for text in ("客户在开会", "Your account had to be seen to"))


def test_sessions_are_seen_and_ended_one_by_one(house: Gongdan, settings: Settings, boss: Browser) -> None:
    engine = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
    agent = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {engine}"
    first, second = Browser(house, settings, "10.0.0.7"), Browser(house, settings, "10.0.0.8")
    first.client.environ_base["HTTP_USER_AGENT"] = agent
    first.sign_in("wang")
    second.sign_in("wang")
    shown = boss.get("/admin/people/wang").text
    assert all(text in shown for text in ("Chrome 141, Windows", "10.0.0.7", "10.0.0.8"))
    own = second.get("/account").text
    ends = re.findall(r'action="(/account/sessions/\w+/end)"', own)
    assert len(ends) == 1, "one's own has no button"
    assert second.post(ends[0]).status_code == 303
    assert (first.is_in, second.is_in) == (False, True)
    assert second.post(ends[0]).status_code == 404
    first.sign_in("wang")
    (id, *_) = re.findall(r"/sessions/(\w+)/end", boss.get("/admin/people/wang").text)
    assert boss.post(f"/admin/people/wang/sessions/{id}/end").status_code == 303
    assert [first.is_in, second.is_in].count(True) == 1
    assert boss.post("/admin/people/wang/end-sessions").status_code == 303
    assert (first.is_in, second.is_in) == (False, False)


def test_signing_out_ends_this_browser_alone_and_a_button_ends_all(
    house: Gongdan, settings: Settings
) -> None:
    first, second = Browser(house, settings), Browser(house, settings)
    first.sign_in("wang")
    second.sign_in("wang")
    assert first.post("/sign-out").status_code == 303
    assert (first.is_in, second.is_in) == (False, True)
    first.sign_in("wang")
    assert second.post("/account/sessions/end").status_code == 303
    assert (first.is_in, second.is_in) == (False, False)


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(settings: Settings, clock: Clock) -> None:
    short = replace(settings, session_idle_minutes=30)
    with process(short, clock) as house:
        staff(house)
        asking, working = Browser(house, short), Browser(house, short)
        asking.sign_in("wang")
        working.sign_in("wang")
        for _ in range(3):
            later(clock, minutes=10)
            asking.get("/notices/bell", headers={"HX-Request": "true"})
            working.get("/processes/")
        assert (asking.is_in, working.is_in) == (False, True)


def test_who_is_no_administrator_changes_nobody(house: Gongdan, settings: Settings) -> None:
    house.people.add_many([Person("chief", "班长", frozenset({"supervisor"}))], accounts_hash(house))
    for name in ("wang", "chief"):
        browser = Browser(house, settings)
        browser.sign_in(name)
        assert browser.get("/admin/people").status_code == (200 if name == "chief" else 403)
        for path in ("/admin/people/new", "/admin/people/li", "/admin/people/file"):
            assert (browser.get(path).status_code, browser.post(path).status_code) == (403, 403)
        for act in (
            "off", "on", "password", "must-change", "unlock", "second-step", "end-sessions", "sessions/x/end",
        ):  # fmt: skip
            assert browser.post(f"/admin/people/li/{act}").status_code == 403
    assert house.people.get("li").active


def accounts_hash(house: Gongdan) -> str:
    return house.people.hashed(PASSWORD)


# ---------------------------------------------------------------- many at once
def test_a_file_is_looked_at_then_done(house: Gongdan, boss: Browser) -> None:
    text = "name,display,roles\nhan,韩梅梅,agent\nwang,王芳芳,agent\n".encode()
    seen = boss.post("/admin/people/file", file=(io.BytesIO(text), "staff.csv"))
    assert (seen.status_code, "Nothing is done yet" in seen.text) == (200, True)
    assert house.people.get("wang").display_name == "王芳"
    content = re.search(r'name="content" value="([^"]+)"', seen.text)
    assert content is not None
    assert base64.b64decode(content.group(1)) == text
    done = boss.post("/admin/people/file", content=content.group(1))
    secrets = re.findall(r'<code class="secret">([^<]+)</code>', done.text)
    assert (done.status_code, len(secrets)) == (200, 1)
    assert house.door.password("han", secrets[0], OWNER, house.now()) is not None
    assert house.people.get("wang").display_name == "王芳芳"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"file": b"name,roles\nli,agentt\n"}, "mend the lines that are refused"),
        ({"file": b""}, "with something in it"),
        ({}, "with something in it"),
        ({"content": "no base64!"}, "once more"),
        ({"file": b"salary\n1\n"}, "name among them"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(
    boss: Browser, sent: dict[str, bytes | str], said: str
) -> None:
    form = {
        name: (io.BytesIO(value), "staff.csv") if isinstance(value, bytes) else value
        for name, value in sent.items()
    }
    answer = boss.post("/admin/people/file", **form)
    assert (answer.status_code, said in answer.text) == (422, True)


# ---------------------------------------------------------------- the second step
def test_the_second_step_is_set_up_asked_for_and_recovered(
    house: Gongdan, settings: Settings, boss: Browser, clock: Clock
) -> None:
    wang = Browser(house, settings)
    wang.sign_in("wang")
    assert wang.post("/account/second-step", password="wrong").status_code == 401
    offered = wang.post("/account/second-step", password=PASSWORD).text
    letters = re.search(r'<code class="secret">([A-Z2-7 ]+)<', offered)
    assert letters is not None
    assert offered.count("<svg") > 0
    phone = TOTP(letters.group(1).replace(" ", ""))
    assert wang.post("/account/second-step/confirm", code="000000").status_code == 422
    codes = re.findall(r'<code class="secret">([^<]+)</code>', wang.post(
        "/account/second-step/confirm", code=phone.at(clock.instant)
    ).text)  # fmt: skip
    assert len(codes) == 10
    later(clock, minutes=1)
    other = Browser(house, settings)
    assert "Code on your phone" in other.sign_in("wang", next="/processes/").text
    assert not other.is_in
    assert other.post("/sign-in/code", code="123456", next="/processes/").status_code == 401
    code = phone.at(clock.instant)
    assert other.post("/sign-in/code", code=code, next="/processes/").headers["Location"] == "/processes/"
    again = Browser(house, settings)
    again.sign_in("wang")
    assert again.post("/sign-in/code", code=code).status_code == 401, "it was used"
    assert again.post("/sign-in/code", code=codes[0]).status_code == 303
    assert "9 are left" in again.get("/").text
    assert boss.post("/admin/people/wang/second-step", sure="yes").status_code == 303
    assert not again.is_in
    assert again.sign_in("wang").headers["Location"] == "/"


def test_a_password_waits_five_minutes_for_its_second_step(
    house: Gongdan, settings: Settings, clock: Clock
) -> None:
    phone = TOTP(house.door.steps.offer("wang"))
    credentials.confirm_second_step(house, "wang", phone.at(clock.instant), BOSS)
    for wait, how in ((6, "late"), (1, "password"), (1, "off")):
        browser = Browser(house, settings)
        browser.sign_in("wang")
        later(clock, minutes=wait)
        if how == "password":
            house.people.end_sessions("wang")
        elif how == "off":
            accounts.switch_off(house, "wang", BOSS)
        answer = browser.post("/sign-in/code", code=phone.at(clock.instant))
        assert "The second step took too long" in answer.text
        assert not browser.is_in
    assert Browser(house, settings).post("/sign-in/code", code=phone.at(clock.instant)).status_code == 200


def test_a_role_that_needs_a_second_step_gets_no_further_without(settings: Settings, clock: Clock) -> None:
    strict = replace(settings, second_step_roles=frozenset({"admin"}))
    with process(strict, clock) as house:
        staff(house)
        boss, wang = Browser(house, strict), Browser(house, strict)
        assert wang.sign_in("wang").headers["Location"] == "/"
        assert boss.sign_in("boss").headers["Location"] == "/account/second-step"
        for path in ("/admin/people", "/admin/people/wang"):
            assert boss.get(path).headers["Location"] == "/account/second-step"
        assert boss.post("/admin/people/wang/on").headers.get("Location") is None
        assert "account_switched" not in [kind for kind, *_ in told(house)]
        secret = re.search(
            r'<code class="secret">([A-Z2-7 ]+)<', boss.post("/account/second-step", password=PASSWORD).text
        )
        assert secret is not None
        code = TOTP(secret.group(1).replace(" ", "")).at(clock.instant)
        assert boss.post("/account/second-step/confirm", code=code).status_code == 200
        assert boss.get("/admin/people").status_code == 200
        assert boss.post("/account/second-step/off", password=PASSWORD).status_code == 409


# ---------------------------------------------------------------- cookies
def test_over_https_no_other_site_of_the_domain_sets_our_cookies(house: Gongdan, settings: Settings) -> None:
    browser = Browser(house, replace(settings, https=True))
    browser._from["wsgi.url_scheme"] = "https"
    browser._from["HTTP_REFERER"] = "https://localhost/"
    answer = browser.sign_in("wang")
    kept = [line for line in answer.headers.getlist("Set-Cookie") if "gongdan" in line]
    assert sorted(line.partition("=")[0] for line in kept) == ["__Host-gongdan", "__Host-gongdan-browser"]
    for line in kept:
        assert all(word in line for word in ("; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"))
        assert "Domain" not in line


# ---------------------------------------------------------------- wrong passwords
def tries(gongdan: Gongdan, caller: Caller, password: str = "wrong") -> str:
    try:
        return "in" if gongdan.door.password("wang", password, caller, gongdan.now()) else "wrong"
    except TooMany:
        return "waits"


def test_an_administrator_sees_and_unlocks(house: Gongdan, boss: Browser) -> None:
    for n in range(60):
        tries(house, Caller(f"198.51.100.{n}"))
    shown = boss.get("/admin/people?state=waits").text
    assert ("wang" in shown, ">li<" in shown) == (True, False)
    assert "198.51.100.3" in boss.get("/admin/people/wang").text
    assert tries(house, OWNER, PASSWORD) == "waits"
    assert boss.post("/admin/people/wang/unlock").status_code == 303
    assert tries(house, OWNER, PASSWORD) == "in"
    assert ("unlocked", "boss", "wang", "{}") in told(house)


def test_the_page_of_a_known_browser_lets_the_owner_in(house: Gongdan, settings: Settings) -> None:
    owner, stranger = Browser(house, settings), Browser(house, settings, "203.0.113.7")
    assert owner.sign_in("wang").status_code == 303
    owner.post("/sign-out")
    statuses = Counter(stranger.sign_in("wang", f"guess {n}").status_code for n in range(24))
    assert statuses == {401: 5, 429: 19}
    late = stranger.sign_in("wang")
    assert (late.status_code, "Expected fewer wrong attempts: wait until" in late.text) == (429, True)
    for n in range(60):
        tries(house, Caller(f"198.51.100.{n}"))
    assert Browser(house, settings, "10.0.0.2").sign_in("wang").status_code == 429
    assert owner.sign_in("wang").status_code == 303


def test_a_made_up_browser_is_not_known(house: Gongdan, settings: Settings) -> None:
    for n in range(60):
        tries(house, Caller(f"198.51.100.{n}"))
    forged = Browser(house, settings, "203.0.113.9")
    forged.client.set_cookie("gongdan-browser", "eyJ3YW5nIjoieCJ9.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert forged.sign_in("wang").status_code == 429
