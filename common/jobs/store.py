"""The job store: all of its parts, on one connection.

Who writes what, in Redis:
    Wishes      the API: makes jobs, and changes what is wanted of them
    Claims      workers: each the one step that it has claimed
    Decisions   the reconciler: everything else of a job that runs
    Retention   the janitor: jobs that have ended
    Workers     services, about themselves
A program that needs no more than one of them should ask for that one only.
"""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.jobs.claims import Claims
from common.jobs.decisions import Decisions
from common.jobs.retention import Retention
from common.jobs.scripts import Scripts
from common.jobs.wishes import Wishes
from common.jobs.workers import Workers
from common.settings import Settings


class RequestStore(Wishes, Retention, Workers):
    """The part of the store that serves requests: it can neither claim a step nor save a decision."""


class JobStore(RequestStore, Claims, Decisions):
    """Jobs, their steps and events, and workers. Raises `StateUnavailable` whenever Redis does not do as asked."""

    def close(self) -> None:
        self.scripts.close()


def connect(settings: Settings, timeout: float = 2.0) -> JobStore:
    """A store on its own connection pool. It gives up after `timeout` seconds and never retries by itself."""
    client = redis.Redis.from_url(
        settings.state_url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=10,
        decode_responses=True,
        protocol=2,
    )
    return JobStore(Scripts(client))
