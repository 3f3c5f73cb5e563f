"""Figures of the whole system for Prometheus and for scaling, read from the state store when they are asked for."""

import hmac
import ipaddress
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from common.jobs.store import RequestStore
from common.messaging.queues import QUEUES

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
WAITING = "waiting"
"Stands for a lane among jobs that were not let in yet."


class Metrics:
    """The figures. Raises `StateUnavailable` while there are none."""

    def __init__(self, store: RequestStore) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Figures(store))

    def text(self) -> bytes:
        return generate_latest(self._registry)


class Readers:
    """Those who may read the figures: whoever has the token, and everybody in certain networks."""

    def __init__(self, token: str, networks: str) -> None:
        """`networks` are addresses with their prefix, separated by commas."""
        self._token = token
        names = (name.strip() for name in networks.split(","))
        self._networks = [ipaddress.ip_network(name, strict=False) for name in names if name]

    def admit(self, address: str, authorization: str) -> bool:
        """`authorization` is the value of the header of that name."""
        scheme, _, token = authorization.partition(" ")
        if (
            self._token
            and scheme.lower() == "bearer"
            and hmac.compare_digest(token.strip().encode(), self._token.encode())
        ):
            return True
        try:
            here = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(here in network for network in self._networks)


class _Figures(Collector):
    def __init__(self, store: RequestStore) -> None:
        self._store = store

    def describe(self) -> Iterator[Metric]:
        """Nothing: whoever registers this must not have to ask the store."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        load = GaugeMetricFamily(
            "reelwright_queue_load", "Steps of a queue that are ready or running.", labels=["queue"]
        )
        for queue, count in self._store.loads(QUEUES).items():
            load.add_metric([queue], count)
        yield load
        jobs = GaugeMetricFamily("reelwright_jobs", "Jobs that have not ended, by lane.", labels=["lane"])
        for lane, count in self._store.jobs_by_lane().items():
            jobs.add_metric([lane or WAITING], count)
        yield jobs
        yield from self._of_workers()
        yield from self._of_speech()
        overdue = "Seconds for which the job that is due longest has waited for a look."
        yield GaugeMetricFamily("reelwright_reconciler_lag_seconds", overdue, value=self._store.overdue())

    def _of_workers(self) -> Iterator[Metric]:
        workers = GaugeMetricFamily("reelwright_workers", "Workers that live.", labels=["service"])
        slots = GaugeMetricFamily("reelwright_slots", "Steps that live workers run at once.", labels=["service"])
        services = {queue.consumer for queue in QUEUES.values()}
        count, room = Counter[str](), Counter[str]()
        for worker in self._store.workers():
            count[worker.service] += 1
            room[worker.service] += worker.slots
        for service in sorted(services | set(count)):
            workers.add_metric([service], count[service])
            slots.add_metric([service], room[service])
        yield workers
        yield slots

    def _of_speech(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "reelwright_speech_calls_total", "Calls of speech services, by outcome.", labels=["engine", "outcome"]
        )
        counted = self._store.speech_calls()
        for (engine, outcome), count in sorted(counted.items()):
            calls.add_metric([engine, outcome], count)
        yield calls
        breakers = GaugeMetricFamily(
            "reelwright_speech_breaker_open", "1 while a speech service is left alone.", labels=["engine"]
        )
        shut = dict.fromkeys((engine for engine, _ in counted), 0)
        for name, is_open in self._store.open_breakers().items():
            engine = name.partition(" ")[0]
            shut[engine] = max(shut.get(engine, 0), int(is_open))
        for engine in sorted(shut):
            breakers.add_metric([engine], shut[engine])
        yield breakers
