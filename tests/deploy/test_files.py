"""The files of the stack say what the docs promise; no container engine is needed to see it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "compose.yaml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:[-?]([^}]*))?\}")
EXAMPLE = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))

every_service = pytest.mark.parametrize("name", SERVICES)


def test_only_the_proxy_is_published() -> None:
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["proxy"]
    assert [name for name, service in SERVICES.items() if service.get("network_mode")] == []


def test_the_database_is_reached_by_the_service_and_the_backup_alone() -> None:
    assert sorted(name for name, service in SERVICES.items() if "back" in service["networks"]) == [
        "api",
        "backup",
        "postgres",
    ]
    assert SERVICES["postgres"]["networks"] == ["back"]
    assert yaml.safe_load(COMPOSE)["networks"]["back"]["internal"] is True


@every_service
def test_a_service_is_watched_limited_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["restart"] == "unless-stopped"
    assert re.fullmatch(r"\$\{DIGITKIT_[A-Z]+_MEMORY:-\d+[mg]\}", service["mem_limit"])
    assert service["pids_limit"] > 0
    assert service["logging"]["options"]["max-size"]


@every_service
def test_a_service_is_nobody_special_and_writes_nowhere_but_in_its_volumes(name: str) -> None:
    service = SERVICES[name]
    user, group = service["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@every_service
def test_a_service_waits_until_those_that_it_needs_are_healthy(name: str) -> None:
    needed = SERVICES[name].get("depends_on", {})
    assert all(SERVICES[other]["healthcheck"] for other in needed)
    assert all(condition == {"condition": "service_healthy"} for condition in needed.values())
    assert needed or name == "postgres"


def test_the_database_is_healthy_only_once_the_service_can_reach_it() -> None:
    # While it is being made, it answers on its socket only.
    assert "--host=127.0.0.1" in SERVICES["postgres"]["healthcheck"]["test"]


def test_every_variable_is_explained_with_the_value_that_it_has_when_it_is_not_set() -> None:
    used = {name: default for name, _, default in VARIABLE.findall(COMPOSE) if not name.startswith("BACKUP_")}
    assert set(used) == set(EXAMPLE)
    assert {name: value for name, value in EXAMPLE.items() if value != used[name]} == {"POSTGRES_PASSWORD": ""}


def test_the_variables_of_the_proxy_reach_it() -> None:
    of_site = set(re.findall(r"\{\$(\w+):", (ROOT / "deploy" / "Caddyfile").read_text()))
    by_hand = {"DIGITKIT_API", "DIGITKIT_APP", "DIGITKIT_PROXY_HTTP", "DIGITKIT_PROXY_HTTPS", "DIGITKIT_PROXY_HEALTH"}
    assert of_site - by_hand == set(SERVICES["proxy"]["environment"])


def test_the_service_knows_every_variable_that_it_is_given() -> None:
    from digitkit.service.settings import Settings

    given = {
        name.removeprefix("DIGITKIT_").lower() for name in SERVICES["api"]["environment"] if name.startswith("DIGITKIT")
    }
    assert given <= set(Settings.model_fields)


def test_no_secret_has_a_value_in_the_files() -> None:
    assert set(re.findall(r"\$\{POSTGRES_PASSWORD(.)", COMPOSE)) == {":"}
    assert {default for name, _, default in VARIABLE.findall(COMPOSE) if name == "POSTGRES_PASSWORD"} == {
        "give it a value in .env"
    }
    assert not re.search(r"postgresql://[^@\s]*:[^@\s]*@", COMPOSE)


def test_images_have_versions() -> None:
    images = [*re.findall(r"^ARG \w+=(.+)$", DOCKERFILE, flags=re.MULTILINE), SERVICES["postgres"]["image"]]
    assert len(images) == 3
    assert all(re.search(r":\d+(\.\d+)?-", image) for image in images)


def test_the_image_holds_locked_packages_and_runs_as_nobody_special() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert [stage.splitlines()[0].split(" AS ")[1] for stage in stages] == ["build", "digitkit", "proxy"]
    installed = re.findall(r"pip install (.+?)(?: \\)?$", DOCKERFILE, flags=re.MULTILINE)
    assert all("--require-hashes" in line or "--no-deps --no-index" in line for line in installed)
    assert any("requirements/app.txt" in line for line in installed)
    for stage in stages[1:]:
        user = re.findall(r"^USER (\d+):(\d+)$", stage, flags=re.MULTILINE)
        assert user
        assert int(user[-1][0]) > 0
    assert "pip install" not in stages[1]


def test_only_what_the_images_are_made_of_is_sent_to_the_builder() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
        for word in line.split()
    }
    allowed = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert all(any(Path(name).match(pattern) for pattern in allowed) for name in copied)
    assert all((ROOT / name).exists() for name in copied)
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def test_compose_understands_the_file(tmp_path: Path) -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("docker has no compose plugin here")
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=hush\n")
    command = [
        "docker",
        "compose",
        "--env-file",
        str(tmp_path / ".env"),
        "--file",
        str(ROOT / "compose.yaml"),
        "config",
    ]
    done = subprocess.run([*command, "--quiet"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("tls", ["internal", "somebody@example.org"])
def test_caddy_understands_its_file(tls: str, tmp_path: Path) -> None:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("caddy is not installed (on Debian: apt install caddy)")
    done = subprocess.run(
        [caddy, "validate", "--adapter", "caddyfile", "--config", str(ROOT / "deploy" / "Caddyfile")],
        env={"HOME": str(tmp_path), "DIGITKIT_TLS": tls, "DIGITKIT_SITE": "digits.example.org"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
