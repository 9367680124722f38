"""Alerts: much of one thing by one account, person or address in a short time. Administrators hear of it once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.instants import iso
from engine.base.locales import LOCALES
from engine.base.settings import Settings
from engine.people import security_log
from engine.people.security_events import ALERT, Burst, By, Downloaded, Exported, Refused, SignInFailed
from engine.people.security_log import Entry
from engine.storage.proof_tables import security_log as table
from engine.storage.tables import notice

ADMINISTRATOR = "admin"
WATCH = By("system:watch")


@dataclass(frozen=True, slots=True)
class Rule:
    """``most``: so many entries of these kinds of one ``by`` are not yet too many (0: any number)."""

    kinds: frozenset[str]
    by: str  #: the column whose value they share
    most: Callable[[Settings], int]
    words: dict[str, str]  #: by language: what happened


RULES = {
    "failures_of_account": Rule(
        frozenset({SignInFailed.kind}), "about", lambda settings: settings.alert_failures,
        {"zh-Hans": "账号 {about} 在 {minutes} 分钟内登录失败 {count} 次",
         "zh-Hant-HK": "帳號 {about} 在 {minutes} 分鐘內登入失敗 {count} 次",
         "en": "{count} failed sign-ins as {about} within {minutes} minutes"},
    ),
    "failures_of_address": Rule(
        frozenset({SignInFailed.kind}), "address", lambda settings: settings.alert_failures,
        {"zh-Hans": "来自 {about} 的登录在 {minutes} 分钟内失败 {count} 次",
         "zh-Hant-HK": "來自 {about} 的登入在 {minutes} 分鐘內失敗 {count} 次",
         "en": "{count} failed sign-ins from {about} within {minutes} minutes"},
    ),
    "refusals": Rule(
        frozenset({Refused.kind}), "person", lambda settings: settings.alert_refusals,
        {"zh-Hans": "{about} 在 {minutes} 分钟内 {count} 次被拒绝访问",
         "zh-Hant-HK": "{about} 在 {minutes} 分鐘內 {count} 次被拒絕存取",
         "en": "{about} was refused {count} times within {minutes} minutes"},
    ),
    "downloads": Rule(
        frozenset({Downloaded.kind, Exported.kind}), "person", lambda settings: settings.alert_downloads,
        {"zh-Hans": "{about} 在 {minutes} 分钟内下载 {count} 次",
         "zh-Hant-HK": "{about} 在 {minutes} 分鐘內下載 {count} 次",
         "en": "{about} took {count} files along within {minutes} minutes"},
    ),
}  # fmt: skip


def words(entry: Entry, locale: str) -> str:
    """What an alert says, in a language; a first line that can be the subject of a mail."""
    told = RULES[entry.detail["rule"]].words
    text = told.get(locale, told["en"])
    return text.format(about=entry.about, count=entry.detail["count"], minutes=entry.detail["minutes"])


def look(gongdan: Gongdan, entries: Sequence[Entry]) -> None:
    """Raise an alert for what the new ``entries`` made too many; the entry and the notice in one transaction."""
    settings = gongdan.settings
    for name, rule in RULES.items():
        most = rule.most(settings)
        touched = {getattr(one, rule.by): one.at for one in entries if most and one.kind in rule.kinds}
        for about, at in sorted(touched.items()):
            if about:
                _count(gongdan, name, about, at, most)


def _count(gongdan: Gongdan, name: str, about: str, at: str, most: int) -> None:
    rule, minutes = RULES[name], gongdan.settings.alert_minutes
    since = iso(datetime.fromisoformat(at) - timedelta(minutes=minutes))
    within = table.c.at > since, table.c.at <= at
    counted = sa.select(sa.func.count()).where(
        table.c[rule.by] == about, table.c.kind.in_(rule.kinds), *within
    )
    alerts = sa.select(table.c.detail).where(table.c.kind == Burst.kind, table.c.about == about, *within)
    with gongdan.db.begin() as connection:
        count = connection.execute(counted).scalar_one()
        told = any(
            security_log.read_detail(row.detail).get("rule") == name for row in connection.execute(alerts)
        )
        if count <= most or told:
            return
        alert = Burst(about=about, rule=name, count=count, minutes=minutes)
        number = security_log.append(connection, WATCH, [alert], at)
        entry = Entry(number, at, alert.kind, WATCH.person, "", about, alert.detail())
        said = {"text": words(entry, LOCALES[0]), "at": at, "level": "warn", "topic": f"{ALERT}{number}/warn"}
        connection.execute(sa.insert(notice).values(role=ADMINISTRATOR, **said))
