"""What the columns of a complaint file mean: one JSON file a source, in ``engine/intake/mappings``.

A mapping says the encoding, which columns hold ticket number, time, text, channel, place and status, how
dates are written, in which zone, and which words the channel column may hold. It adds no facts: what a
source does not say stays unsaid and becomes the first task's to-do.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.base.errors import InvalidFile, NotFound
from engine.base.safe_parsing import safe_json

FOLDER = Path(__file__).with_name("mappings")
#: Channels of the form F0 (seed 004:294, 003:188).
CHANNELS = frozenset(
    {
        *("phone", "front_desk", "email", "web_form", "social_media", "letter", "visit", "sms", "im"),
        *("regulator_referral", "outbound_revisit"),
    }
)
_KEYS = frozenset(
    {
        *("name", "title", "note", "encoding", "external_id", "received_at", "zone", "zone_note"),
        *("subject", "text", "channel", "place", "status", "keep", "constants"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """One mapping, checked."""

    name: str
    title: str
    encoding: str
    id_column: str
    id_prefix: str  #: goes before the ticket number, so that numbers of two sources never meet
    time_columns: tuple[str, ...]
    time_format: str  #: ``strptime`` format of the time columns joined by one blank
    time_looks_like: str  #: the same for people
    zone: ZoneInfo
    text_column: str
    subject_column: str | None = None
    channel_column: str | None = None
    channel_words: MappingType[str, str] = field(default_factory=dict)  #: word in the file → channel of F0
    channel_always: str | None = None
    place_columns: tuple[str, ...] = ()
    status_column: str | None = None
    keep: MappingType[str, str] = field(default_factory=dict)  #: data name → column kept as it is
    constants: MappingType[str, Any] = field(default_factory=dict)  #: data every row of this source has

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the file must have."""
        single = (
            self.id_column,
            self.text_column,
            self.subject_column,
            self.channel_column,
            self.status_column,
        )
        named = [*single, *self.time_columns, *self.place_columns, *self.keep.values()]
        return tuple(dict.fromkeys(column for column in named if column is not None))


def names() -> list[str]:
    """The mappings that ship, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> Mapping:
    """The mapping called ``name``, or the one in the file of that path (for one's own sources).

    Raises NotFound when there is none, InvalidFile when it cannot be used.
    """
    path = Path(name) if name.endswith(".json") else FOLDER / f"{name}.json"
    if not path.is_file() or (path.parent == FOLDER and path.stem not in names()):
        raise NotFound(
            f"there is no mapping {name!r}; there are {', '.join(names())}, or give the path of a .json file"
        )
    return parse(path.read_bytes(), path.name)


def parse(content: bytes, name: str = "mapping") -> Mapping:
    """The mapping in ``content``; raises InvalidFile, naming the key that is wrong."""
    raw = safe_json(content, name)
    unknown = set(raw) - _KEYS if isinstance(raw, dict) else set()
    if not isinstance(raw, dict) or unknown:
        raise InvalidFile(
            f"{name}: a mapping is an object of {', '.join(sorted(_KEYS))}; unknown: {unknown or 'all'}"
        )
    try:
        channel = raw["channel"]
        words = dict(channel.get("words", {}))
        mapping = Mapping(
            name=raw["name"],
            title=raw["title"],
            encoding=raw["encoding"],
            id_column=raw["external_id"]["column"],
            id_prefix=raw["external_id"]["prefix"],
            time_columns=tuple(raw["received_at"]["columns"]),
            time_format=raw["received_at"]["format"],
            time_looks_like=raw["received_at"]["looks_like"],
            zone=ZoneInfo(raw.get("zone", "Asia/Shanghai")),
            text_column=raw["text"],
            subject_column=raw.get("subject"),
            channel_column=channel.get("column"),
            channel_words=words,
            channel_always=channel.get("always"),
            place_columns=tuple(raw.get("place", ())),
            status_column=raw.get("status"),
            keep=dict(raw.get("keep", {})),
            constants=dict(raw.get("constants", {})),
        )
        "".encode(mapping.encoding)
        if not all(isinstance(text, str) for text in (mapping.name, mapping.text_column, *mapping.columns)):
            raise ValueError("names and columns are texts")
    except (KeyError, TypeError, AttributeError, LookupError, ValueError) as error:
        raise InvalidFile(f"{name}: mapping cannot be used: {type(error).__name__} {error}") from None
    wrong = [
        word
        for word in [*words.values(), mapping.channel_always]
        if word is not None and word not in CHANNELS
    ]
    if wrong or (mapping.channel_column is None) == (mapping.channel_always is None):
        raise InvalidFile(
            f"{name}: give 'channel' a column with words, or 'always'; channels are {sorted(CHANNELS)}"
        )
    return mapping
