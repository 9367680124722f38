"""The Merkle tree of RFC 6962: root, proof that a leaf is in it, proof that one tree continues another.

A tree is read through a function that gives the hash of a *perfect* subtree, ``node(level, number)``: the one over
the leaves from ``number·2^level`` up to and without ``(number+1)·2^level``. Where these hashes come from, memory or
a table, is the caller's matter. Proofs are verified as RFC 9162, 2.1.3.2 and 2.1.4.2, says, with its names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

Node = Callable[[int, int], bytes]  #: (level, number) → hash of that perfect subtree
EMPTY = hashlib.sha256(b"").digest()  #: the root of a tree without leaves


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf; its prefix keeps a leaf from being taken for a node."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two others."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Growing:
    """A tree that grows leaf by leaf, of which no more is kept than its root needs."""

    def __init__(self) -> None:
        self.size = 0
        self._perfect: list[
            tuple[int, bytes]
        ] = []  # level and hash of the perfect subtrees, the largest first

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf hash; returns (level, number, hash) of each perfect subtree that is whole now, but the leaf's."""
        self.size += 1
        whole: list[tuple[int, int, bytes]] = []
        level, digest = 0, leaf
        while self._perfect and self._perfect[-1][0] == level:
            level, digest = level + 1, node_hash(self._perfect.pop()[1], digest)
            whole.append((level, (self.size >> level) - 1, digest))
        self._perfect.append((level, digest))
        return whole

    def root(self) -> bytes:
        """The root of the leaves so far."""
        if not self._perfect:
            return EMPTY
        _, digest = self._perfect[-1]
        for _, left in reversed(self._perfect[:-1]):
            digest = node_hash(left, digest)
        return digest


def root(node: Node, size: int) -> bytes:
    """The root of the first ``size`` leaves."""
    return _over(node, 0, size) if size else EMPTY


def inclusion(node: Node, index: int, size: int) -> list[bytes]:
    """The hashes that lead from leaf ``index`` to the root of ``size`` leaves, from the leaf upwards.

    Raises ValueError where there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_over(node, middle, end))
            end = middle
        else:
            path.append(_over(node, start, middle))
            start = middle
    return path[::-1]


def consistency(node: Node, old: int, new: int) -> list[bytes]:
    """The hashes that show that the tree of ``new`` leaves begins with that of ``old``.

    None are needed where the sizes are equal. Raises ValueError for an ``old`` of 0 (anything continues an empty
    tree) or beyond ``new``.
    """
    if not 0 < old <= new:
        raise ValueError(f"nothing proves a tree of {new} to continue one of {old}")
    path: list[bytes] = []
    start, end, known = 0, new, True  # known: the subtree is the whole old tree, whose root the reader has
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_over(node, middle, end))
            end = middle
        else:
            path.append(_over(node, start, middle))
            start, known = middle, False
    return path[::-1] if known else [_over(node, start, end), *path[::-1]]


def leads_to(root: bytes, leaf: bytes, index: int, size: int, path: Iterable[bytes]) -> bool:
    """Whether ``path`` leads from the leaf hash ``leaf`` at ``index`` to the ``root`` of ``size`` leaves."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def continues(old_root: bytes, old: int, new_root: bytes, new: int, path: Sequence[bytes]) -> bool:
    """Whether ``path`` shows that the tree with ``new_root`` begins with the whole tree with ``old_root``."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    first, *rest = path if old & (old - 1) else (old_root, *path)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = first
    for c in rest:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _over(node: Node, start: int, end: int) -> bytes:
    """The hash over the leaves from ``start`` up to and without ``end``, as the tree splits them."""
    size = end - start
    if size & (size - 1) == 0:  # perfect, and so aligned: trees split off the largest perfect subtree first
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(size)
    return node_hash(_over(node, start, middle), _over(node, middle, end))
