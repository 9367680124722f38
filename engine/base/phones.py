"""Telephone numbers: the one form in which they are kept, how they are compared, and how they are masked."""

from __future__ import annotations

import re

from .texts import seen

_MOBILE = re.compile(r"(?<!\d)(?:86)?1[3-9]\d{9}(?!\d)")

#: full-width signs by their half-width ones
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_NAMED = re.compile(r"\A(?:tel|phone|mobile|电话|電話|手机|手機|手提)[.:\s]*", re.IGNORECASE)
_HYPHENS = re.compile("[\u2010-\u2015\u2212\ufe63]")
_EXTENSION = re.compile(r"\s*(?:转|轉|分机|分機|内线|內線|ext\.?|x|#)\s*(?=\d{1,6}\Z)", re.IGNORECASE)
_WITH_EXTENSION = re.compile(r"(0\d{2,3}-?\d{7,8})-(\d{1,6})", re.ASCII)
_BETWEEN = re.compile(r"[\s().·-]")
_MAINLAND = re.compile(r"\(?(?:\+|00)86\)?|86(?=[\s(-])|86(?=1[3-9](?:[\s-]?\d){9}\Z)", re.ASCII)
#: what needs no 0 before it: area codes with theirs, mobiles, service and short numbers
_COMPLETE = re.compile(r"0|(?:1[3-9]\d{9}|[48]00\d{7}|9[56]\d{3,6}|1[02]\d{3,4})\Z", re.ASCII)
#: Hong Kong, Macao and Taiwan, whose numbers are written without the + as well
_NEIGHBOUR = re.compile(r"\(?\+?(852|853|886)(?:\)|(?=[\s-]))(?=(?:[\s().-]*\d){8,9}\Z)", re.ASCII)
_NUMBER = re.compile(r"\+?[\d*]{1,16}", re.ASCII)


def one_form(text: str) -> str:
    """A number as people type and paste it, in the one form in which it is kept.

    Numbers of the mainland are digits: a landline with the 0 of its area code, and ``-`` before an extension. Those of
    elsewhere begin with ``+`` and the country code. What is no number comes back as it is, without blanks around it.
    """
    typed = seen(text, joined=False).translate(_HALF_WIDTH).strip()
    number = _EXTENSION.sub("-", _HYPHENS.sub("-", _NAMED.sub("", typed)))
    if prefix := _MAINLAND.match(number):
        number = number[prefix.end() :].lstrip(" -")
        if not number:
            return typed
        number = number if _COMPLETE.match(_BETWEEN.sub("", number)) else f"0{number}"
    elif prefix := _NEIGHBOUR.match(number):
        number = f"+{number[prefix.start(1) :]}"
    elif number.startswith("00"):
        number = f"+{number[2:]}"
    if extended := _WITH_EXTENSION.fullmatch(re.sub(r"[\s().·]", "", number)):
        return f"{_BETWEEN.sub('', extended[1])}-{extended[2]}"
    bare = _BETWEEN.sub("", number)
    return bare if _NUMBER.fullmatch(bare) else typed


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
