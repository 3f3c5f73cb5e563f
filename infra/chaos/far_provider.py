"""The provider of clips from the far studio, for runs of chaos: every step that fetches one waits for it elsewhere.

It buys in both ways that there are. Half of its clips are ordered under a key by which the studio knows a repeat, so an
order may always be sent again. The other half are not: after an answer that got lost the order is `Unknown`, until the
studio has been asked what it knows.
"""

import json
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

from common.contracts.footage import Candidate, Provenance, ShotQuery, WebFile
from common.contracts.later import Later, Unknown
from common.errors import Permanent, Retryable
from common.net.client import Http, Timeouts
from common.settings import Settings
from common.worker.steprun import StepRun
from retriever.providers.download import Downloads
from retriever.providers.port import FetchedFile, origin_of
from retriever.providers.stock import as_object

NAME = "far"
PAUSE_SECONDS = 0.5
DOUBT_SECONDS = 600.0
"Longer than any run: whoever is in doubt is roused, and never gives up."
CERTAIN_SECONDS = 5.0
TIMEOUTS = Timeouts(reply=5.0, download=5.0)


class FarProvider:
    """The `Provider` over the far studio at `url`."""

    name = NAME

    def __init__(self, url: str, certain: float = CERTAIN_SECONDS) -> None:
        """What the studio does not know `certain` seconds after it was sent has never reached it."""
        self._url, self._certain = url, certain
        near = Settings(fetch_allow_networks=f"{urlsplit(url).hostname}/32")  # the studio is not in the world outside
        self._http = Http(near, timeouts=TIMEOUTS)
        self._downloads = Downloads(near, self._http)

    def search(self, query: ShotQuery) -> list[Candidate]:
        """A clip for every other shot, so that films mix both."""
        if query.seed % 2:
            return []
        once = "once" if query.seed % 4 else "unsure"
        name = f"{once}-{query.seed}-{query.shot}-{'-'.join(query.show.split())}"
        return [
            Candidate(
                id=f"{NAME}:{name}",
                kind="video",
                score=0.9,
                origin=WebFile(url=f"{self._url}/{name}"),
                width=query.width,
                height=query.height,
                seconds=1.5,
                provenance=Provenance(provider=NAME, source_id=name),
            )
        ]

    def fetch(self, candidate: Candidate, run: StepRun) -> FetchedFile | Later | Unknown:
        clip = origin_of(self.name, candidate, WebFile).url
        ticket = json.loads(run.ticket) if run.ticket else {}
        if "order" in ticket:
            return self._look(ticket["order"], run)
        if candidate.id.startswith(f"{NAME}:once-"):
            return self._order_once(clip, ticket.get("key"), run)
        return self._order_unsure(clip, ticket, run)

    def call_off(self, candidate: Candidate, ticket: str) -> None:
        self._ask("DELETE", "orders", key=json.loads(ticket)["key"])

    def _order_once(self, clip: str, key: str | None, run: StepRun) -> Later:
        """An order that may be sent again and again: the key must be known before it is sent, and that is enough."""
        if key is None:
            key = uuid.uuid4().hex
            run.keep_ticket(json.dumps({"key": key}))
        order = self._ask("POST", "orders", clip=clip, key=key, once="1")
        return _wait({"key": key, "order": order["id"]})

    def _order_unsure(self, clip: str, ticket: dict[str, Any], run: StepRun) -> Later | Unknown:
        """An order that must not be sent twice. What was sent, or may have been, is looked for first."""
        if ticket:
            order = self._known(ticket["key"])
            if order is not None:
                return _wait({**ticket, "order": order["id"]})
            if time.time() - ticket["sent"] < self._certain:
                return Unknown(run.ticket, DOUBT_SECONDS, "the far studio has not said whether it has the order")
        ticket = {"key": uuid.uuid4().hex, "sent": time.time()}
        run.keep_ticket(json.dumps(ticket))
        try:
            order = self._ask("POST", "orders", clip=clip, key=ticket["key"])
        except Retryable:
            return Unknown(run.ticket, DOUBT_SECONDS, "the far studio has not said whether it has the order")
        return _wait({**ticket, "order": order["id"]})

    def _look(self, order: str, run: StepRun) -> FetchedFile | Later:
        state = self._ask("GET", f"orders/{order}")["state"]
        if state == "working":
            return _wait(json.loads(run.ticket))
        if state != "done":
            run.keep_ticket("")
            raise Permanent(f"the far studio says that the order is {state}")
        return self._downloads.fetch(f"{self._url}/files/{order}", run)

    def _known(self, key: str) -> dict[str, Any] | None:
        reply = self._http.ask_json("GET", f"{self._url}/orders/{key}", {}, {})
        return None if reply.status == 404 else as_object(reply.data)

    def _ask(self, method: str, where: str, **query: str) -> dict[str, Any]:
        reply = self._http.ask_json(method, f"{self._url}/{where}", {}, query)
        if reply.status >= 400:
            raise Permanent(f"the far studio answered {reply.status}")
        return as_object(reply.data)


def _wait(ticket: dict[str, Any]) -> Later:
    return Later(json.dumps(ticket), PAUSE_SECONDS, "the far studio is at work on it")
