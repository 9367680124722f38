"""The Merkle tree gives what every implementation of RFC 6962 gives, and no proof survives a change."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.proof import merkle

#: the eight leaves by which implementations of RFC 6962 are compared, and the roots of their first 1, 2, … 8
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
#: (leaf, size) → path, hexadecimal
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
MOST = 70


def tree(leaves: list[bytes]) -> merkle.Node:
    """The perfect subtrees over some leaves, by growing it."""
    growing, known = merkle.Growing(), {}
    for number, leaf in enumerate(leaves):
        known[0, number] = merkle.leaf_hash(leaf)
        known |= {(level, n): digest for level, n, digest in growing.add(known[0, number])}
    return lambda level, number: known[level, number]


def plain_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + plain_root(leaves[:k]) + plain_root(leaves[k:])).digest()


ALL = [str(number).encode() for number in range(MOST)]
NODE = tree(ALL)


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_other_implementations(size: int) -> None:
    assert merkle.root(tree(LEAVES), size).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_paths_are_those_of_other_implementations(index: int, size: int) -> None:
    assert [p.hex() for p in merkle.inclusion(tree(LEAVES), index, size)] == PATHS[index, size]


def test_every_root_is_that_of_the_definition() -> None:
    expected = [plain_root(ALL[:size]) for size in range(MOST + 1)]
    assert [merkle.root(NODE, size) for size in range(MOST + 1)] == expected
    growing = merkle.Growing()
    for size, leaf in enumerate(ALL):
        assert (growing.size, growing.root()) == (size, expected[size])
        growing.add(merkle.leaf_hash(leaf))


def test_every_leaf_of_every_tree_is_proved_and_nothing_else() -> None:
    for size in range(1, MOST + 1):
        root = merkle.root(NODE, size)
        for index in range(size):
            leaf, path = merkle.leaf_hash(ALL[index]), merkle.inclusion(NODE, index, size)
            assert merkle.leads_to(root, leaf, index, size, path)
            assert not merkle.leads_to(root, leaf, index, size, [*path, leaf])
            assert not merkle.leads_to(root, leaf, index, size, path[:-1]) or not path
            assert not merkle.leads_to(root, leaf, size, size, path)
            assert not merkle.leads_to(root, leaf, -1, size, path)
            assert not any(
                merkle.leads_to(root, leaf, other, size, path) for other in range(size) if other != index
            )


def test_every_tree_continues_every_smaller_one() -> None:
    roots = [merkle.root(NODE, size) for size in range(MOST + 1)]
    for new in range(1, MOST + 1):
        for old in range(1, new + 1):
            path = merkle.consistency(NODE, old, new)
            assert merkle.continues(roots[old], old, roots[new], new, path)
            assert (path == []) == (old == new)
            assert not merkle.continues(roots[old], old, roots[new], new, [*path, roots[1]])
            assert not merkle.continues(roots[old], old, roots[new], new, path[:-1]) or not path
            assert not merkle.continues(roots[old - 1], old, roots[new], new, path)
            assert not merkle.continues(roots[old], old, roots[new - 1], new, path)


@given(st.data())
def test_one_flipped_bit_is_found(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, MOST))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    root, earlier = merkle.root(NODE, size), merkle.root(NODE, old)

    def flipped(parts: list[bytes]) -> list[bytes]:
        which = data.draw(st.integers(0, len(parts) - 1))
        bit = data.draw(st.integers(0, 255))
        spoilt = bytearray(parts[which])
        spoilt[bit // 8] ^= 1 << bit % 8
        return [*parts[:which], bytes(spoilt), *parts[which + 1 :]]

    leaf, head, *path = flipped([merkle.leaf_hash(ALL[index]), root, *merkle.inclusion(NODE, index, size)])
    assert not merkle.leads_to(head, leaf, index, size, path)
    first, last, *path = flipped([earlier, root, *merkle.consistency(NODE, old, size)])
    assert not merkle.continues(first, old, last, size, path)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_what_is_not_there_is_not_proved(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion(NODE, index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 3)])
def test_no_tree_continues_an_empty_or_a_larger_one(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="nothing proves"):
        merkle.consistency(NODE, old, new)
    assert not merkle.continues(merkle.EMPTY, old, merkle.root(NODE, 3), new, [])
