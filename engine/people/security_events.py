"""What the security log tells: one typed fact a kind, each with the word it is kept and searched under.

A kind that has entries keeps its word, and its fields keep their meaning: entries are never changed. To add one: its
class here and in ``KINDS``, its words in ``web/security_words.py``.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from engine.people.spelling import folded

ALERT = "burst:"  #: begins the topic of a notice of an alert, before the number of its entry
_UNKNOWN = "?"  #: how the digest of a name begins that is no account's


@dataclass(frozen=True, slots=True)
class By:
    """Who does it (account, ``system:operator/user``, nobody known), from which IP address (none: this machine)."""

    person: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that concerns the safety of the house. ``about``: the account, file, case or setting it was done to."""

    kind: ClassVar[str]
    about: str = ""

    def detail(self) -> dict[str, Any]:
        """What it says beside ``about``, as plain data."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "about"}


# ---------------------------------------------------------------- at the door
@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    """``about`` signed in. ``means``: how they showed who they are."""

    kind: ClassVar[str] = "signed_in"
    means: str = "password"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFailed(Event):
    """Somebody was not let in as ``about``: an account, or the digest of what is none (:func:`tried`)."""

    kind: ClassVar[str] = "sign_in_failed"
    reason: str = "password"  #: 'password' | 'unknown' | 'off' | another means that failed


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedOut(Event):
    """After too many failures ``about`` (account, digest, or address) has to wait."""

    kind: ClassVar[str] = "locked_out"
    limit: str = ""  #: how many in what time were too many


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked(Event):
    """Somebody let ``about`` try again before the time was over."""

    kind: ClassVar[str] = "unlocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(Event):
    """``about`` ended the session they were in."""

    kind: ClassVar[str] = "signed_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsEnded(Event):
    """Sessions of ``about`` were ended from elsewhere: all of them, or one."""

    kind: ClassVar[str] = "sessions_ended"
    which: str = "all"


# ---------------------------------------------------------------- accounts and rights
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAdded(Event):
    """The account ``about`` was made, with these rights."""

    kind: ClassVar[str] = "account_added"
    roles: list[str]
    skills: list[str]
    departments: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChanged(Event):
    """Of the account ``about``, ``changed``: what → before and after."""

    kind: ClassVar[str] = "account_changed"
    changed: dict[str, list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSwitched(Event):
    """The account ``about`` was switched on or off."""

    kind: ClassVar[str] = "account_switched"
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """``about`` has a new password. ``means``: 'own' (they changed it) or 'reset' (somebody else did)."""

    kind: ClassVar[str] = "password_changed"
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor(Event):
    """The second means of signing in of ``about`` was ``done``: 'set up', 'taken away', 'recovery code used' …"""

    kind: ClassVar[str] = "second_factor"
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Event):
    """Somebody who is signed in asked for what they may not: ``method`` and ``path``; ``about``: the route."""

    kind: ClassVar[str] = "refused"
    method: str
    path: str
    status: int


# ---------------------------------------------------------------- processes
@dataclass(frozen=True, slots=True, kw_only=True)
class Published(Event):
    """Release ``about`` came into force. ``files``: the first of so ``many`` that it changed."""

    kind: ClassVar[str] = "published"
    files: list[str]
    many: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed(Event):
    """The proposal ``about`` waits for a second person: so ``many`` ``files`` (the first), which ``digest`` stands for.

    ``kinds``: the kinds of change that need one.
    """

    kind: ClassVar[str] = "proposed"
    files: list[str]
    many: int
    digest: str
    kinds: list[str]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Event):
    """The proposal ``about`` of ``author``, the very files of ``digest``, became ``release``."""

    kind: ClassVar[str] = "approved"
    author: str
    digest: str
    release: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRefused(Event):
    """The proposal ``about`` of ``author`` was refused."""

    kind: ClassVar[str] = "proposal_refused"
    author: str
    digest: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack(Event):
    """Whoever made the proposal ``about`` took it back, or put proposal ``instead`` in its place."""

    kind: ClassVar[str] = "taken_back"
    instead: str = ""  #: its number; none where nothing came instead


# ---------------------------------------------------------------- data that leaves or goes
@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded(Event):
    """Somebody took a file along. ``about``: the case it is of, else the route; ``file`` as the browser names it."""

    kind: ClassVar[str] = "downloaded"
    path: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported(Event):
    """The command ``about`` wrote data out. ``masked``: whether telephone numbers in texts were masked."""

    kind: ClassVar[str] = "exported"
    to: str
    masked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing(Event):
    """The personal data of the case ``about`` is erased from here on."""

    kind: ClassVar[str] = "erasing"
    requested_by: str
    reason: str


# ---------------------------------------------------------------- the installation
@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChanged(Event):
    """The setting ``about`` was another one at the last start. Of a secret it is not said what it was and is."""

    kind: ClassVar[str] = "setting_changed"
    was: str | None
    now: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified(Event):
    """Cases were verified; ``about``: the number of the verification, ``wrong``: how many findings it has."""

    kind: ClassVar[str] = "verified"
    channel: str
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp(Event):
    """The database was copied to the file ``about``."""

    kind: ClassVar[str] = "backed_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(Event):
    """The backup ``about`` took the place of the database."""

    kind: ClassVar[str] = "restored"
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled(Event):
    """The backup ``about`` was restored for a trial; so many ``findings``, and the data so many ``hours`` old."""

    kind: ClassVar[str] = "drilled"
    findings: int
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysExported(Event):
    """The keys of the installation were written to the encrypted file ``about``; ``keys``: their variables."""

    kind: ClassVar[str] = "keys_exported"
    keys: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotated(Event):
    """The key ``about`` is another: so many ``rows`` are found under it; ``left``: what could not be, in words."""

    kind: ClassVar[str] = "key_rotated"
    rows: int
    left: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCut(Event):
    """Entries whose time was over were taken away: so ``many``, up to number ``last``, whose hash (hex) was ``hash``.

    ``about``: the table. That end stood in the log under a signed checkpoint (engine/operations/retention.py).
    """

    kind: ClassVar[str] = "log_cut"
    last: int
    hash: str
    many: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst(Event):
    """So many (``count``) entries about or by ``about`` within ``minutes`` that a ``rule`` calls it an alert."""

    kind: ClassVar[str] = "burst"
    rule: str
    count: int
    minutes: int


KINDS: dict[str, type[Event]] = {
    one.kind: one
    for one in (
        SignedIn, SignInFailed, LockedOut, Unlocked, SignedOut, SessionsEnded, AccountAdded, AccountChanged,
        AccountSwitched, PasswordChanged, SecondFactor, Refused, Published, Proposed, Approved, ProposalRefused,
        TakenBack, Downloaded, Exported, Erasing, SettingChanged, Verified, BackedUp, Restored, Drilled, KeysExported,
        KeyRotated, LogCut, Burst,
    )
}  # fmt: skip


def unknown(key: bytes, name: str) -> str:
    """What stands for a ``name`` that is no account's: people type passwords there. The same name gives the same."""
    digest = hmac.new(key, b"tried:" + folded(name).encode(), hashlib.sha256).hexdigest()
    return _UNKNOWN + digest[:24]
