"""The key that signs sessions is changed: what the one before signed is believed while it is named, and no longer."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from engine.app import Gongdan
from engine.base.errors import ConfigurationError
from engine.base.settings import Settings
from tests.integration.test_pages_of_tasks import client_of, database_url, gongdan
from web import create_app

__all__ = ["database_url", "gongdan"]  # fixtures
NEW, OLDER = "n" * 32, "o" * 32


def moved(client: FlaskClient, gongdan: Gongdan, settings: Settings) -> FlaskClient:
    """The browser of ``client``, which meets the pages started with other ``settings``."""
    other = create_app(gongdan, settings).test_client()
    for name in ("gongdan", "gongdan-browser"):
        if (cookie := client.get_cookie(name)) is not None:
            other.set_cookie(name, cookie.value)
    return other


def token(page: str) -> str:
    (found,) = re.findall(r'name="csrf-token" content="([^"]+)"', page)
    return str(found)


def typing(page: str) -> list[str]:
    (found,) = re.findall(r'data-keys="([^"]+)"', page)
    return str(found).split()


def test_who_is_signed_in_stays_and_may_send_the_form_they_had_open(
    gongdan: Gongdan, settings: Settings
) -> None:
    before = client_of(gongdan, settings, "agent1")
    page = before.get("/").text
    changed = replace(settings, secret_key=NEW, secret_key_fallbacks=(settings.secret_key, OLDER))
    after = moved(before, gongdan, changed)
    again = after.get("/")
    assert again.status_code == 200
    assert typing(again.text)[0] != typing(page)[0]
    assert typing(again.text)[1] == typing(page)[0], "what waits in the browser still opens"
    sent = after.post("/preferences", data={"csrf_token": token(page), "theme": "dark"})
    assert sent.status_code == 303
    at_last = moved(after, gongdan, replace(settings, secret_key=NEW))
    assert at_last.get("/").status_code == 200, "its cookie was signed with the new key meanwhile"


def test_what_a_key_signed_that_is_named_no_more_is_not_believed(
    gongdan: Gongdan, settings: Settings
) -> None:
    before = client_of(gongdan, settings, "agent1")
    page = before.get("/").text
    without = moved(before, gongdan, replace(settings, secret_key=NEW, secret_key_fallbacks=(OLDER,)))
    assert without.get("/").status_code == 302, "to the sign-in page"
    refused = without.post("/preferences", data={"csrf_token": token(page), "theme": "dark"})
    assert refused.status_code == 400


@pytest.mark.parametrize("given", ["short", f"{NEW},short"])
def test_a_short_key_is_refused_without_repeating_it(given: str, settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY_FALLBACKS cannot be used") as refusal:
        Settings.from_env({"SECRET_KEY_FALLBACKS": given}, var=settings.var)
    assert given not in str(refusal.value)


# ---------------------------------------------------------------- security.txt
def test_who_finds_a_weakness_is_told_whom_to_tell(gongdan: Gongdan, settings: Settings) -> None:
    told = replace(settings, security_contact="mailto:security@example.com")
    answer = create_app(gongdan, told).test_client().get("/.well-known/security.txt")
    assert answer.content_type == "text/plain; charset=utf-8"
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert lines["Contact"] == "mailto:security@example.com"
    assert gongdan.now() < lines["Expires"] < "9999", "RFC 9116: it must end, and lie ahead"
    assert set(lines) == {"Contact", "Expires", "Preferred-Languages"}


def test_without_a_contact_there_is_no_such_page(gongdan: Gongdan, settings: Settings) -> None:
    assert create_app(gongdan, settings).test_client().get("/.well-known/security.txt").status_code == 404


@pytest.mark.parametrize("given", ["security@example.com", "http://example.com", "mailto:a b", "mailto:安全"])
def test_a_contact_is_an_address_that_programs_know(given: str, settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="GONGDAN_SECURITY_CONTACT cannot be used"):
        Settings.from_env({"GONGDAN_SECURITY_CONTACT": given}, var=settings.var)
