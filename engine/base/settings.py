"""Every setting, read from the environment in this one place. ``docs/settings.md`` describes them."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .atomic_files import sync
from .errors import ConfigurationError, NoDatabase
from .locales import LOCALES

CHECKOUT = Path(__file__).resolve().parent.parent.parent
Number = TypeVar("Number", int, float)
SHORTEST_SECRET = 16  #: characters of a key that signs sessions
_CONTACTS = ("mailto", "https", "tel")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(f"expected one of {', '.join(_TRUE + _FALSE)}")
    return word in _TRUE


def _between(kind: type[Number], low: Number, high: Number) -> Callable[[str], Number]:
    def parse(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:  # whose words repeat the value
            value = None
        if value is None or not low <= value <= high:
            raise ValueError(f"expected a number from {low} to {high}")
        return value

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return text

    return parse


def _http_address(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname:
        raise ValueError("expected an http:// or https:// address")
    return text


def _log_server(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not (text.startswith("/") or (host and port.isdecimal() and 1 <= int(port) <= 65535)):
        raise ValueError("expected the path of a socket such as /dev/log, or host:port (UDP)")
    return text


def _key(text: str) -> bytes:
    if len(text) < 32:
        raise ValueError("expected at least 32 characters, for example from `openssl rand -hex 32`")
    return text.encode()


def _token(text: str) -> str:
    if len(text) < 24 or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(
            "expected at least 24 plain letters and digits, for example from `openssl rand -hex 32`"
        )
    return text


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def _several(one: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    """Values with commas between them, each as ``one`` reads it."""
    return lambda text: tuple(one(part.strip()) for part in text.split(",") if part.strip())


def _long(text: str) -> str:
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"expected keys of at least {SHORTEST_SECRET} characters, with commas between them")
    return text


def _recipient(text: str) -> str:
    if not re.fullmatch("age1[02-9ac-hj-np-z]{58}", text):
        raise ValueError(
            "expected public keys of age (age1…), with commas between them; `run.py keys new` makes one"
        )
    return text


def _contact(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text or urlsplit(text).scheme not in _CONTACTS:
        raise ValueError(
            "expected an address such as mailto:security@example.com or https://example.com/report"
        )
    return text


#: kinds of change to a release that may need a second person (engine/release/second_person.py)
GUARDED = ("roles", "limits", "money", "texts")


def _guarded(text: str) -> frozenset[str]:
    words = _words(text)
    if not words <= set(GUARDED):
        raise ValueError(f"expected some of {', '.join(GUARDED)}, separated by commas")
    return words


_DATABASES = "expected sqlite:///path or postgresql://user@host/name"


def _database(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("sqlite", "postgres", "postgresql", "postgresql+psycopg"):
        raise ValueError(_DATABASES)
    if scheme == "sqlite":
        path = rest.removeprefix("/")
        if not path or path == rest or path.startswith((":memory:", "file:")) or "?" in path:
            raise ValueError(f"{_DATABASES}; for SQLite three slashes and the path of a file")
        return text
    from sqlalchemy import (
        exc,
        make_url,
    )  # who asks for SQLite, or for nothing of the database, need not wait for it

    # The common short forms mean psycopg 3, the only driver that is installed with the `postgres` extra.
    meant = f"postgresql+psycopg://{rest}"
    try:
        url = make_url(meant)
        url.get_dialect()().create_connect_args(url)
    except (exc.ArgumentError, ValueError):  # whose words repeat what may be a part of the password
        raise ValueError(f"{_DATABASES}; a port is a number from 1 to 65535") from None
    if not url.database:
        raise ValueError(f"{_DATABASES}; the name of the database is missing")
    if url.port is not None and not 1 <= url.port <= 65535:
        raise ValueError(f"{_DATABASES}; a port is a number from 1 to 65535")
    if set("@[]") & set(url.host or ""):
        raise ValueError(f"{_DATABASES}; an @ in a password is written %40")
    return meant


def _from(variable: str, default: Any, parse: Callable[[str], Any] = str) -> Any:
    """A field that is read from an environment variable; an unset or empty variable means the default."""
    return field(default=default, metadata={"variable": variable, "parse": parse})


def _secret(variable: str, default: Any, parse: Callable[[str], Any] = str) -> Any:
    """The same for a value that stays out of the ``repr``, and so out of logs."""
    return field(default=default, repr=False, metadata={"variable": variable, "parse": parse})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings. Make one with :meth:`from_env`; tests and commands override fields by keyword."""

    project: Path = _from("GONGDAN_PROJECT", CHECKOUT, Path)  #: folder with ``bpmn/`` and ``forms/``
    var: Path = _from("GONGDAN_VAR", CHECKOUT / "var", Path)  #: folder for all data of this machine
    database_url: str = _secret("DATABASE_URL", "", _database)  #: default: SQLite in ``var``
    publish: bool = _from("GONGDAN_PUBLISH", True, _boolean)  #: a start publishes what changed in ``project``
    demo: bool = _from("GONGDAN_DEMO", False, _boolean)  #: accounts for every role on the sign-in page
    secret_key: str = _secret("SECRET_KEY", "")  #: signs sessions; kept in ``var`` in demo mode
    lookup_key: bytes = _secret(
        "GONGDAN_KEY", b"", _key
    )  #: HMAC key of look-ups; seals what people sign in with
    #: keys that signed sessions before, the newest first; what they signed is believed until it ends
    secret_key_fallbacks: tuple[str, ...] = _secret("SECRET_KEY_FALLBACKS", (), _several(_long))
    heads_key: bytes = _secret("GONGDAN_HEADS_KEY", b"", _key)  #: signs heads that are kept elsewhere
    #: public keys for which backups are encrypted
    backup_recipients: tuple[str, ...] = _from("GONGDAN_BACKUP_RECIPIENTS", (), _several(_recipient))

    host: str = _from("GONGDAN_HOST", "127.0.0.1")
    port: int = _from("GONGDAN_PORT", 8000, _between(int, 1, 65535))
    https: bool = _from("GONGDAN_HTTPS", False, _boolean)  #: cookies only over HTTPS
    proxies: int = _from("GONGDAN_PROXIES", 0, _between(int, 0, 10))  #: reverse proxies to trust
    locale: str = _from("GONGDAN_LOCALE", "zh-Hans", _one_of(*LOCALES))  #: language before a person chose one
    session_idle_minutes: int = _from("GONGDAN_SESSION_IDLE", 60, _between(int, 1, 10_080))
    session_most_hours: int = _from("GONGDAN_SESSION_MOST", 12, _between(int, 1, 8_760))
    one_time_hours: int = _from("GONGDAN_ONE_TIME_HOURS", 72, _between(int, 1, 720))
    #: roles whose holders need a second step to sign in
    second_step_roles: frozenset[str] = _from("GONGDAN_SECOND_STEP_ROLES", frozenset(), _words)
    #: kinds of change in the designer's room that a second person has to approve
    second_person: frozenset[str] = _from("GONGDAN_SECOND_PERSON", frozenset(), _guarded)
    log_level: str = _from("GONGDAN_LOG_LEVEL", "info", _one_of("debug", "info", "warning", "error"))
    log_format: str = _from("GONGDAN_LOG_FORMAT", "text", _one_of("text", "json"))
    monitor_token: str = _secret(
        "GONGDAN_MONITOR_TOKEN", "", _token
    )  #: who shows it may read health and metrics

    lru: int = _from("GONGDAN_LRU", 500, _between(int, 1, 1_000_000))  #: live cases kept in memory a process
    worker_threads: int = _from(
        "GONGDAN_WORKER_THREADS", 2, _between(int, 1, 16)
    )  #: that wake, on PostgreSQL
    worker_poll_seconds: float = _from("GONGDAN_WORKER_POLL", 1.0, _between(float, 0.05, 3600.0))

    sms_gateway: str = _from("GONGDAN_SMS_GATEWAY", "console", _one_of("console", "http"))
    sms_url: str = _from("GONGDAN_SMS_URL", "", _http_address)
    sms_token: str = _secret("GONGDAN_SMS_TOKEN", "")
    sms_timeout_seconds: float = _from("GONGDAN_SMS_TIMEOUT", 10.0, _between(float, 0.1, 300.0))

    smtp_host: str = _from("GONGDAN_SMTP_HOST", "")  #: empty: mail goes to the log
    smtp_port: int = _from("GONGDAN_SMTP_PORT", 25, _between(int, 1, 65535))
    smtp_starttls: bool = _from("GONGDAN_SMTP_STARTTLS", True, _boolean)
    smtp_user: str = _from("GONGDAN_SMTP_USER", "")
    smtp_password: str = _secret("GONGDAN_SMTP_PASSWORD", "")
    smtp_from: str = _from("GONGDAN_SMTP_FROM", "gongdan@localhost")

    webhook_url: str = _from("GONGDAN_WEBHOOK_URL", "", _http_address)
    webhook_key: bytes = _secret("GONGDAN_WEBHOOK_KEY", b"", _key)  #: signs bodies, HMAC-SHA-256

    security_contact: str = _from("GONGDAN_SECURITY_CONTACT", "", _contact)  #: told by security.txt
    security_file: str = _from("GONGDAN_SECURITY_FILE", "")  #: JSON lines of the security log; empty: none
    security_syslog: str = _from("GONGDAN_SECURITY_SYSLOG", "", _log_server)
    security_days: int = _from(
        "GONGDAN_SECURITY_DAYS", 0, _between(int, 0, 36_500)
    )  #: entries are kept; 0: for good
    alert_minutes: int = _from("GONGDAN_ALERT_MINUTES", 10, _between(int, 1, 1440))
    alert_failures: int = _from("GONGDAN_ALERT_FAILURES", 20, _between(int, 0, 100_000))
    alert_refusals: int = _from("GONGDAN_ALERT_REFUSALS", 30, _between(int, 0, 100_000))
    alert_downloads: int = _from("GONGDAN_ALERT_DOWNLOADS", 50, _between(int, 0, 100_000))

    @classmethod
    def from_env(
        cls, env: Mapping[str, str] = os.environ, *, existing: bool = False, **overrides: Any
    ) -> Settings:
        """Settings from ``env``; ``overrides`` (field names, final values, ``None`` ignored) win.

        Keys that nobody set but that must stay the same from start to start are made once and kept
        in the ``var`` folder: the look-up key, the key that signs heads, and in demo mode the one that signs sessions.
        Raises ConfigurationError, naming the variable, for a value that cannot be used, and before anything is made
        when the database should be ``existing`` and its file is not there.
        """
        values: dict[str, Any] = {}
        for f in fields(cls):
            if (given := overrides.pop(f.name, None)) is not None:
                values[f.name] = given
            elif text := env.get(f.metadata["variable"], ""):
                values[f.name] = _parsed(f, text)
        if overrides := {name: value for name, value in overrides.items() if value is not None}:
            raise ConfigurationError(f"There is no setting {', '.join(overrides)}.")
        if values.get("sms_gateway") == "http" and not values.get("sms_url"):
            raise ConfigurationError("GONGDAN_SMS_GATEWAY=http needs GONGDAN_SMS_URL.")
        if values.get("webhook_url") and not values.get("webhook_key"):
            raise ConfigurationError("GONGDAN_WEBHOOK_URL needs GONGDAN_WEBHOOK_KEY.")
        var = values["var"] = Path(values.get("var", CHECKOUT / "var")).absolute()
        own = "database_url" not in values
        values.setdefault("database_url", f"sqlite:///{var / 'gongdan.db'}")
        if existing:
            _must_exist(values["database_url"])
        try:
            if own:  # with keys that are given and a database elsewhere, nothing may ever be kept here
                var.mkdir(0o700, parents=True, exist_ok=True)
            for name in ("lookup", "heads"):
                if f"{name}_key" not in values:
                    values[f"{name}_key"] = kept_key(var / f"{name}.key").encode()
            if values.get("demo") and "secret_key" not in values:
                values["secret_key"] = kept_key(var / "session.key")
        except OSError as error:
            raise ConfigurationError(
                f"GONGDAN_VAR cannot be used: {var} is no folder that can be written to ({error.strerror})."
            ) from None
        return cls(**values)

    @property
    def signing_keys(self) -> list[str]:
        """Every key that what browsers bring back may be signed with; the last one signs."""
        return [*reversed(self.secret_key_fallbacks), self.secret_key]

    def require_secret(self) -> str:
        """The key that signs sessions; raises ConfigurationError when a production start lacks it."""
        if len(self.secret_key) < SHORTEST_SECRET:
            raise ConfigurationError(
                f"SECRET_KEY must be set to at least {SHORTEST_SECRET} random characters (`openssl rand -hex 32` makes "
                "one). To look around without one: `run.py serve --demo`."
            )
        return self.secret_key


def child_environment(**extra: str) -> dict[str, str]:
    """The environment for a tool that is started, with ``extra`` variables (a password, never on a command line)."""
    return {**os.environ, **extra}


def project_folder(env: Mapping[str, str] = os.environ) -> Path:
    """The folder with ``bpmn/`` and ``forms/`` alone, for commands that need no database: nothing is made."""
    return Path(env.get("GONGDAN_PROJECT", "") or CHECKOUT)


def variables() -> dict[str, str]:
    """Environment variable → field name, in the order of the settings."""
    return {f.metadata["variable"]: f.name for f in fields(Settings)}


def _parsed(f: Field[Any], text: str) -> Any:
    try:
        return f.metadata["parse"](text)
    except ValueError as error:
        # The value stays out of the message: it may be a secret.
        raise ConfigurationError(f"{f.metadata['variable']} cannot be used: {error}.") from None


def _must_exist(database_url: str) -> None:
    place = Path(database_url.removeprefix("sqlite:///"))
    if database_url.startswith("sqlite") and not (place.is_file() and place.stat().st_size):
        raise NoDatabase(f"there is no database at {place}; start Gongdan once or set GONGDAN_VAR")


def kept_key(path: Path) -> str:
    """The key in ``path``, made on first use, readable by its owner only.

    Raises :class:`ConfigurationError` for a file that holds no whole key.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    made = secrets.token_hex(32)
    scratch = path.with_name(f"{path.name}.{made[:8]}")
    if not path.exists():
        scratch.touch(mode=0o600)
        scratch.write_text(made, encoding="ascii")
        sync(scratch)
        # A link fails when another process was first: then its key is the one, whole.
        with suppress(FileExistsError):
            os.link(scratch, path)
        scratch.unlink()
        sync(path.parent)  # what it seals or signs must not outlive it
    kept = path.read_bytes().strip()
    if len(kept) < 32 or not kept.isascii():
        raise ConfigurationError(
            f"{path} holds no key: expected at least 32 characters. Put the key back from where backups are kept; "
            "only on a new installation remove the file, and one is made."
        )
    return kept.decode()
