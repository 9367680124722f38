"""The files under ``deploy/`` fit the software: commands, settings, tables and server parameters exist."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
import yaml

from engine.app import open_gongdan
from engine.base.settings import CHECKOUT, Settings, variables
from engine.case.commands import CompleteTask, StartCase
from engine.storage.tables import metadata
from run import COMMANDS, cli
from tests.fault import installation as place
from web import create_app

DEPLOY = CHECKOUT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
NGINX = (DEPLOY / "nginx" / "gongdan.conf").read_text()


def assert_is_a_command(words: list[str]) -> None:
    """``… run.py COMMAND OPTIONS`` is one that the command line takes."""
    name, *options = words[words.index("run.py") + 1 :]
    assert name in COMMANDS, words
    module = vars(import_module(COMMANDS[name][0])).values()
    command = next(thing for thing in module if isinstance(thing, click.Command) and thing.name == name)
    command.make_context(name, options, parent=click.Context(cli))


# ---------------------------------------------------------------- systemd
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_what_there_is(path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False, delimiters=["="])
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    service = unit["Service"]
    assert_is_a_command(shlex.split(service["ExecStart"].replace("%i", "8001")))
    assert service["EnvironmentFile"] == "/etc/gongdan.env"
    assert service["User"] == "gongdan"
    if "@" in path.name:
        assert service["Restart"] == "always"
    assert (DEPLOY / "systemd" / path.name.replace(".service", ".timer")).exists() or "@" in path.name


def test_the_environment_file_names_settings_that_exist() -> None:
    lines = (DEPLOY / "gongdan.env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(given) <= set(variables())
    settings = Settings.from_env({**given, "SECRET_KEY": "s" * 32, "GONGDAN_KEY": "k" * 32})
    assert settings.https
    assert not settings.publish
    assert "read once" in (CHECKOUT / "docs/settings.md").read_text()


# ---------------------------------------------------------------- compose
def test_compose_starts_what_there_is_with_settings_that_exist() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"postgres", "prepare", "web", "worker", "nginx"}
    for name in ("prepare", "web", "worker"):
        assert_is_a_command(services[name]["command"])
        assert set(services[name]["environment"]) <= set(variables())
        for other in services[name]["depends_on"]:
            assert other in services
    assert services["web"]["deploy"]["replicas"] > 1
    assert services["worker"]["deploy"]["replicas"] > 1
    mounted = [volume.split(":")[0] for service in services.values() for volume in service["volumes"]]
    for source in mounted:
        if source == "./certificates":
            continue  # the operator's own
        assert (DEPLOY / source).exists() if source.startswith("./") else source in COMPOSE["volumes"], source


def test_the_image_holds_what_runs() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (\S+)", text, re.MULTILINE)
    assert all((CHECKOUT / name).exists() for name in copied)
    assert {"engine", "web", "bpmn", "forms", "run.py", "requirements.lock"} <= set(copied)


# ---------------------------------------------------------------- nginx
def test_nginx_passes_on_what_the_pages_trust_and_no_more_than_they_take(tmp_path: Path) -> None:
    trusted = {"For": "$remote_addr", "Proto": "$scheme", "Host": "$host"}
    for header, value in trusted.items():
        assert f"proxy_set_header X-Forwarded-{header} {value};" in NGINX, (
            "a visitor's own header must not get through"
        )
    gongdan = open_gongdan(place.settings(tmp_path))
    megabytes = create_app(gongdan, place.settings(tmp_path)).config["MAX_CONTENT_LENGTH"] >> 20
    gongdan.close()
    assert f"client_max_body_size {megabytes}m;" in NGINX
    assert NGINX.count("{") == NGINX.count("}")
    assert "/etc/nginx/gongdan/upstream.conf" in NGINX
    (services, mounted) = COMPOSE["services"], COMPOSE["services"]["nginx"]["volumes"]
    assert any(volume.split(":")[1] == "/etc/nginx/gongdan/upstream.conf" for volume in mounted)
    port = services["web"]["command"][-1]
    assert f"server web:{port}" in (DEPLOY / "nginx/upstream.compose.conf").read_text()
    if (nginx := shutil.which("nginx")) is not None:
        _ask_nginx(nginx, tmp_path)


def _ask_nginx(nginx: str, folder: Path) -> None:
    """What nginx itself says of the file."""
    (folder / "gongdan").mkdir()
    (folder / "certificates").mkdir()
    shutil.copy(DEPLOY / "nginx/upstream.machines.conf", folder / "gongdan/upstream.conf")
    _certify(folder / "certificates")
    site = NGINX.replace("/etc/nginx/", f"{folder}/").replace("/var/cache/nginx/", f"{folder}/")
    site = re.sub(r"listen (\d+)", r"listen 127.0.0.1:4\1", site)
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/log; events {{}}\nhttp {{ access_log off;\n{site}}}\n"
    )
    done = subprocess.run([nginx, "-t", "-c", str(folder / "nginx.conf")], capture_output=True, text=True)
    assert not done.returncode, done.stderr


def _certify(folder: Path) -> None:
    """A certificate of nobody."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gongdan.example")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


# ---------------------------------------------------------------- PostgreSQL
def test_postgresql_knows_every_parameter(postgres_server: str) -> None:
    lines = (DEPLOY / "postgresql/gongdan.conf").read_text().splitlines()
    given = dict(line.split(" = ", 1) for line in lines if line and not line.startswith("#"))
    with psycopg.connect(postgres_server) as connection:
        known = {row[0] for row in connection.execute("SELECT name FROM pg_settings")}
    assert set(given) <= known
    assert given["fsync"] == given["synchronous_commit"] == given["archive_mode"] == "on"


def test_a_partitioned_history_serves_and_proves_itself_and_stays_append_only(
    tmp_path: Path, postgres_url: str
) -> None:
    place.install(tmp_path, postgres_url)
    begun = _begin(tmp_path, postgres_url)
    plain = postgres_url.replace("+psycopg", "")
    script = (DEPLOY / "postgresql/partition_history.sql").read_text()
    with psycopg.connect(plain) as connection:
        connection.execute(script)
    gongdan = open_gongdan(place.settings(tmp_path, postgres_url))
    case, task = begun
    gongdan.dispatch(
        CompleteTask(case_id=case, task=task, data=place.FORM, actor="system:test", at=gongdan.now())
    )
    place.assert_goes_on(gongdan)
    place.assert_proves_itself(gongdan)
    gongdan.close()
    with psycopg.connect(plain, autocommit=True) as connection:
        parts = [row[0] for row in connection.execute("SELECT inhrelid::regclass::text FROM pg_inherits")]
        assert len(parts) == 16 * 2, "sixteen tables and their keys"
        for table in ("history", *(part for part in parts if re.fullmatch(r"history_\d+", part))):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                connection.execute(f"DELETE FROM {table}")


def _begin(var: Path, url: str) -> tuple[str, int]:
    gongdan = open_gongdan(place.settings(var, url))
    asked = StartCase(process=place.PROCESS, data={}, actor="system:test", at=gongdan.now())
    (receipt, *_) = [gongdan.dispatch(asked) for _ in range(20)]
    gongdan.close()
    return receipt.case_id, receipt.opened[0]


def test_the_table_of_tables_in_the_guide_is_whole() -> None:
    """docs/operations.md says of every table how it is spread over machines."""
    text = (CHECKOUT / "docs/operations.md").read_text()
    section = text.partition("### Which table goes where")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", section, re.MULTILINE)[1:]
    said = {name: kind.strip() for names, kind in rows for name in re.findall(r"`(\w+)`", names)}
    assert set(said) == set(metadata.tables)
    for name, table in metadata.tables.items():
        by_case = name == "cases" or ("case_id" in table.c and not table.c["case_id"].nullable)
        assert said[name].startswith("by case") == by_case, name
