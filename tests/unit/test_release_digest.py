"""A release is known by the bytes of its files, whatever order they come in."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from engine.release.digest import digest_of

PATHS = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), min_size=1, max_size=8)
FILES = st.dictionaries(
    PATHS, st.binary(max_size=3).map(lambda body: hashlib.sha256(body).hexdigest()), max_size=5
)


def test_it_is_the_hash_of_path_and_hash_of_each_file_in_order() -> None:
    assert digest_of({"b": "22", "a": "11"}) == hashlib.sha256(b"a\x0011\nb\x0022\n").hexdigest()


@given(FILES, FILES)
def test_two_releases_have_one_digest_only_if_their_files_are_the_same(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert (digest_of(one) == digest_of(other)) == (one == other)
    assert digest_of(dict(reversed(one.items()))) == digest_of(one)
