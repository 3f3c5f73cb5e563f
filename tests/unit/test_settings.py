"""Settings come from the environment, once and checked; the documents about them are made from their declarations."""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import pytest

from common.settings import BadSetting, Settings
from common.settings.declared import BUCKETS, GROUPS, NOT_YET, SERVICES
from common.settings.reading import about, accepts, variables
from infra import documents
from infra.documents import value_text
from infra.local import own_settings
from tests.support.settings_read import fields_read

ROOT = Path(__file__).resolve().parents[2]
DECLARED = {one.name: one for one in fields(Settings)}
PROGRAMS = {name: f"{name}.main" for name in SERVICES} | {BUCKETS: "infra.buckets"}
NAMED = re.compile(r"^#?([A-Z0-9_]+)=(.*)$", re.MULTILINE)


def faults(env: Mapping[str, str], service: str = "") -> tuple[str, ...]:
    with pytest.raises(BadSetting) as caught:
        Settings.read(env, service)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


# the declarations


def test_every_setting_is_declared_in_full() -> None:
    for name, declared in DECLARED.items():
        said = about(declared)
        assert said.group in GROUPS, name
        assert said.meaning.endswith("."), name
        assert said.readers, name
        assert accepts(Settings)[name].words, name


def test_what_is_called_a_key_or_a_secret_is_declared_as_one() -> None:
    for name, declared in DECLARED.items():
        if re.search("key|secret|password|token", name) or ("_url" in name and "redis" in str(declared.default)):
            assert about(declared).secret, name


def test_every_default_is_accepted() -> None:
    written = {name.upper(): value_text(declared.default) for name, declared in DECLARED.items()}
    assert Settings.from_env(written) == Settings()
    assert {name for name, value in written.items() if value} == {
        name for name, value in NAMED.findall(documents.env_example()) if value
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_reads_the_settings_that_name_it_and_no_others(program: str) -> None:
    named = {name for name, declared in DECLARED.items() if program in about(declared).readers}
    read = fields_read(PROGRAMS[program])
    assert read - named == set(), f"declare that {program} reads these (common/settings/declared.py)"
    assert named - read - NOT_YET == set(), f"{program} does not read these"


def test_the_collector_reads_no_more_than_the_orchestrator_as_which_it_starts() -> None:
    assert fields_read("orchestrator.collect") < fields_read("orchestrator.main")


def test_two_variables_never_have_one_name() -> None:
    names = [name for declared in DECLARED.values() for name in variables(declared)]
    assert len(names) == len(set(names))


# the documents


@pytest.mark.parametrize("path", documents.documents(), ids=lambda path: path.name)
def test_the_documents_are_those_of_the_declarations(path: Path) -> None:
    assert path.read_text() == documents.documents()[path], "make it anew with ./reel settings --write"


def test_the_example_has_every_variable_once_and_changes_nothing_when_it_is_copied(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(documents.env_example())
    named = [name for name, _ in NAMED.findall(documents.env_example())]
    assert sorted(named) == sorted(name.upper() for name in DECLARED)
    assert Settings.read(own_settings(tmp_path, {})).given == {}
    (tmp_path / ".env").write_text(re.sub(r"^#(?=[A-Z0-9_]+=)", "", documents.env_example(), flags=re.MULTILINE))
    assert Settings.from_env(own_settings(tmp_path, {})) == Settings()


def test_a_page_without_its_marks_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="end of settings"):
        documents.configuration_page("# Configuration\n")


# values


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("API_PORT", "http", "a whole number from 1 to 65535, not 'http'"),
        ("API_PORT", "99999", "a whole number from 1 to 65535, not '99999'"),
        ("API_PORT", "0", "a whole number from 1 to 65535"),
        ("API_WORKERS", "0", "a whole number from 1 to"),
        ("API_HOST", "0.0.0.0/0", "the name of a host"),
        ("JOB_TIMEOUT", "soon", "a number of seconds above 0"),
        ("JOB_TIMEOUT", "inf", "a number of seconds above 0"),
        ("STEP_TIMEOUT", "nan", "a number of seconds above 0"),
        ("LEASE_SECONDS", "1e300", "at most a billion"),
        ("DRAIN_SECONDS", "-1", "from 0"),
        ("KEEP_PARTS_SECONDS", "-1", "from 0"),
        ("LINK_SECONDS", "9999999", "604800, which is a week"),
        ("LINK_SECONDS", "0", "from 1"),
        ("SPEECH_SLOTS", "-1", "from 0"),
        ("RENDER_SLOTS", "1.5", "a whole number"),
        ("LOG_LEVEL", "foo", "one of DEBUG, INFO, WARNING, ERROR"),
        ("S3_ENDPOINT", "http://s3:9000/bucket", "without a path"),
        ("S3_ENDPOINT", "s3:9000", "http or https"),
        ("S3_ENDPOINT", "http://s3:90000", "http or https"),
        ("S3_PUBLIC_ENDPOINT", "https://cdn.example/?a=b", "without a path"),
        ("BROKER_URL", "foo", "redis://"),
        ("BROKER_URL", "redis://:6379", "redis://"),
        ("STATE_URL", "http://x", "redis://"),
        ("STATE_URL", "redis://x/jobs", "redis://"),
        ("S3_SECRET_KEY", "two words", "without spaces"),
        ("ASSETS_BUCKET", "My_Bucket", "small letters"),
        ("PEXELS_BASE_URL", "api.pexels.com", "http or https"),
        ("PEXELS_VIDEO_PREFIX", "videos", "begins with /"),
        ("FETCH_ALLOW_NETWORKS", "10.1.0.0/16, home", "10.1.0.0/16"),
        ("TARGET_RESOLUTION", "1081", "an even number from 90 to 2160"),
        ("TARGET_RESOLUTION", "1920x", "1080p"),
        ("TARGET_RESOLUTION", "7680x4320", "from 90 to 2160"),
        ("FFMPEG_PRESET", "fastest", "one of ultrafast, superfast"),
        ("FFMPEG_ENCODER", "h265", "one of auto, libx264"),
        ("WHISPER_DEVICE", "huge", "one of auto, cpu, cuda"),
        ("ASSET_CACHE_ENABLED", "maybe", "true or false"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_can(name: str, value: str, words: str) -> None:
    (fault,) = faults({name: value})
    assert fault.startswith(f"{name} must be ")
    assert words in fault
    assert (value in fault) != about(DECLARED[name.lower()]).secret


def test_all_faults_are_told_at_once_and_secrets_are_not_repeated() -> None:
    found = faults({"API_PORT": "x", "LOG_LEVEL": "y", "STATE_URL": "http://:hush@x", "BEAT_SECONDS": "20"})
    assert [fault.split()[0] for fault in found] == ["STATE_URL", "API_PORT", "LOG_LEVEL", "BEAT_SECONDS"]
    assert "hush" not in "".join(found)


@pytest.mark.parametrize(
    ("env", "word"),
    [({"LEASE_SECONDS": "5"}, "SELF_KILL_SECONDS < LEASE_SECONDS"), ({"STEP_TIMEOUT": "86400"}, "COLLECT_GRACE")],
)
def test_settings_that_do_not_go_together_are_named(env: dict[str, str], word: str) -> None:
    (fault,) = faults(env)
    assert word in fault


def test_a_rule_is_not_checked_with_a_value_that_is_unusable_anyway() -> None:
    assert len(faults({"STEP_TIMEOUT": "nan", "COLLECT_GRACE_SECONDS": "1"})) == 1


@pytest.mark.parametrize("value", ["720", "720p", "1280x720", "720x1280", " 1280 x 720 "])
def test_the_shorter_side_of_a_resolution_counts(value: str) -> None:
    reading = Settings.read({"TARGET_RESOLUTION": value}, "orchestrator")
    assert reading.settings.target_resolution == 720
    assert [note.partition("=")[0] for note in reading.notes] == ["TARGET_RESOLUTION"] * ("x" in value)


def test_a_level_may_be_written_small() -> None:
    assert Settings.from_env({"LOG_LEVEL": "debug"}).log_level == "DEBUG"


def test_what_is_empty_counts_as_not_set() -> None:
    assert Settings.from_env({"API_PORT": "", "LOG_LEVEL": "", "S3_SECRET_KEY_FILE": ""}) == Settings()


# other names


def test_the_other_name_of_a_setting_works_and_may_not_contradict_the_first() -> None:
    assert Settings.from_env({"JOB_CACHE_TTL": "86400"}) == replace(Settings(), keep_job_seconds=86400.0)
    assert Settings.from_env({"JOB_CACHE_TTL": "5", "KEEP_JOB_SECONDS": "5"}).keep_job_seconds == 5
    (fault,) = faults({"JOB_CACHE_TTL": "5", "KEEP_JOB_SECONDS": "6"})
    assert "KEEP_JOB_SECONDS and JOB_CACHE_TTL" in fault
    (fault,) = faults({"JOB_CACHE_TTL": "soon"})
    assert fault.startswith("JOB_CACHE_TTL must be")


@pytest.mark.parametrize("name", [name for name, declared in DECLARED.items() if about(declared).secret])
def test_a_secret_may_stand_in_a_file(name: str, tmp_path: Path) -> None:
    value = "redis://:hush@host:1/2" if name.endswith("_url") else "hush-hush"
    path = tmp_path / "secret"
    path.write_text(value + "\n")
    reading = Settings.read({f"{name.upper()}_FILE": str(path)})
    assert reading.settings == replace(Settings(), **{name: value})
    assert reading.given[name].variable == f"{name.upper()}_FILE"
    assert reading.notes == ()
    (fault,) = faults({f"{name.upper()}_FILE": str(path), name.upper(): value})
    assert fault == f"{name.upper()} and {name.upper()}_FILE are both set; set one of them"


def test_a_file_that_has_no_secret_is_named_with_the_reason(tmp_path: Path) -> None:
    empty, odd = tmp_path / "empty", tmp_path / "odd"
    empty.write_text("\n")
    odd.write_bytes(b"\xff\xfe")
    reasons = {tmp_path / "none": "No such file", empty: "is empty", odd: "no text", tmp_path: "Is a directory"}
    for path, reason in reasons.items():
        (fault,) = faults({"S3_SECRET_KEY_FILE": str(path)})
        assert fault.startswith(f"S3_SECRET_KEY_FILE: {path} ")
        assert reason in fault


# services


def test_a_service_checks_only_what_it_reads() -> None:
    env = {"API_WORKERS": "0", "SPEECH_SLOTS": "-1", "PEXELS_PER_HOUR": "0", "COLLECT_SECONDS": "-1"}
    named = {service: [fault.split()[0] for fault in faults(env, service)] for service in SERVICES[:4]}
    assert named == {
        "api": ["API_WORKERS"],
        "orchestrator": ["COLLECT_SECONDS"],
        "retriever": ["PEXELS_PER_HOUR"],
        "whisper_worker": ["SPEECH_SLOTS"],
    }
    assert Settings.from_env(env, "renderer") == Settings()
    assert Settings.from_env({"BEAT_SECONDS": "20", "STEP_TIMEOUT": "86400"}, "api") == Settings()
    with pytest.raises(ValueError, match="nobody"):
        Settings.from_env({}, "nobody")


def test_the_port_that_kubernetes_sets_is_ignored_and_the_api_says_so() -> None:
    env = {"API_PORT": "tcp://10.96.0.72:80", "API_PORT_80_TCP_ADDR": "10.96.0.72", "API_SERVICE_PORT_HTTP": "80"}
    readings = {service: Settings.read(env, service) for service in SERVICES}
    assert {reading.settings for reading in readings.values()} == {Settings()}
    assert [service for service, reading in readings.items() if reading.notes] == ["api"]
    assert "API_PORT" in readings["api"].notes[0]
    assert faults({"STATE_URL": "tcp://10.96.0.72:6379"}), "only of a port can it be meant by nobody"


def test_what_has_no_effect_says_so_where_it_would_have_one() -> None:
    env = {"WHISPER_MODEL": "base", "TRANSCRIPTION_URL": "http://h/v1", "ENABLE_WEBHOOKS": "true"}
    told = {service: [note.split()[0] for note in Settings.read(env, service).notes] for service in SERVICES}
    assert told.pop("api") == ["ENABLE_WEBHOOKS=true"]
    assert told.pop("whisper_worker") == ["TRANSCRIPTION_URL"]
    assert list(told.values()) == [[], [], []]
    assert Settings.read({"ENABLE_WEBHOOKS": "false"}).notes == ()


def test_a_folder_of_clips_that_is_not_there_is_told_by_whoever_looks_into_it(tmp_path: Path) -> None:
    assert Settings.read({"CLIP_FOLDER": str(tmp_path)}, "retriever").notes == ()
    (note,) = Settings.read({"CLIP_FOLDER": str(tmp_path / "clips")}, "retriever").notes
    assert note.startswith(f"CLIP_FOLDER={tmp_path}/clips is no folder")
    assert Settings.read({"CLIP_FOLDER": "/no/clips"}, "renderer").notes == ()


# names that are nearly ours


@pytest.mark.parametrize(
    ("variable", "service", "nearest"),
    [
        ("PEXEL_API_KEY", "retriever", "did you mean PEXELS_API_KEY?"),
        ("RENDER_SLOT", "renderer", "did you mean RENDER_SLOTS?"),
        ("STATE_URI", "api", "did you mean STATE_URL?"),
        ("JOB_CACHE_TTLS", "api", "did you mean JOB_CACHE_TTL?"),
        ("S3_SECRET_KEYFILE", "renderer", "did you mean S3_SECRET_KEY_FILE?"),
        ("S3_ADDRESSING_STYLE", "renderer", "docs/configuration.md"),
        ("FFMPEG_HWACCEL", "orchestrator", "docs/configuration.md"),
    ],
)
def test_a_misspelled_variable_is_told_with_the_right_name(variable: str, service: str, nearest: str) -> None:
    (note,) = Settings.read({variable: "hush"}, service).notes
    assert note.startswith(f"{variable} is ignored")
    assert nearest in note
    assert "hush" not in note


def test_it_is_told_by_the_services_it_was_meant_for() -> None:
    told = [service for service in SERVICES if Settings.read({"RENDER_SLOT": "2"}, service).notes]
    assert told == ["renderer"]


@pytest.mark.parametrize(
    "env",
    [
        {
            "PATH": "/bin",
            "HOME": "/root",
            "LANG": "C",
            "TZ": "UTC",
            "PYTHONPATH": ".",
            "HOSTNAME": "a",
            "TMPDIR": "/tmp",
        },
        {"AWS_SECRET_ACCESS_KEY": "x", "REDIS_URL": "redis://", "DATABASE_URL": "x", "CELERY_BROKER_URL": "x"},
        {"S3_SERVICE_HOST": "10.0.0.1", "S3_PORT": "tcp://10.0.0.1:9000", "S3_PORT_9000_TCP_PROTO": "tcp"},
        {"RENDER_SLOT": ""},
    ],
)
def test_variables_of_others_are_nothing_to_us(env: dict[str, str]) -> None:
    assert Settings.read(env).notes == ()


# .env


def test_a_dotenv_file_lies_under_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        '# mine\nPEXELS_API_KEY="abc=="\nexport LOG_LEVEL=DEBUG\nAPI_PORT = 9000\n\nnonsense\n'
    )
    found = own_settings(tmp_path, {"API_PORT": "7000"})
    assert found == {"PEXELS_API_KEY": "abc==", "LOG_LEVEL": "DEBUG", "API_PORT": "7000"}


def test_no_dotenv_file_is_no_matter(tmp_path: Path) -> None:
    assert own_settings(tmp_path, {"A": "b"}) == {"A": "b"}
