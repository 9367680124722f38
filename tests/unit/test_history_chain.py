"""A row's hash is over canonical JSON, however the bytes are put together."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from engine.case.history import canonical, chain, difference

values = st.dictionaries(
    st.text(max_size=8), st.integers(-9, 9) | st.text(max_size=8) | st.none(), max_size=4
)


@given(
    case=st.text(min_size=1, max_size=20),
    seq=st.integers(1, 10**9),
    command=values,
    effects=values,
    release=st.integers(1, 10**6),
    engine=st.sampled_from(["1", "2", "3", "4", "x"]),
    recorded_at=st.text(max_size=30),
    previous=st.binary(min_size=32, max_size=32),
)
def test_a_row_is_hashed_as_the_canonical_json_of_all_its_parts(
    case: str,
    seq: int,
    command: dict[str, object],
    effects: dict[str, object],
    release: int,
    engine: str,
    recorded_at: str,
    previous: bytes,
) -> None:
    parts = {
        "case": case,
        "seq": seq,
        "command": command,
        "effects": effects,
        "release": release,
        "engine": engine,
    }
    if engine not in ("1", "2", "3"):  # row format 2
        parts["recorded_at"] = recorded_at
    whole = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    made = chain(case, seq, canonical(command), canonical(effects), release, engine, previous, recorded_at)
    assert made == hashlib.sha256(previous + whole).digest()


def test_a_difference_quotes_so_much_and_no_more() -> None:
    whole, cut = "x" * 158, "x" * 159  # two more for the quotation marks
    for text, shown in ((whole, f'"{whole}"'), (cut, f'"{cut}…')):
        said = difference(canonical({"done": text}), canonical({"stuck": []}))
        assert said == (
            f"re-execution gives other effects: done is recorded as {shown}, and executing gives nothing"
        )
    assert difference(b"[]", b"{}") == "re-execution gives other effects"
    assert difference(b"{}", b"{}") is None
