"""What the embedded stack consists of."""

import os
import socket
from pathlib import Path

import pytest
from honcho.environ import parse_procfile as honcho_parse

from common.messaging.queues import QUEUES
from common.settings import Settings
from infra.local import (
    Plan,
    StackError,
    environment,
    free_ports,
    front_program,
    held,
    parse_procfile,
    port_is_free,
    redis_program,
    s3_program,
    services,
)

ROOT = Path(__file__).resolve().parents[3]
PROCFILE = (ROOT / "Procfile").read_text()


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan.make(tmp_path, "127.0.0.1", 0)


def test_the_procfile_names_every_service_and_means_the_same_to_honcho() -> None:
    ours = dict(parse_procfile(PROCFILE.splitlines()))
    assert set(ours) == {"api"} | {queue.consumer for queue in QUEUES.values()}
    assert {name: " ".join(command) for name, command in ours.items()} == dict(honcho_parse(PROCFILE).processes)


def test_every_process_of_the_procfile_is_a_module_that_is_there() -> None:
    for name, command in parse_procfile(PROCFILE.splitlines()):
        assert command == ["python", "-m", f"{name}.main"]
        assert (ROOT / name / "main.py").is_file()


def test_comments_and_empty_lines_of_a_procfile_are_no_processes() -> None:
    assert list(parse_procfile(["# api: no", "", "a: run 'two words'"])) == [("a", ["run", "two words"])]


def test_the_services_can_read_what_they_are_told(plan: Plan) -> None:
    settings = Settings.from_env(environment(plan, {"PEXELS_API_KEY": "abc", "STATE_URL": "redis://elsewhere"}))
    assert settings.pexels_api_key == "abc"
    assert str(plan.redis_port) in settings.state_url
    assert settings.state_url == settings.broker_url
    assert settings.s3_endpoint == f"http://127.0.0.1:{plan.store_port}"
    assert (settings.api_host, settings.api_port) == (plan.host, plan.port)


def test_secrets_are_those_of_one_folder_and_stand_where_nobody_else_reads_them(plan: Plan, tmp_path: Path) -> None:
    programs = [redis_program(plan), s3_program(plan), *services(environment(plan, {}))]
    assert all(plan.password not in word for program in programs for word in program.command)
    assert plan.password not in repr(plan)
    assert plan.password != Plan.make(tmp_path / "another", "127.0.0.1", 0).password
    for file in (tmp_path / "redis" / "redis.conf", tmp_path / "stack.json"):
        assert plan.password in file.read_text()
        assert file.stat().st_mode & 0o077 == 0


def test_the_stores_of_a_folder_stay_where_links_look_for_them(plan: Plan) -> None:
    again = Plan.make(plan.data, plan.host, 0)
    assert (again.redis_port, again.s3_port, again.password) == (plan.redis_port, plan.s3_port, plan.password)


def test_a_port_that_somebody_else_has_taken_is_left_to_them(plan: Plan) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", plan.s3_port))
        other.listen()
        again = Plan.make(plan.data, plan.host, 0)
    assert again.s3_port != plan.s3_port
    assert (again.redis_port, again.password) == (plan.redis_port, plan.password)
    assert Plan.make(plan.data, plan.host, 0).s3_port == again.s3_port, "the next run looks where the last one was"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"redis_port": "x"}', '{"redis_port":1,"s3_port":2,"password":"x"}'])
def test_a_note_of_the_last_run_that_is_damaged_is_written_anew(plan: Plan, text: str) -> None:
    (plan.data / "stack.json").write_text(text)
    again = Plan.make(plan.data, plan.host, 0)
    assert again.password != plan.password
    assert Plan.make(plan.data, plan.host, 0).password == again.password


def test_services_end_before_the_store_and_the_store_before_redis(plan: Plan) -> None:
    ends = [services({})[0].group, s3_program(plan).group, redis_program(plan).group]
    assert ends == sorted(ends, reverse=True)
    assert len(set(ends)) == 3


def test_everything_listens_on_this_machine_only_unless_told_otherwise(plan: Plan) -> None:
    assert f"127.0.0.1:{plan.store_port}" in s3_program(plan).command
    assert f"127.0.0.1:{plan.s3_port}" in front_program(plan).command
    assert "bind 127.0.0.1\n" in (redis_program(plan).cwd / "redis.conf").read_text()


def test_download_links_are_as_reachable_as_the_api(tmp_path: Path) -> None:
    everywhere = Plan.make(tmp_path, "0.0.0.0", 8080)
    assert everywhere.url == "http://127.0.0.1:8080"
    assert "0.0.0.0" not in everywhere.s3_public
    assert Plan.make(tmp_path, "::1", 8080).url == "http://[::1]:8080"
    assert environment(everywhere, {"S3_PUBLIC_ENDPOINT": "https://cdn.example"})["S3_PUBLIC_ENDPOINT"] == (
        "https://cdn.example"
    )


def test_free_ports_are_free_and_different() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(port_is_free("127.0.0.1", port) for port in ports)


@pytest.mark.parametrize("host", ["bad..name", "192.0.2.1"])
def test_a_host_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(StackError, match=host):
        port_is_free(host, 8080)


def test_a_data_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path / "data"), pytest.raises(StackError, match="another Reelwright"), held(tmp_path / "data"):
        pass
    with held(tmp_path / "data"):
        assert os.listdir(tmp_path / "data") == []


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="cannot be used"), held(tmp_path / "file"):
        pass
