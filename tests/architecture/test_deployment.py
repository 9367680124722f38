"""The files under ``deploy/`` fit the software: commands, settings, tables and server parameters exist."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
import yaml

from engine import VERSION
from engine.app import open_gongdan
from engine.base.settings import CHECKOUT, Settings, variables
from engine.case.commands import CompleteTask, StartCase
from engine.storage.tables import metadata
from run import COMMANDS, cli
from tests.fault import installation as place
from tests.serving import free_port
from web import create_app

DEPLOY = CHECKOUT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
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


def test_the_builder_gets_what_the_image_holds_and_nothing_else() -> None:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "data and keys of a checkout are not sent to the builder"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == {name for name, _ in _steps("COPY")}


def test_the_image_is_built_and_serves(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """With a builder the image itself and the compose file; without one, what its steps put together, started."""
    docker = shutil.which("docker")
    if docker and not subprocess.run([docker, "info"], capture_output=True).returncode:
        _build_and_compose(docker, tmp_path)
        return
    record_property(
        "not tried",
        "container image and compose file: no builder answers (docker info); checked by their steps",
    )
    for name, to in _steps("COPY"):
        there = CHECKOUT / name
        if there.is_dir():
            shutil.copytree(there, tmp_path / to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(there, tmp_path / to)
    command = json.loads(re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[0])
    assert command[0] == "python"
    for name in ("roles.json", "calendars/cn.json", "decisions/sla.dmn"):
        (tmp_path / "little/bpmn" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / "bpmn" / name, tmp_path / "little/bpmn" / name)
    env = {
        "PATH": os.environ["PATH"], "SECRET_KEY": "s" * 32, "GONGDAN_VAR": str(tmp_path / "var"),
    }  # fmt: skip
    told = subprocess.run(
        [sys.executable, "run.py", "--version"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert told.stdout == f"Gongdan, version {VERSION}\n", told.stderr
    until = [sys.executable, "run.py", "deadline", "--from", "2026-02-13T16:00", "--work", "8h"]
    assert not subprocess.run(until, cwd=tmp_path, env=env, capture_output=True).returncode, "bpmn/ is there"
    port = free_port()
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen(
        [sys.executable, *command[1:], "--host", "127.0.0.1", "--port", str(port)],
        cwd=tmp_path, stdout=log, stderr=log,
        env={**env, "GONGDAN_PROJECT": str(tmp_path / "little")},  # to publish all that ships takes a while
    ) as server:  # fmt: skip
        try:
            assert _answer(f"http://127.0.0.1:{port}/livez", server) == {"status": "ok"}, (
                tmp_path / "log"
            ).read_text()
        finally:
            server.terminate()


def _steps(kind: str) -> list[tuple[str, str]]:
    """What the steps of one kind take, and where to, relative to the image's folder."""
    found = [(name, to) for name, to in re.findall(rf"^{kind} (\S+) (\S+)$", DOCKERFILE, re.MULTILINE)]
    assert found
    return found


def _answer(address: str, process: subprocess.Popen[bytes]) -> object:
    """What the pages at ``address`` say, once they do."""
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            time.sleep(0.1)
    return None


def _build_and_compose(docker: str, folder: Path) -> None:
    """Build the image, and start everything of the compose file until the pages answer through nginx."""
    project = f"gongdan-test-{os.getpid()}"
    shutil.copytree(DEPLOY, folder / "deploy")
    (folder / "deploy/certificates").mkdir()
    _certify(folder / "deploy/certificates")
    text = (folder / "deploy/compose.yaml").read_text().replace("context: ..", f"context: {CHECKOUT}")
    port = free_port()
    text = text.replace('"80:80", "443:443"', f'"127.0.0.1:{port}:443"')
    (folder / "deploy/compose.yaml").write_text(text)
    keys = dict.fromkeys(("POSTGRES_PASSWORD", "SECRET_KEY", "GONGDAN_KEY", "GONGDAN_HEADS_KEY"), "k" * 32)
    compose = [docker, "compose", "-p", project, "-f", str(folder / "deploy/compose.yaml")]
    env = {**os.environ, **keys}
    try:
        subprocess.run([*compose, "up", "--build", "--wait", "-d"], env=env, check=True, timeout=280)
        told = subprocess.run(
            [*compose, "exec", "-T", "web", "python", "run.py", "--version"],
            env=env, check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert told.stdout == f"Gongdan, version {VERSION}\n"
        nobody = ssl._create_unverified_context()  # its certificate is made for the test
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/readyz", context=nobody) as answer:
            assert json.load(answer)["status"] == "ok"
    finally:
        subprocess.run([*compose, "down", "--volumes", "--timeout", "5"], env=env, timeout=100)


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


def hashed(path: str) -> str | None:
    """The case number that nginx sends a path by; None where it may go to any process."""
    found = re.search(r'map \$uri (\$\w+) \{\s+"~(.+)" (\$\w+);\s+default \$request_id;', NGINX)
    assert found, "the case number comes from the path, and what has none is spread by chance"
    key, pattern, captured = found.groups()
    assert f"hash {key} consistent;" in NGINX
    assert "least_conn" not in NGINX
    match = re.search(pattern.replace("(?<", "(?P<"), path)
    return match.group(captured.removeprefix("$")) if match else None


def test_nginx_sends_a_case_to_the_process_that_has_it(tmp_path: Path) -> None:
    number = "260302-00017-4"
    gongdan = open_gongdan(place.settings(tmp_path))
    rules = list(create_app(gongdan, place.settings(tmp_path)).url_map.iter_rules())
    gongdan.close()
    of_cases = [rule.rule for rule in rules if {"case_id", "case"} & rule.arguments]
    assert len(of_cases) > 10
    for rule in of_cases:
        path = re.sub(r"<[^>]*>", "3", re.sub(r"<(?:\w+:)?case(?:_id)?>", number, rule))
        assert hashed(path) == number, path
    assert hashed("/cases/260302-123456-4") == "260302-123456-4", "a busy day has more than five digits"
    for path in ("/", "/inbox", "/cases", "/static/260302.css", "/reports/2026-03", f"/search/{number}x"):
        assert hashed(path) is None, path


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
