"""docs/operations.md against the compose files, the settings, the metrics and the alerts."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.settings import Settings
from common.settings.reading import variables

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text()
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE_TEXT)["services"]
ALERTS = (ROOT / "infra" / "compose" / "alerts.yml").read_text()
RULES: list[dict[str, Any]] = yaml.safe_load(ALERTS)["groups"][0]["rules"]
METRIC = re.compile(r"\breelwright_[a-z_]+\b")
VOLUMES = {f"reelwright_{name}" for name in yaml.safe_load(COMPOSE_TEXT)["volumes"]}
CELL = re.compile(r"(?<!\\)\|")
OF_OTHERS = {"COMPOSE_FILE", "COMPOSE_PROJECT_NAME"}
"Variables of Docker Compose itself."


def exported() -> set[str]:
    """The metrics that the code names."""
    sources = [path for folder in ("api", "common") for path in (ROOT / folder).rglob("*.py")]
    return {name for path in sources for name in re.findall(r'"(reelwright_[a-z_]+)"', path.read_text())}


def rows(start: str) -> dict[str, list[str]]:
    """The cells of the rows of the table that begins so, by the name in the first one."""
    table = PAGE.partition(start)[2].partition("\n\n")[0]
    cells = [[cell.strip().replace(r"\|", "|") for cell in CELL.split(line.strip("|"))] for line in table.splitlines()]
    return {found[1]: row for row in cells if (found := re.fullmatch(r"`([\w-]+)`", row[0]))}


def test_every_metric_has_a_row_and_every_one_that_is_named_exists() -> None:
    assert len(exported()) > 5
    assert rows("| metric | labels |").keys() == exported()
    assert set(METRIC.findall(PAGE)) - VOLUMES <= exported()
    assert set(METRIC.findall(ALERTS)) == exported(), "each metric has an alert"


def test_the_table_of_alerts_has_what_prometheus_is_given() -> None:
    wanted = {rule["alert"]: (f"`{rule['expr']}`", rule.get("for", "at once")) for rule in RULES}
    assert {name: (row[1], row[2]) for name, row in rows("| alert | PromQL |").items()} == wanted


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_row_with_its_ports_networks_and_limits(name: str) -> None:
    about = SERVICES[name]
    _, _, inner, outer, networks, volumes, limits = rows("| service | what it is |")[name]
    published = [re.sub(r"\$\{\w+:-(\d+)\}", r"\1", port) for port in about.get("ports", ())]
    assert [f"{outer}:{inner}"] == published or (outer, published) == ("", [])
    assert networks == ", ".join(about["networks"])
    assert set(re.findall(r"`([\w-]+)`", volumes)) == {volume.partition(":")[0] for volume in named_volumes(about)}
    most = about["deploy"]["resources"]["limits"]
    assert limits == f"{most['cpus']} core{'s' if most['cpus'] != '1' else ''}, {most['memory']}"


def named_volumes(about: dict[str, Any]) -> list[str]:
    return [volume for volume in about.get("volumes", ()) if not volume.startswith(("/", "."))]


def test_no_service_of_another_name_is_in_the_table() -> None:
    assert rows("| service | what it is |").keys() == SERVICES.keys()


def test_every_variable_that_is_named_exists() -> None:
    declared = {name for one in fields(Settings) for name in variables(one)}
    of_compose = set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE_TEXT))
    text = re.sub(r"^```.*?^```", "", PAGE, flags=re.M | re.S)
    named = set(re.findall(r"`(?:[^`\n]* )?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`\n]*)?`", text))
    assert {"S3_PUBLIC_ENDPOINT", "REDIS_PASSWORD", "RENDER_SLOTS"} <= named
    assert named <= declared | of_compose | OF_OTHERS


def defaults(text: str) -> set[tuple[str, str]]:
    """Variables with their defaults, from the inside out: `${A:-http://host:${B:-80}}` is B, and A with that in it."""
    found: set[tuple[str, str]] = set()
    while plain := re.findall(r"\$\{([A-Z0-9_]+):-([^${}]*)\}", text):
        found |= set(plain)
        text = re.sub(r"\$\{[A-Z0-9_]+:-([^${}]*)\}", r"\1", text)
    return found


def test_defaults_of_the_compose_file_are_those_of_the_page() -> None:
    for name, default in defaults(COMPOSE_TEXT):
        (row,) = [line for line in PAGE.splitlines() if line.startswith("| `") and f"`{name}`" in line.split(" | ")[0]]
        assert f"`{default}`" in row.split(" | ")[1]


def test_links_within_the_documents_lead_somewhere() -> None:
    heads = {
        re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.+)$", PAGE, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, anchor = target.partition("#")
        assert anchor in heads if not path else (ROOT / "docs" / path).exists(), target
