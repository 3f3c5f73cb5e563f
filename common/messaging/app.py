"""The Celery application. Each setting is there for a reason; docs/adr/0002 has the measurements."""

import contextlib
from collections.abc import Iterator

import celery
import redis
from kombu.entity import Queue as CeleryQueue
from kombu.exceptions import KombuError

from common.errors import ReelwrightError
from common.messaging.queues import QUEUES
from common.settings import Settings

OVERTIME = 60.0
"Seconds after its own time limit for which a step may hang before its process is killed."
TRANSPORT = {
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
"Options of the connection to the broker; times are seconds."


def make_app(settings: Settings) -> celery.Celery:
    """An application that can publish hints and consume them."""
    hard_limit = int(settings.step_timeout + OVERTIME)
    # The broker must never hand out a hint again while its step can still run.
    visibility = hard_limit + 60
    app = celery.Celery("reelwright")
    app.conf.update(
        broker_url=settings.broker_url,
        # The record is the truth; a result backend would be a second one, and stalls publishing when it is down.
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        # A hint survives the worker that holds it; how often a step may be tried is counted in the record.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=True,
        task_time_limit=hard_limit,
        task_track_started=False,
        worker_send_task_events=False,
        # One message per process: a hint that waits after a long step would be a hint lost to all others.
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=200,
        # Running steps end by themselves when the service is to end (common.worker.drain); Celery just waits for them.
        worker_soft_shutdown_timeout=0.0,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_publish_retry=True,
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
        visibility_timeout=visibility,
        broker_transport_options={**TRANSPORT, "visibility_timeout": visibility},
        task_queues=[CeleryQueue(name) for name in QUEUES],
        task_default_queue="orchestrate",
        task_create_missing_queues=False,
    )
    return app


UNACKED, UNACKED_INDEX = "unacked", "unacked_index"
"Keys of kombu: the messages that workers hold, and when they took them."
# Both are written in one transaction, so an entry without a message is what a deleted queue has left.
_SWEEP = """
local swept = 0
for _, tag in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)) do
  if redis.call('HEXISTS', KEYS[2], tag) == 0 then
    swept = swept + redis.call('ZREM', KEYS[1], tag)
  end
end
return swept
"""
MOST_SWEPT = 1_000
"Entries looked at by one sweep, the oldest first, so that it does not hold up the broker."


class BrokerUnavailable(ReelwrightError):
    """No hints can be sent or counted now."""

    code = "broker_unavailable"


class Hints:
    """Publishes hints, counts those that wait unread, and tidies up. All raise `BrokerUnavailable`."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_app(settings)
        self._broker = redis.Redis.from_url(settings.broker_url, socket_timeout=2, socket_connect_timeout=2)

    def send(self, queue: str, job_id: str, step: str) -> None:
        """Tells the workers of the queue that a step is ready. A hint that got lost is sent again later anyway."""
        with _translated():
            self._app.send_task(QUEUES[queue].task, args=[job_id, step], queue=queue)

    def waiting(self, queue: str) -> int:
        """The number of hints in the queue that nobody has taken."""
        with _translated():
            return int(self._broker.llen(queue))

    def sweep(self) -> int:
        """Removes what is noted of messages that are gone, as after the loss of a queue. Returns the number."""
        with _translated():
            return int(self._broker.eval(_SWEEP, 2, UNACKED_INDEX, UNACKED, MOST_SWEPT))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, KombuError, OSError) as error:
        raise BrokerUnavailable("the broker takes no hints now") from error
