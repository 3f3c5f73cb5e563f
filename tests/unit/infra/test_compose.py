"""docker-compose.yml, the Dockerfile and the Procfile against the list of processes, and the rules for containers."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from common.settings import Settings
from infra.images.bases import PYTHONS, usual_python
from infra.images.engine import compose_program
from infra.local import own_settings, parse_procfile
from infra.processes import BUCKETS, PROCESSES, TARGETS, VARIANTS

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "infra" / "docker" / "Dockerfile").read_text()
OURS = {process.name: SERVICES[process.name] for process in PROCESSES}
GPU = {variant.name: SERVICES[variant.name] for variant in VARIANTS}
PORTS = {"api_port": "8080", "metrics_port": "9100"}


def test_the_procfile_starts_the_processes_of_the_list() -> None:
    found = dict(parse_procfile((ROOT / "Procfile").read_text().splitlines()))
    assert found == {process.name: process.command for process in PROCESSES}


def lines_of(target: str) -> str:
    """The part of the Dockerfile that makes a target."""
    stage = re.search(rf"^FROM \S+ AS {target}\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.M | re.S)
    assert stage is not None, f"the Dockerfile has no target {target}"
    return stage[1]


def test_the_dockerfile_has_the_targets_of_the_list_and_beside_them_only_steps_on_the_way() -> None:
    stages = re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.M)
    assert {name for name in stages if not name.startswith("packages-")} == {"base", "build", *TARGETS}
    named = {about["build"]["target"] for about in SERVICES.values() if "build" in about}
    assert named == set(TARGETS)


def test_both_pythons_can_be_the_base() -> None:
    assert usual_python(ROOT) == "3.11"
    for tag in PYTHONS.values():
        assert re.search(rf"PYTHON={re.escape(tag)}$", DOCKERFILE, re.M), f"the Dockerfile does not name {tag}"


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_a_container_is_built_started_and_asked_as_the_list_says(process: Any) -> None:
    about = OURS[process.name]
    stage = lines_of(process.name)
    assert about["build"]["target"] == process.name
    assert f"CMD {process.command}".replace("'", '"') in stage
    assert "command" not in about, "it is that of the image"
    assert f"COPY {process.name}/ {process.name}/" in stage
    setting = process.port
    assert about["environment"][setting.upper()] == PORTS[setting]
    assert about["healthcheck"]["test"] == ["CMD", "healthy", PORTS[setting], "/readyz"]
    assert set(about["networks"]) == {"inside", *(["outside"] if process.reaches_out else [])}


def test_the_requirements_of_an_image_are_pinned_and_no_more_than_those_of_a_laptop() -> None:
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(), re.M))
    for path in (ROOT / "infra" / "docker" / "requirements").glob("*.txt"):
        wanted = {line.split()[0] for line in path.read_text().split("\n") if line and not line.startswith("-r")}
        assert wanted <= pinned, path.name


def test_the_buckets_are_made_by_our_own_command_before_anything_else() -> None:
    assert SERVICES["buckets"]["command"] == BUCKETS
    for about in (OURS | GPU).values():
        assert about["depends_on"]["buckets"] == {"condition": "service_completed_successfully"}
        assert about["depends_on"]["state"] == about["depends_on"]["broker"] == {"condition": "service_healthy"}


class More(NamedTuple):
    """What a variant has that its service has not."""

    environment: dict[str, str]
    stage: set[str]
    "Words of its stage in the Dockerfile."
    volumes: tuple[str, ...] = ()


MODEL, MODELS = "${WHISPER_MODEL:-base}", ("models:/models",)
MORE = {
    "renderer-gpu": More(
        {"FFMPEG_ENCODER": "h264_nvenc"},
        {"FFMPEG_ENCODER=h264_nvenc", "NVIDIA_DRIVER_CAPABILITIES=video,compute,utility"},
    ),
    "whisper_worker-whisper": More(
        {"WHISPER_MODEL": MODEL}, {"XDG_CACHE_HOME=/models", "--from=packages-whisper"}, MODELS
    ),
    "whisper_worker-gpu": More(
        {"WHISPER_MODEL": MODEL, "WHISPER_DEVICE": "cuda"},
        {"XDG_CACHE_HOME=/models", "WHISPER_DEVICE=cuda", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"},
        MODELS,
    ),
}


def test_an_image_that_hears_has_the_package_for_its_machine() -> None:
    usual, card = (
        DOCKERFILE.partition(f"AS packages-{name}\n")[2].partition("\nFROM ")[0] for name in ("whisper", "cuda")
    )
    assert all("-r requirements-whisper.txt" in stage for stage in (usual, card))
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in usual
    assert "--extra-index-url" not in card


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_is_its_service_in_another_image_started_by_a_profile_alone(variant: Any) -> None:
    about, usual = dict(GPU[variant.name]), dict(OURS[variant.process])
    assert about.pop("profiles") == [variant.profile]
    assert about.pop("image") == f"reelwright/{variant.target}:${{REELWRIGHT_TAG:-dev}}"
    assert about.pop("build") == {**usual.pop("build"), "target": variant.target}
    more = MORE[variant.name]
    reaches_out = {"outside": {}} if more.volumes else {}
    assert about.pop("networks") == {"inside": {"aliases": [variant.process]}, **reaches_out}
    assert about.pop("volumes") == [*usual.pop("volumes"), *more.volumes]
    del usual["image"], usual["networks"]
    resources, limits = about.pop("deploy")["resources"], usual.pop("deploy")["resources"]["limits"]
    assert resources["limits"].keys() == limits.keys()
    card = {"devices": [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]}
    assert resources.get("reservations") == (card if variant.profile == "gpu" else None)
    assert about.pop("environment") == {**usual.pop("environment"), **more.environment}
    assert about == usual
    stage = lines_of(variant.target)
    assert more.stage <= set(stage.split())
    assert ("NVIDIA_DRIVER_CAPABILITIES" in stage) == (variant.profile == "gpu")
    assert f"FROM {variant.process} AS {variant.target}\n" in DOCKERFILE


@pytest.mark.parametrize("name", OURS | GPU)
def test_no_container_of_ours_has_more_rights_than_it_needs(name: str) -> None:
    about = (OURS | GPU)[name]
    assert about["read_only"] is True
    assert about["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in about["security_opt"]
    assert "cap_add" not in about
    assert "privileged" not in about
    assert set(about["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert about["restart"] == "unless-stopped"


def test_containers_have_longer_to_end_than_their_steps() -> None:
    for about in (OURS | GPU).values():
        assert int(about["stop_grace_period"].removesuffix("s")) >= Settings().drain_seconds + 10


def test_nothing_is_published_beyond_this_machine() -> None:
    published = {name: about["ports"] for name, about in SERVICES.items() if "ports" in about}
    assert {"api", "s3"} <= published.keys()
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert all(SERVICES[name]["networks"] == ["inside"] for name in ("state", "broker"))


def test_both_redis_ask_for_a_password_and_forget_nothing() -> None:
    for name, sync in (("state", "always"), ("broker", "everysec")):
        command = SERVICES[name]["command"]
        options = dict(zip(command[1::2], command[2::2], strict=True))
        assert options["--requirepass"]
        assert (options["--appendonly"], options["--appendfsync"]) == ("yes", sync)
        assert options["--maxmemory-policy"] == "noeviction"
        # Else it is killed at the limit of its container before it can refuse.
        assert mebibytes(options["--maxmemory"]) < mebibytes(SERVICES[name]["deploy"]["resources"]["limits"]["memory"])


def mebibytes(size: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mg])b?", size).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit == "g" else 1)


def test_every_foreign_image_is_pinned() -> None:
    images = {about["image"] for about in SERVICES.values() if "build" not in about}
    images |= set(re.findall(r"image: (\S+)", (ROOT / "infra" / "compose" / "minio.yml").read_text()))
    for image in images:
        assert re.search(r":[vV]?[A-Za-z.-]*\d", image), f"{image} has no version"
    assert re.search(r"^ARG PYTHON=\d+\.\d+\.\d+-", DOCKERFILE, re.M)


def test_images_run_as_a_user_without_rights_under_an_init() -> None:
    for process in PROCESSES:
        assert "USER 10001:10001" in lines_of(process.name)
    for variant in VARIANTS:
        assert "USER" not in lines_of(variant.target), "it is that of its service"
    assert 'ENTRYPOINT ["tini", "--"]' in DOCKERFILE


STORES = {
    "STATE_URL": "rediss://:secret@redis.example.org:6379/0",
    "S3_ENDPOINT": "https://s3.example.org",
    "S3_ACCESS_KEY": "mine",
    "S3_SECRET_KEY": "secret",
}


def composed(*more: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What compose itself makes of the files, as JSON."""
    files = [part for name in ("docker-compose.yml", *more) for part in ("-f", name)]
    return subprocess.run(
        [compose_program(), "--env-file", "/dev/null", *files, "--profile", "*", "config", "--format", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("more", [[], ["infra/compose/minio.yml"]])
def test_compose_itself_accepts_the_files(more: list[str]) -> None:
    done = composed(*more)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["services"]) == set(SERVICES)


def test_a_variable_of_compose_is_not_taken_for_a_misspelled_setting() -> None:
    files = [ROOT / "docker-compose.yml", *(ROOT / "infra" / "compose").glob("*.yml")]
    named = {name for file in files for name in re.findall(r"\$\{([A-Z0-9_]+)", file.read_text())}
    declared = {name.upper() for name in vars(Settings())}
    assert {"S3_PORT", "REDIS_PASSWORD", "REELWRIGHT_TAG"} <= named - declared
    assert Settings.read(dict.fromkeys(named - declared, "1")).notes == ()


def test_reel_reads_a_dotenv_file_as_compose_does(tmp_path: Path) -> None:
    values = ["abc", "abc # mine", "abc#def", '"a # b" # mine', "'a # b'", "'a$b'", '"abc=="', "a b ", "#abc", ""]
    lines = [f"S3_{number}={value}" for number, value in enumerate(values)]
    (tmp_path / ".env").write_text("\n".join(["# above", "  # mine=2", "  export A=1", "B = 2", *lines]))
    (tmp_path / "docker-compose.yml").write_text('{"services": {"x": {"image": "x", "env_file": ".env"}}}')
    done = subprocess.run(
        [compose_program(), "config", "--format", "json"], cwd=tmp_path, capture_output=True, check=True
    )
    read = json.loads(done.stdout)["services"]["x"]["environment"]
    assert own_settings(tmp_path, {}) == {name: value.replace("$$", "$") for name, value in read.items()}


@pytest.mark.parametrize(("more", "usual"), [([], "8333"), (["infra/compose/minio.yml"], "9000")])
def test_links_lead_to_the_port_at_which_the_store_is_published(more: list[str], usual: str) -> None:
    for env, place in (
        ({}, f"http://localhost:{usual}"),
        ({"S3_PORT": "18333"}, "http://localhost:18333"),
        ({"S3_PORT": "18333", "S3_PUBLIC_ENDPOINT": "https://store.example.org"}, "https://store.example.org"),
    ):
        services = json.loads(composed(*more, env=env).stdout)["services"]
        assert services["s3"]["ports"][0]["published"] == env.get("S3_PORT", usual)
        assert services["api"]["environment"]["S3_PUBLIC_ENDPOINT"] == place


def test_with_stores_of_its_own_a_site_runs_none_of_ours_and_reaches_them() -> None:
    done = composed("infra/compose/stores.yml", env=STORES)
    assert done.returncode == 0, done.stderr
    all_of_it = json.loads(done.stdout)
    assert set(all_of_it["services"]) == {*OURS, *GPU, "buckets", "prometheus"}
    assert not all_of_it["networks"]["inside"].get("internal")
    for name in (*OURS, *GPU, "buckets"):
        about = all_of_it["services"][name]
        assert STORES.items() <= about["environment"].items(), name
        assert about["environment"]["BROKER_URL"] == STORES["STATE_URL"]
        assert set(about.get("depends_on", ())) == (set() if name == "buckets" else {"buckets"})


@pytest.mark.parametrize("name", STORES)
def test_a_store_that_is_not_named_is_asked_for(name: str) -> None:
    done = composed("infra/compose/stores.yml", env={other: value for other, value in STORES.items() if other != name})
    assert done.returncode != 0
    assert f"{name} is missing a value: set it in .env" in done.stderr


def test_the_dockerfile_keeps_the_rules_of_its_kind() -> None:
    hadolint = str(Path(sys.executable).with_name("hadolint"))
    done = subprocess.run([hadolint, "infra/docker/Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
