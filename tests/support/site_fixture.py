"""One stack for all tests that leave it as they found it. Loaded as a plugin, so that they really share it.

A test module says `pytest_plugins = ["tests.support.site_fixture"]`; nobody imports this module.
"""

from collections.abc import Iterator

import pytest

from infra.chaos.site import COPIES, Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), copies=COPIES) as site:
        yield site
