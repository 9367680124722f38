"""Telephone numbers: how they are compared, and how they are masked."""

from __future__ import annotations

import re

_MOBILE = re.compile(r"(?<!\d)(?:86)?1[3-9]\d{9}(?!\d)")


def phone_digits(phone: str) -> str:
    """The digits by which a phone number is compared; a leading +86 or 0086 falls away."""
    return re.sub(r"^(0086|86)(?=1\d{10}$)", "", re.sub(r"\D", "", phone))


def mask_phone(phone: str | None) -> str:
    """A phone number for lists: first three and last two digits (``138******21``)."""
    digits = phone_digits(phone or "")
    return digits if len(digits) < 6 else digits[:3] + "*" * (len(digits) - 5) + digits[-2:]


def mask_phones_in(text: str) -> str:
    """``text`` with every mobile number in it masked."""
    return _MOBILE.sub(lambda found: mask_phone(found.group()), text)
