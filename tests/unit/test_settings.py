"""Settings: read from the environment in one place, refused by name, secrets kept out of sight."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from engine.base.errors import ConfigurationError
from engine.base.settings import Settings, variables


def test_defaults_are_one_machine_with_sqlite(tmp_path: Path) -> None:
    settings = Settings.from_env({}, var=tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path / 'gongdan.db'}"
    assert (settings.host, settings.port, settings.demo) == ("127.0.0.1", 8000, False)


def test_every_variable_is_read(tmp_path: Path) -> None:
    env = {
        "GONGDAN_VAR": str(tmp_path),
        "DATABASE_URL": "postgres://g@db/g",
        "GONGDAN_DEMO": "yes",
        "GONGDAN_PORT": "9000",
        "GONGDAN_KEY": "k" * 32,
        "GONGDAN_WORKER_POLL": "0.5",
    }
    settings = Settings.from_env(env)
    assert settings.database_url == "postgresql+psycopg://g@db/g"
    assert (settings.demo, settings.port, settings.worker_poll_seconds) == (True, 9000, 0.5)
    assert settings.lookup_key == b"k" * 32


def test_an_empty_variable_means_the_default(tmp_path: Path) -> None:
    assert Settings.from_env({"GONGDAN_PORT": "", "GONGDAN_VAR": str(tmp_path)}).port == 8000


def test_overrides_win_and_none_is_no_override(tmp_path: Path) -> None:
    env = {"GONGDAN_PORT": "9000"}
    assert Settings.from_env(env, var=tmp_path, port=9001).port == 9001
    assert Settings.from_env(env, var=tmp_path, port=None).port == 9000


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("GONGDAN_PORT", "many"),
        ("GONGDAN_PORT", "0"),
        ("GONGDAN_PORT", "65536"),
        ("GONGDAN_DEMO", "perhaps"),
        ("GONGDAN_LOCALE", "fr"),
        ("GONGDAN_LRU", "0"),
        ("GONGDAN_WORKER_POLL", "nan"),
        ("GONGDAN_KEY", "short"),
        ("GONGDAN_SMS_GATEWAY", "pigeon"),
        ("GONGDAN_SMS_GATEWAY", "http"),
        ("GONGDAN_SMS_URL", "file:///etc/passwd"),
        ("GONGDAN_SMS_URL", "http://"),
        ("GONGDAN_WEBHOOK_URL", "https://example.test/hook"),
        ("DATABASE_URL", "mysql://db/g"),
        ("DATABASE_URL", "gongdan.db"),
        ("DATABASE_URL", "sqlite"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///file:g?mode=memory&uri=true"),
        ("DATABASE_URL", "sqlite://gongdan.db"),
        ("DATABASE_URL", "sqlite+aiosqlite:///gongdan.db"),
        ("DATABASE_URL", "sqlite3:///gongdan.db"),
        ("DATABASE_URL", "postgresql+psycopg2://g@db/g"),
        ("DATABASE_URL", "postgresqlfoo://g@db/g"),
        ("DATABASE_URL", "postgresql://"),
        ("DATABASE_URL", "postgresql://g@db"),
        ("DATABASE_URL", "postgresql://g@db/"),
        ("DATABASE_URL", "postgresql://g@db:many/g"),
        ("DATABASE_URL", "postgresql://g@db:70000/g"),
        ("DATABASE_URL", "postgresql://g@db:0/g"),
        ("DATABASE_URL", "postgresql://g@[db/g"),
        ("DATABASE_URL", "postgresql://g:pass@word@db/g"),
        ("DATABASE_URL", "postgresql://g@db/g?host=a&host=b&port=1&port=x"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(variable: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        Settings.from_env({variable: text, "GONGDAN_VAR": str(tmp_path)})


def test_a_refused_secret_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Settings.from_env({"GONGDAN_KEY": "hunter2", "GONGDAN_VAR": str(tmp_path)})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("place", ["db:many/g", "db", "word@db/g", "db:70000/g"])
def test_a_refused_address_does_not_repeat_the_password(place: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected sqlite:///path or postgresql://") as refusal:
        Settings.from_env({"DATABASE_URL": f"postgresql://g:hunter2@{place}"}, var=tmp_path)
    assert "hunter2" not in str(refusal.value)
    assert "word" not in str(refusal.value).replace("password", "")


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(
        ConfigurationError, match=f"GONGDAN_VAR cannot be used: {tmp_path / 'file'} is no folder"
    ):
        Settings.from_env({"GONGDAN_VAR": str(tmp_path / "file")})


def test_a_refused_number_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a number from 1") as refused:
        Settings.from_env({"GONGDAN_LRU": "abc"}, var=tmp_path)
    assert "abc" not in str(refused.value)


def test_secrets_stay_out_of_the_repr(tmp_path: Path) -> None:
    env = {
        "SECRET_KEY": "hunter2" * 3,
        "GONGDAN_KEY": "hunter2" * 5,
        "GONGDAN_SMS_TOKEN": "hunter2",
        "GONGDAN_SMTP_PASSWORD": "hunter2",
        "GONGDAN_WEBHOOK_KEY": "hunter2" * 5,
        "DATABASE_URL": "postgresql://g:hunter2@db/g",
    }
    assert "hunter2" not in repr(Settings.from_env(env, var=tmp_path))


def test_unknown_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="colour"):
        Settings.from_env({}, var=tmp_path, colour="red")


def test_production_needs_a_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        Settings.from_env({}, var=tmp_path).require_secret()
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        Settings.from_env({"SECRET_KEY": "guess"}, var=tmp_path).require_secret()
    assert Settings.from_env({"SECRET_KEY": "s" * 32}, var=tmp_path).require_secret() == "s" * 32


def test_demo_keeps_a_secret_of_its_own(tmp_path: Path) -> None:
    first = Settings.from_env({}, var=tmp_path, demo=True).require_secret()
    assert Settings.from_env({}, var=tmp_path, demo=True).require_secret() == first


def test_kept_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    Settings.from_env({}, var=tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"heads.key": 0o600, "lookup.key": 0o600}


@pytest.mark.parametrize("spoilt", [b"", b"short", b"\xff" * 40])
@pytest.mark.parametrize("name", ["lookup.key", "heads.key"])
def test_a_kept_key_that_is_none_is_refused(tmp_path: Path, name: str, spoilt: bytes) -> None:
    (tmp_path / name).write_bytes(spoilt)
    with pytest.raises(ConfigurationError, match=f"{name} holds no key"):
        Settings.from_env({}, var=tmp_path)


def test_a_line_break_after_a_kept_key_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "heads.key").write_text("h" * 64 + "\n")
    assert Settings.from_env({}, var=tmp_path).heads_key == b"h" * 64


def test_keys_that_are_given_are_not_made(tmp_path: Path) -> None:
    Settings.from_env({"GONGDAN_KEY": "k" * 32, "GONGDAN_HEADS_KEY": "h" * 32}, var=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    start = threading.Barrier(8)

    def read() -> None:
        start.wait()
        keys.append(Settings.from_env({}, var=tmp_path).lookup_key)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_variables_are_named_after_the_project() -> None:
    assert all(
        name.startswith("GONGDAN_") or name in ("DATABASE_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS")
        for name in variables()
    )
