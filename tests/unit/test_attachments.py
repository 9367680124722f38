"""Files of a case: kept whole or not at all, and never lost to somebody else's failure."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engine.base.errors import Unavailable
from engine.forms import attachments
from engine.forms.attachments import Folder
from engine.forms.files import FileMeta
from tests.giving import keep

CASE = "260302-00001-8"
CONTENT = b"%PDF-1.4 a letter"
META: FileMeta = {
    "name": "letter.pdf",
    "size": len(CONTENT),
    "type": "application/pdf",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, CASE)


def no_room(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_comes_back_with_what_describes_it(folder: Folder) -> None:
    keep(folder, META, CONTENT)
    assert folder.content(META["sha256"]) == CONTENT
    assert folder.recall(META["sha256"]) == META


def test_a_file_without_room_leaves_nothing_behind(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "_write", no_room)
    with pytest.raises(Unavailable, match="No space left"):
        keep(folder, META, CONTENT)
    assert not list(folder.waiting.iterdir())
    assert not folder.path.exists()


def test_a_failing_upload_leaves_the_same_file_of_a_faster_one(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody clicks twice: the second upload stores and is answered while the first runs out of room."""
    write = attachments._write

    def overtaken(path: Path, content: bytes) -> None:
        monkeypatch.setattr(attachments, "_write", write)
        keep(folder, META, CONTENT)
        no_room()

    monkeypatch.setattr(attachments, "_write", overtaken)
    with pytest.raises(Unavailable):
        keep(folder, META, CONTENT)
    assert folder.content(META["sha256"]) == CONTENT
    assert folder.recall(META["sha256"]) == META


def test_bytes_that_lost_their_description_are_stored_again(folder: Folder) -> None:
    keep(folder, META, CONTENT)
    (folder.path / META["sha256"]).with_suffix(".json").unlink()
    assert folder.recall(META["sha256"]) is None
    keep(folder, META, CONTENT)
    assert folder.recall(META["sha256"]) == META
