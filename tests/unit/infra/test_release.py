"""`reel release` writes what the images say of themselves, and says in a sentence what keeps it from that."""

import json
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cli.main import main
from infra.images import build, inside
from infra.images.bases import LABEL, PYTHONS
from infra.images.build import REVISION, build_all, name_of
from infra.images.contents import PythonPackage, look_into
from infra.images.engine import Docker
from infra.images.release import doubts
from infra.images.sbom import licences
from infra.processes import PROCESSES, TARGETS
from tests.support.fake_docker import FakeDocker

ROOT = Path(__file__).resolve().parents[3]
OURS = [process.name for process in PROCESSES]
COMMIT = "0123456789" * 4
FROM_COMMIT = {REVISION: COMMIT}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """The only program there is."""
    fake = FakeDocker(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(fake.folder))
    return fake


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "release"


def release(out: Path, *more: str) -> int:
    return main(["release", str(out), "--data", str(out.parent / "data"), *more])


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture
def built(docker: FakeDocker) -> FakeDocker:
    """With the images of all services."""
    for target in OURS:
        docker.has(name_of(target), FROM_COMMIT)
    return docker


def test_each_image_gets_a_bill_of_materials_that_cyclonedx_accepts(built: FakeDocker, out: Path) -> None:
    assert release(out) == 0
    assert {path.name for path in out.iterdir()} == {"digests.json", *(f"{target}.cdx.json" for target in OURS)}
    for target in OURS:
        text = (out / f"{target}.cdx.json").read_text()
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
        assert json.loads(text)["metadata"]["component"]["name"] == f"reelwright/{target}"


def test_a_bill_names_the_packages_with_versions_licences_and_hashes(built: FakeDocker, out: Path) -> None:
    assert release(out) == 0
    found = {one["bom-ref"]: one for one in read(out / "api.cdx.json")["components"]}
    distro = "arch=amd64&distro=debian-12"
    assert set(found) == {
        "os",
        "python",
        "pkg:pypi/six@1.17.0",
        f"pkg:deb/debian/tini@0.19.0-1?{distro}",
        f"pkg:deb/debian/libssl3@3.0.17-1~deb12u3?{distro}&upstream=openssl%403.0.17-1~deb12u3",
    }
    six = found["pkg:pypi/six@1.17.0"]
    assert (six["name"], six["version"]) == ("six", "1.17.0")
    assert six["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert six["licenses"] == [{"license": {"id": "MIT", "acknowledgement": "declared"}}]
    assert (found["os"]["name"], found["os"]["version"]) == ("debian", "12")
    assert found["python"]["version"] == "3.11.14"


def test_the_list_names_digests_sizes_and_the_source(built: FakeDocker, out: Path) -> None:
    assert release(out) == 0
    listed = read(out / "digests.json")
    assert (listed["version"], listed["revision"]) == (build.version(ROOT), COMMIT)
    assert list(listed["images"]) == OURS
    entry = listed["images"]["renderer"]
    assert entry["image"] == "reelwright/renderer:dev"
    assert entry["id"].startswith("sha256:")
    assert (entry["size_bytes"], entry["platform"], entry["stand_in"]) == (123_456_789, "linux/amd64", False)
    paper = out / entry["sbom"]["file"]
    assert entry["sbom"]["sha256"] == sha256(paper.read_bytes()).hexdigest()


def test_the_same_images_give_the_same_papers(built: FakeDocker, out: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert release(out) == release(again) == 0
    for path in out.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_a_variant_is_listed_if_it_was_built_and_tags_can_be_chosen(built: FakeDocker, out: Path) -> None:
    for target in TARGETS:
        built.has(name_of(target, "1.2"), FROM_COMMIT)
    assert release(out, "--tag", "1.2") == 0
    assert list(read(out / "digests.json")["images"]) == list(TARGETS)
    assert (out / "renderer-cuda.cdx.json").exists()


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_without_a_docker_command_or_an_engine_it_says_so(
    docker: FakeDocker, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release(out) == 1
    assert "no Docker engine answers; start one" in said(capsys)
    (docker.folder / "docker").unlink()
    assert release(out) == 1
    assert "there is no docker command; install Docker" in said(capsys)
    assert not out.exists()


def test_an_image_that_is_missing_is_named_with_the_cure(
    built: FakeDocker, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release(out, "--tag", "1.2") == 1
    assert said(capsys) == (
        "reel: the release cannot be written: there is no image reelwright/api:1.2; "
        "build the images with ./reel images, or name the tag that they have with --tag"
    )
    assert not out.exists()


def test_an_image_that_cannot_say_what_is_in_it_ends_it(
    built: FakeDocker, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built.has(name_of("renderer"), FROM_COMMIT, system="rpm")
    assert release(out) == 1
    assert '"dpkg-query": executable file not found' in said(capsys)
    assert not out.exists()


def test_images_of_different_sources_are_no_release(
    built: FakeDocker, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built.has(name_of("renderer"), {REVISION: "f" * 40})
    assert release(out) == 1
    told = said(capsys)
    assert f"api of {COMMIT}" in told
    assert f"renderer of {'f' * 40}" in told
    assert not out.exists()


@pytest.mark.parametrize(
    ("wrong", "doubt"),
    [
        ({"revision": None}, "do not say which source"),
        ({"revision": f"{COMMIT}-dirty"}, "changes that are not committed"),
        ({"stand_in": True}, "a stand-in for the Python image"),
        ({"packages": (PythonPackage("six", "1"),)}, "no hash of any package is known for api"),
    ],
)
def test_what_speaks_against_a_release_is_told(docker: FakeDocker, wrong: dict[str, Any], doubt: str) -> None:
    docker.has("api", FROM_COMMIT)
    sound = look_into(Docker({}, str(docker.folder / "docker")), "api")
    (told,) = doubts({"api": replace(sound, **wrong)})
    assert doubt in told


def test_warnings_do_not_keep_the_papers_back(
    docker: FakeDocker, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for target in OURS:
        docker.has(name_of(target), {**FROM_COMMIT, LABEL: "yes"})
    assert release(out) == 0
    assert said(capsys).startswith("Warning: the images were made from a stand-in")
    assert read(out / "digests.json")["images"]["api"]["stand_in"] is True


def test_nothing_speaks_against_images_of_a_commit(
    built: FakeDocker, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release(out) == 0
    assert capsys.readouterr().err == ""


def test_a_folder_with_something_in_it_is_left_alone(
    built: FakeDocker, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out.mkdir()
    (out / "of-before").touch()
    assert release(out) == 2
    assert "must be a new or an empty folder" in said(capsys)
    assert built.calls == []


@pytest.mark.parametrize(
    ("expression", "licence", "classifiers", "expected"),
    [
        ("Apache-2.0 OR BSD-2-Clause", "BSD", [], ["Apache-2.0 OR BSD-2-Clause"]),
        ("", "MPL-2.0", ["OSI Approved :: Other"], ["MPL-2.0"]),
        ("", "BSD", ["OSI Approved :: BSD License"], ["BSD License"]),
        ("", "Dual License", ["OSI Approved :: One", "OSI Approved :: Two"], ["One", "Two"]),
        ("", "UNKNOWN", ["OSI Approved"], []),
        ("", "Free for all", [], ["Free for all"]),
        ("", "Permission is hereby granted\nto everybody", [], []),
    ],
)
def test_licences_are_what_spdx_knows_else_what_the_package_says(
    expression: str, licence: str, classifiers: list[str], expected: list[str]
) -> None:
    named = ("Topic :: Video", *(f"License :: {one}" for one in classifiers))
    assert licences(PythonPackage("p", "1", expression, licence, named)) == expected


def test_inside_an_image_packages_are_found_with_the_hashes_that_pip_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    about = tmp_path / "Ham_egg-1.0.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Metadata-Version: 2.4\nName: Ham_egg\nVersion: 1.0\nLicense-Expression: MIT\n")
    archive = {"archive_info": {"hashes": {"sha256": "cd" * 32}}}
    report = {"install": [{"metadata": {"name": "Ham_egg", "version": "1.0"}, "download_info": archive}]}
    (tmp_path / "installed-more.json").write_text(json.dumps(report))
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    inside.main()
    told = json.loads(capsys.readouterr().out)
    assert told["hashes"] == {"Ham_egg==1.0": "cd" * 32}
    (found,) = [one for one in told["packages"] if one["name"] == "Ham_egg"]
    assert (found["version"], found["expression"]) == ("1.0", "MIT")


def test_every_target_is_built_from_one_source_with_one_python(docker: FakeDocker, tmp_path: Path) -> None:
    docker.has("any")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "3.2.1"\n')
    build_all(Docker({}, str(docker.folder / "docker")), tmp_path, "3.12")
    assert [call[call.index("--target") + 1] for call in docker.calls] == list(TARGETS)
    for call in docker.calls:
        assert f"PYTHON={PYTHONS['3.12']}" in call
        assert f"{build.VERSION}=3.2.1" in call
        assert not any(REVISION in part for part in call), "nobody knows it"


def test_the_revision_is_the_commit_and_says_if_there_is_more(tmp_path: Path) -> None:
    assert build.revision(tmp_path) is None
    me = ["-c", "user.name=me", "-c", "user.email=me@localhost", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], [*me, "commit", "-q", "--allow-empty", "-m", "One"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    commit = build.revision(tmp_path)
    assert commit is not None
    assert len(commit) == 40
    (tmp_path / "more").touch()
    assert build.revision(tmp_path) == f"{commit}-dirty"
    (tmp_path / "archive").mkdir()
    assert build.revision(tmp_path / "archive") is None, "the repository around it is another's"
