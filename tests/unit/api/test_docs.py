"""docs/api.md has every address, every kind of job and every code of an error; the README has every address."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http.app import create_app
from api.http.problems import CODES
from common.contracts.job_kinds import JobKind
from common.contracts.sources import SOURCES, Source
from common.jobs.store import connect
from common.settings import Settings
from common.storage.memory import MemoryStorage

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "api.md").read_text()
README = (ROOT / "README.md").read_text()
CODE = re.compile(r"""(?:Conflict|Unknown)\(\s*"([a-z_]+)"|\bcode = "([a-z_]+)"|problem\(\d+, "([a-z_]+)\"""")
INSIDE = {"stopped", "step_failed", "temporarily_unavailable", "throttled", "object_missing", "not_configured"}
INSIDE |= {"bad_media", "render_failed", "below_standard", "disk_full", "disk_broken", "voice_unavailable", "misread"}
"Codes of failed steps, which a client meets in the error of a job."


def addresses() -> list[str]:
    nobody = Settings(state_url="redis://127.0.0.1:1/0")
    rules = create_app(nobody, connect(nobody), MemoryStorage()).url_map.iter_rules()
    return sorted({str(rule).replace("<number>", "<n>") for rule in rules} - {"/"})


@pytest.mark.parametrize("address", addresses())
def test_every_address_is_described(address: str) -> None:
    assert re.search(re.escape(address) + r"[`?\s]", TEXT), f"docs/api.md must describe {address}"


def without_names(address: str) -> str:
    return re.sub(r"<[a-z_]+>", "<>", address)


def addresses_of(row: str) -> Iterator[str]:
    """Those in the first cell of a row; an ellipsis stands for the address before it."""
    before = ""
    for address in re.findall(r"`(?:[A-Z]+ )?([/…][^`]*)`", row.split("|")[1]):
        before = address.replace("…", before)
        yield without_names(before)


def test_the_table_of_the_readme_has_every_address() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    assert {one for row in rows for one in addresses_of(row)} == set(map(without_names, addresses()))


def test_every_kind_of_job_is_described() -> None:
    (row,) = [line for line in TEXT.splitlines() if line.startswith("| `kind` |")]
    missing = [kind for kind in JobKind if f"`{kind}`" not in row]
    assert not missing, f"the row of `kind` in docs/api.md must name {missing}"


def test_every_code_of_an_error_is_described() -> None:
    folders = [ROOT / "api", ROOT / "common" / "jobs"]
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    sources += [ROOT / "common" / "errors.py", ROOT / "common" / "documents.py"]
    matches = (match for path in sources for match in CODE.finditer(path.read_text()))
    codes = {next(filter(None, match.groups())) for match in matches}
    codes |= {code for code, _ in CODES.values()}
    assert {"stale_version", "unknown_job", "too_many_jobs", "not_ready"} <= codes
    missing = sorted(code for code in codes - INSIDE if f"`{code}`" not in TEXT)
    assert not missing, f"the table of errors in docs/api.md must name {missing}"


def source_row(source: Source) -> str:
    settings = ", ".join(f"`{name.upper()}`" for name in source.settings)
    return f"| `{source.name}` | {source.label} | {source.kind} | {settings} | {source.words} |"


def test_the_table_of_sources_is_that_of_the_code() -> None:
    section = TEXT.partition("### Sources of footage")[2].partition("\n## ")[0]
    _, _, *rows = [line for line in section.splitlines() if line.startswith("|")]
    wanted = [source_row(source) for source in SOURCES.values()]
    assert rows == wanted, "the table of sources in docs/api.md must have these rows:\n" + "\n".join(wanted)
