"""How a name may be written and still be the same: case, width, blanks, unseen marks, letters that look alike.

What somebody writes about a colleague is compared in two forms, so that neither a slip nor a trick hides it.
"""

from __future__ import annotations

import unicodedata

#: letters of other alphabets that look like Latin ones (Unicode Technical Standard 39, confusables, by hand)
_LIKE = str.maketrans(
    dict(
        zip(
            "аАвВсСеЕһНіІјЈкКмМоОрРѕЅтТхХуУԁԛԝӏԌҮүνΝαΑβΒεΕζΖηΗιΙκΚμΜοΟρΡτΤυΥχΧıſɑɡ",
            "aAbBcCeEhHiIjJkKmMoOpPsStTxXyYdqwlGYyvNaAbBeEzZnHiIkKuMoOpPtTuYxXisag",
            strict=True,
        )
    )
)
_UNSEEN = frozenset(
    {"Cf", "Cc", "Mn", "Me", "Zs", "Zl", "Zp"}
)  #: categories of what leaves no trace of its own


def folded(name: str) -> str:
    """A name by which people are compared: case and width do not matter."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def plain(name: str) -> str:
    """The same, without blanks and marks, and with letters as they look: what is read alike is alike."""
    apart = unicodedata.normalize("NFKD", name)
    seen = "".join(one for one in apart if unicodedata.category(one) not in _UNSEEN)
    return folded(seen.translate(_LIKE))


def forms(name: str) -> frozenset[str]:
    """The forms in which a name is compared; none of what is no name."""
    return frozenset({folded(name), plain(name)}) - {""}
