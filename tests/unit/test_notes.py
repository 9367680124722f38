"""Checkpoints are signed and read as C2SP says, and nothing that was changed or signed by somebody else passes."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile
from engine.proof import notes
from tests.witness import cosigned, public

#: a note and a key that other implementations are tested with (golang.org/x/mod/sumdb/note)
KNOWN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
KNOWN = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SECRET, OTHER = (
    Ed25519PrivateKey.from_private_bytes(b"s" * 32),
    Ed25519PrivateKey.from_private_bytes(b"o" * 32),
)
ROOT = bytes(range(32))
OWN = notes.log_verifier(public(SECRET))
WITNESS = notes.Verifier("witness.example/w1", notes.COSIGNATURE, public(OTHER))
NOTE = notes.sign(SECRET, 20852163, ROOT)
BOTH = cosigned(NOTE, OTHER, WITNESS.name, 1679315147)


def test_a_note_of_another_implementation_is_read() -> None:
    known = notes.verifier(KNOWN_KEY)
    assert str(known) == KNOWN_KEY
    assert notes.signed_text(KNOWN, [known]) == KNOWN.partition("\n\n")[0] + "\n"


def test_a_checkpoint_has_the_form_of_the_specification() -> None:
    origin, size, root, blank, line, end = NOTE.split("\n")
    assert (origin, size, base64.b64decode(root), blank, end) == (OWN.name, "20852163", ROOT, "", "")
    dash, name, signature = line.split(" ")
    assert (dash, name, base64.b64decode(signature)[:4]) == ("—", origin, OWN.id)


def test_who_signed_a_checkpoint_is_asked_one_by_one() -> None:
    for signers in ([], [OWN], [WITNESS], [OWN, WITNESS]):
        assert notes.opened(BOTH, signers) == notes.Checkpoint(OWN.name, 20852163, ROOT, BOTH)
    with pytest.raises(InvalidFile, match=f"signed by {OWN.name}, not by witness.example/w1"):
        notes.opened(NOTE, [OWN, WITNESS])


@pytest.mark.parametrize("signer", [OWN, WITNESS], ids=["log", "witness"])
@given(data=st.data())
def test_one_changed_character_is_found(signer: notes.Verifier, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(NOTE.partition("\n\n")[0])))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != BOTH[index]))
    with pytest.raises(InvalidFile):
        notes.opened(BOTH[:index] + other + BOTH[index + 1 :], [signer])


@given(st.integers(0, 75 * 8 - 1))
def test_one_flipped_bit_of_a_cosignature_is_found(bit: int) -> None:
    start, space, signature = BOTH.rstrip("\n").rpartition(" ")
    spoilt = bytearray(base64.b64decode(signature))
    spoilt[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidFile):
        notes.opened(f"{start}{space}{base64.b64encode(spoilt).decode()}\n", [OWN, WITNESS])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        NOTE.partition("— ")[0],
        NOTE.rstrip("\n"),
        NOTE + "more\n",
        NOTE.replace("\n", "\r\n"),
        NOTE.replace("— ", "- "),
        NOTE[:-5] + "!!!!\n",
        "x" * notes.LONGEST + NOTE,
        notes.sign(SECRET, 5, b"short"),
        notes.sign(SECRET, -5, ROOT),
    ],
)
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(InvalidFile):
        notes.opened(note, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00" * 32,
        KNOWN_KEY.replace("c74f", "c74e"),
        KNOWN_KEY.replace("+AR", "+CR"),
        KNOWN_KEY[:-4],
        KNOWN_KEY.replace("Peter", "Peter Paul "),
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidFile):
        notes.verifier(text)
