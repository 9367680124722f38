# fmt: off
"""Checks what Gongdan exported, by nothing but Python, `cryptography` and 120 lines. Copy it, read it, run it:
python independent_verifier.py KEY [WITNESS …] rows.json [kept.heads] [proof.json …]
rows.json is of `export json --exact`; alone it needs no KEY. Each KEY signed all checkpoints. Exit 1 at any finding."""
import base64, hashlib, json, re, sys  # noqa: E401, I001
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ROW = '{{"case":{case_id},"command":{c},"effects":{e},"engine":{engine},%s"release":{release},"seq":{seq}}}'
ROWS = {1: _ROW % "", 2: _ROW % '"recorded_at":{recorded_at},'}  # by format: what a hash covers
KEY = re.compile(r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*")

def _sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()
def _need(holds: object, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
def _decoded(text: str) -> bytes:
    _need(base64.b64encode(base64.b64decode(text, validate=True)).decode() == text, "spoilt base64")
    return base64.b64decode(text)

def _line(line: str, known: dict[Any, Any]) -> list[bytes]:
    """Check a release or a row: its hash becomes known, and where its case ends by now. Brings no leaves."""
    said = json.loads(line)
    if "files" in said:
        files = sorted((path.encode(), digest.encode()) for path, digest in said["files"].items())
        _need(_sha(*(b"%b\0%b\n" % one for one in files)).hex() == said["digest"], "not the digest of these files")
        known["release", str(said["release"]), 0] = said["digest"]
        return []
    seq, before = known.get(said["case_id"], (0, "0" * 64))
    known[said["case_id"]] = said["seq"], said["hash"]
    rest = line.partition(',"command":')[2]  # the bytes as they are, not as they would be written anew
    command = rest[: json.JSONDecoder().raw_decode(rest)[1]]
    effects = rest[len(command) :].removeprefix(',"effects":')[:-1]
    form = 2 if re.fullmatch("[0-9]+", said["engine"]) and int(said["engine"]) > 3 else 1  # as the version asks
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in said.items()}
    covered = ROWS[form].format_map({**texts, "c": command, "e": effects})
    right = form, seq + 1, before, _sha(bytes.fromhex(before), covered.encode()).hex()
    _need(right == (said["format"], said["seq"], said["prev_hash"], said["hash"]), "it, or the row before, is another")
    _need(all(said["command"][name] == said[name] for name in ("at", "actor")), "at or actor is not the command's")
    digest = known.get(("release", str(said["release"]), 0), "")
    _need(digest and said["effects"].get("release", digest) == digest, "its release is another, or not in the file")
    known["case", said["case_id"], said["seq"]] = said["hash"]
    return []
def _note(text: str, keys: list[str]) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint that all ``keys`` signed (C2SP signed-note, tlog-cosignature)."""
    body, _, lines = text.rpartition("\n\n")
    _need(keys, "no KEY was given to check this by")
    for name, id, key in (one.split("+", 2) for one in keys):
        raw = _decoded(key)
        _need(_sha(f"{name}\n".encode(), raw)[:4].hex() == id, f"{name} is no key")
        signed = [_decoded(one.split(" ")[2]) for one in lines.splitlines() if one.startswith(f"— {name} ")]
        mine = [one[4:] for one in signed if one[:4].hex() == id]
        _need(mine, f"not signed by {name}")
        for one in mine:
            head = f"cosignature/v1\ntime {int.from_bytes(one[:8], 'big')}\n" if raw[0] == 4 else ""
            Ed25519PublicKey.from_public_bytes(raw[1:]).verify(one[8 * bool(head) :], f"{head}{body}\n".encode())
    origin, size, root = body.split("\n")
    return origin, int(size), _decoded(root)
def _root(hashes: list[bytes]) -> bytes:
    half = 1 << max(len(hashes) - 1, 1).bit_length() - 1
    return hashes[0] if len(hashes) == 1 else _sha(b"\1", _root(hashes[:half]), _root(hashes[half:]))
def _climb(path: list[bytes], fn: int, sn: int, low: bytes, high: bytes) -> tuple[bytes, bytes]:
    """Where a path leads from leaf ``fn`` of a tree whose last leaf is ``sn`` (RFC 9162, 2.1.3.2 and 2.1.4.2)."""
    for p in path:
        _need(sn > 0, "the path is too long")
        low, high = (_sha(b"\1", p, low), _sha(b"\1", p, high)) if fn & 1 or fn == sn else (low, _sha(b"\1", high, p))
        up = (fn & -fn).bit_length() if fn == sn and fn else 1
        fn, sn = fn >> up, sn >> up
    _need(sn == 0, "the path is too short")
    return low, high
def _leaves(data: bytes, keys: list[str]) -> list[bytes]:
    """The leaves in a file of heads, or in a proof. Raises where they are not under what was signed."""
    if data.startswith(b"gongdan heads 2\n"):
        told, _, checkpoint = data[16:].partition(b"\n\n")
        leaves = told.split(b"\n")
        root = _root([_sha(b"\0", one) for one in leaves])
        _need(_note(checkpoint.decode(), keys)[1:] == (len(leaves), root), "other leaves than were signed")
        return leaves
    proof = json.loads(data)
    path = [_decoded(one) for one in proof["path"]]
    if proof["format"] == "gongdan inclusion 1":
        leaf, index, (_, size, root) = proof["leaf"].encode(), proof["index"], _note(proof["checkpoint"], keys)
        leads = _climb(path, index, size - 1, *[_sha(b"\0", leaf)] * 2)
        _need(0 <= index < size and leads[1] == root, "it leads to another root")
        return [leaf]
    (origin, old, first), (same, new, last) = _note(proof["old"], keys), _note(proof["new"], keys)
    _need(proof["format"] == "gongdan consistency 1" and origin == same and 0 < old <= new, "this is no proof")
    whole = (old & -old).bit_length() - 1  # the old tree ends with a perfect one of so many levels
    begin = path.pop(0) if old < new and old >> whole > 1 else first
    leads = _climb(path, (old - 1) >> whole, (new - 1) >> whole, begin, begin) if old < new else (begin, begin)
    _need(leads == (first, last), "it leads to another root")
    return []

def _main(arguments: list[str]) -> bool:
    keys, told, found = [one for one in arguments if KEY.fullmatch(one)], [], []
    known: dict[Any, Any] = {}
    if len(keys) == len(arguments):
        sys.exit(f"Expected files to check.\n{__doc__}")
    for path in (one for one in arguments if one not in keys):
        data = Path(path).read_bytes() if Path(path).is_file() else b"there is no such file"
        rows = data[:9] in (b'{"release', b'{"case_id')
        for number, part in enumerate([line for line in data.split(b"\n") if line] if rows else [data], 1):
            try:
                told += _line(part.decode(), known) if rows else _leaves(part, keys)
            except (ValueError, LookupError, TypeError, AttributeError, InvalidSignature) as error:
                found.append(f"{path}:{number}: {error!r}")
    leaves = [json.loads(one) for one in told]
    unlike = (one for one in leaves if known.get((one["kind"], one["name"], one["seq"])) != one["hash"])
    found += [f"{one}: not in the rows" for one in unlike if known and one["kind"] in ("case", "release")]
    ends = {one["name"]: one["seq"] for one in leaves if one["kind"] == "case"}
    beyond = sum(isinstance(one, tuple) and one[0] == "case" and one[2] > ends.get(one[1], 0) for one in known)
    count = sum(isinstance(one, tuple) for one in known)
    print(*found, f"{count} rows and releases, {len(told)} leaves; {beyond} rows are behind all leaves", sep="\n")
    return bool(found)
if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
