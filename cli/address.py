"""Where the service of this machine listens."""

import os

from cli.errors import BadInput
from common.settings import BadSetting, Settings
from infra.local import ROOT, WILDCARDS, own_settings, web_address

NAMES = ("API_HOST", "API_PORT")


def own_address() -> tuple[str, int]:
    """Host and port by the environment and `.env`. Raises `BadInput`."""
    env = own_settings(ROOT, os.environ)
    try:
        settings = Settings.from_env({name: env[name] for name in NAMES if name in env})
    except BadSetting as error:
        raise BadInput(str(error)) from None
    return settings.api_host, settings.api_port


def usual_server() -> str:
    """The address at which `./reel up` of this machine answers. Raises `BadInput`."""
    host, port = own_address()
    return web_address(WILDCARDS.get(host, host), port)
