"""Starts the HTTP service: `python -m api.main`, configured by the environment (see docs/configuration.md)."""

import ipaddress
import logging
import sys
from dataclasses import replace
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from common import scratch
from common.logs import tell_faults
from common.settings import BadSetting, Settings
from common.starting import start

log = logging.getLogger(__name__)
GRACE_SECONDS = 5
STORAGE_SECONDS = 5.0


class _Logs(Logger):
    """Sends the server's own log lines the way of all others, redaction included."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):
    """gunicorn with gevent workers around our application."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
        options = {
            "bind": f"{host}:{settings.api_port}",
            "workers": settings.api_workers,
            "worker_class": "api.http.worker.Worker",
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": settings.log_level.lower(),
            "logger_class": _Logs,
            "proc_name": "reelwright-api",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # Here and not above: the worker has by now made the standard library cooperative.
        from api.http.app import create_app
        from common.jobs.store import connect
        from common.storage.s3 import S3Storage

        scratch.sweep(self._settings.scratch())  # uploads that a killed process has left
        # A request must not hang as long as a worker may wait for the store; an upload may.
        quick = replace(self._settings, s3_timeout=min(STORAGE_SECONDS, self._settings.s3_timeout))
        return create_app(quick, connect(self._settings), S3Storage(quick), S3Storage(self._settings))


def main() -> int:
    try:
        settings = start("api")
    except BadSetting as error:
        tell_faults("api", error)
        return 2
    if not _is_private(settings.api_host):
        log.warning("listening on %s: whoever reaches this address can use the service", settings.api_host)
    Server(settings).run()
    return 0


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    sys.exit(main())
