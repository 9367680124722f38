"""The parameter table ``bpmn/decisions/sla.dmn`` as objects: the only place where a limit's number stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any, Literal, cast, get_args

from engine.base.errors import InvalidFile
from engine.base.safe_parsing import dmn_namespace, load_dmn

from .durations import Duration, Moment, Window, parse_duration, parse_moment, parse_window

ClockKind = Literal["clock", "work", "count", "choice", "manual", "time_of_day", "calendar"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row of the table. Texts for people are by locale."""

    id: str
    value: str  #: as people say it: "2 hours", "not stated (default 48 h)"
    clock: ClockKind
    clock_note: str  #: what the source adds to the clock: "calendar days", "QC"
    iso: str
    limit: Duration | Moment | Window | int | float | str  #: ``iso``, understood
    process: tuple[str, ...]
    element: str  #: what it is in the diagram
    interrupting: bool
    pausable: bool
    warn: tuple[Fraction | timedelta, ...]  #: shares of the limit, or time since its start
    unconfirmed: bool  #: the source has no number: a business owner must confirm this one
    source: str
    quote: str
    name: Mapping[str, str]
    anchor: Mapping[str, str]  #: the effect it is counted from
    on_expiry: Mapping[str, str]

    @property
    def plain(self) -> int | float | str:
        """What ``param()`` gives: a count as it is, a choice's word, a length in (working) hours."""
        if isinstance(self.limit, Duration):
            hours = self.limit.length / timedelta(hours=1)
            return int(hours) if hours.is_integer() else hours
        return self.iso if isinstance(self.limit, Moment | Window) else self.limit

    @property
    def rhythm(self) -> Moment | None:
        """The weekly or monthly moment at which the software may open cases; None for any other limit."""
        limit = self.limit
        return limit if isinstance(limit, Moment) and limit.rule in ("weekly", "monthly") else None


def load_parameters(content: bytes) -> dict[str, Parameter]:
    """The rows of ``sla.dmn`` by id, in the order of the file.

    Raises :class:`~engine.base.errors.InvalidFile` naming the row and what is wrong with it.
    """
    raw = _rows(content)
    ratio = raw.get("SLA_WARN_RATIO", {}).get("iso", "")
    found = {}
    for key, row in raw.items():
        try:
            found[key] = _parameter(key, row, ratio)
        except KeyError as error:
            raise InvalidFile(f"sla.dmn: the table has no column {error.args[0]!r}") from None
        except (InvalidFile, ValueError) as error:
            raise InvalidFile(f"sla.dmn: {key}: {error}") from None
    return found


def _rows(content: bytes) -> dict[str, dict[str, Any]]:
    """The decision table as plain values: id → column → value."""
    root = load_dmn(content, "sla.dmn")
    ns = {"d": dmn_namespace(root) or ""}
    table = root.find("d:decision/d:decisionTable", ns)
    if table is None:
        raise InvalidFile("sla.dmn: there is no decision table in it")
    columns = [str(output.get("name")) for output in table.findall("d:output", ns)]
    rows: dict[str, dict[str, Any]] = {}
    for rule in table.findall("d:rule", ns):
        key = _literal(rule.findtext("d:inputEntry/d:text", "", ns))
        texts = [entry.findtext("d:text", "", ns) for entry in rule.findall("d:outputEntry", ns)]
        if not isinstance(key, str) or not key or key in rows:
            raise InvalidFile(f"sla.dmn: the parameter {key!r} must be a text that stands in one row only")
        if len(texts) != len(columns):
            raise InvalidFile(f"sla.dmn: {key} has {len(texts)} values for {len(columns)} columns")
        rows[key] = {column: _literal(text) for column, text in zip(columns, texts, strict=True)}
    return rows


def _literal(text: str) -> Any:
    # FEEL writes texts, numbers and booleans as JSON does.
    try:
        return json.loads(text)
    except ValueError:
        raise InvalidFile(f"sla.dmn: {text!r} is not a text in quotes, a number, true or false") from None


def _parameter(key: str, row: Mapping[str, Any], ratio: str) -> Parameter:
    clock = row["clock"]
    if clock not in get_args(ClockKind):
        raise InvalidFile(f"clock is {clock!r}; write one of {', '.join(get_args(ClockKind))}")
    return Parameter(
        id=key,
        value=str(row["value"]),
        clock=clock,
        clock_note=str(row["clock_note"]),
        iso=str(row["iso"]),
        limit=_limit(clock, str(row["iso"])),
        process=tuple(part for part in str(row["process"]).split("; ") if part),
        element=str(row["element"]),
        interrupting=row["interrupting"] is True,
        pausable=row["pausable"] is True,
        warn=tuple(_warning(word, ratio) for word in str(row["warn"]).split()),
        unconfirmed=row["unconfirmed"] is True,
        source=str(row["source"]),
        quote=str(row["quote"]),
        name=_by_locale(row, "name", "name_en"),
        anchor=_by_locale(row, "anchor", "anchor"),
        on_expiry=_by_locale(row, "on_expiry", "on_expiry"),
    )


def _by_locale(row: Mapping[str, Any], stem: str, english: str) -> dict[str, str]:
    columns = {"zh-Hans": f"{stem}_zh_hans", "zh-Hant-HK": f"{stem}_zh_hant_hk", "en": english}
    return {locale: str(row[column]) for locale, column in columns.items()}


def _limit(clock: ClockKind, iso: str) -> Duration | Moment | Window | int | float | str:
    if clock in ("clock", "work"):
        duration = parse_duration(iso)
        if duration.kind != clock:
            raise InvalidFile(f"{iso} does not count {clock} time")
        return duration
    if clock in ("calendar", "time_of_day") and iso != "24x7":
        return parse_window(iso) if "/T" in iso else parse_moment(iso)
    if clock == "manual" and iso.startswith("P"):
        return parse_duration(iso)
    if clock in ("count", "manual"):
        return cast("int | float", json.loads(iso))
    return iso


def _warning(word: str, ratio: str) -> Fraction | timedelta:
    if word.startswith("P"):
        return parse_duration(word).length
    share = Fraction(ratio if word == "SLA_WARN_RATIO" else word)
    if not 0 < share < 1:
        raise InvalidFile(f"warns at {word}, which is not between 0 and 1")
    return share
