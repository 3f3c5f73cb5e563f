"""Writes of the workers: each to the one step that it has claimed, and only while its claim is valid."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from common.contracts.job import DEFERRED, READY, RUNNING, UNKNOWN, WAITING, Failure
from common.contracts.kinds import STEP_KINDS
from common.contracts.later import Later, Unknown
from common.contracts.names import StepName
from common.jobs.scripts import Part, milliseconds


class NotClaimed(StrEnum):
    """Why a step could not be claimed."""

    GONE = "gone"
    "There is no such step."
    CALLED_OFF = "called_off"
    "Its job is cancelled, or has ended."
    NOT_READY = "not_ready"
    "Another worker has it or has done it, or it is not yet time to try again."
    OTHER_BUILD = "other_build"
    "It is for a worker with another toolchain, and will be hinted at again soon."
    NO_SPEC = "no_spec"
    "Its spec got lost; the next decision restores it."


class Verdict(StrEnum):
    """The store's answer to the holder of a claim."""

    OK = "ok"
    KNOWN = "known"
    "Another job's attempt at the same work was first: its facts are the result."
    LOST = "lost"
    "The claim is over: somebody else may have the step."
    CALLED_OFF = "called_off"
    "The job is cancelled, or has ended: the worker should stop."


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a step, until the lease ends."""

    job_id: str
    step: str
    owner: str
    token: int
    attempt: int
    fingerprint: str
    spec: str
    "As JSON of the kind's spec."
    nonce: str = ""
    ticket: str = ""
    "For work that goes on elsewhere; empty if there is none."
    last: bool = False
    "No other step waits in the queue, and none of the same kind is still to come in this job."
    toolchain: str = ""
    "The one of the worker's that the step needs."


class CallOff(NamedTuple):
    """Work elsewhere that is not wanted any more."""

    entry: str
    "As it is stored."
    owner: str
    job: str
    step: str
    ticket: str
    spec: str
    "Of the step, as JSON; empty if it is not known."
    at: int
    "Time in milliseconds of Redis' clock at which it was given up."
    work: str = ""
    "Fingerprint of the work it was for; empty for a ticket that is certainly of no use."


UNSETTLED = frozenset({WAITING, READY, RUNNING, DEFERRED, UNKNOWN})
"States of a step that may still do its work."


class Claims(Part):
    """The writes of a worker. Once another one has the step, they have no effect."""

    def claim(
        self, job_id: str, step: str, *, nonce: str, worker: str, lease: float, queue: str, toolchains: Sequence[str]
    ) -> Claim | NotClaimed:
        """Takes a ready step for `lease` seconds. Asked again with the same `nonce`, it gives the same claim.

        `toolchains` are those that the worker has for steps of this kind.
        """
        reply = self.scripts.run("claim", job_id, step, nonce, worker, milliseconds(lease), queue, *toolchains)
        if reply[0] != "claimed":
            return NotClaimed(reply[0])
        _, token, attempt, fingerprint, owner, spec, last, ticket, chain = reply
        numbers = int(token), int(attempt)
        return Claim(job_id, step, owner, *numbers, fingerprint, spec, nonce, ticket, last == "1", chain)

    def beat(self, claim: Claim, lease: float, progress: float) -> Verdict:
        """Renews the lease: `OK`, `LOST` or `CALLED_OFF`. `progress` is the share that is done, 0 to 1."""
        return Verdict(self.scripts.run("beat", claim.job_id, claim.step, claim.token, milliseconds(lease), progress))

    def commit(self, claim: Claim, facts: str, reuse: int) -> Verdict:
        """Makes `facts` the result of the step, and for `reuse` seconds of the same work in any other job.

        `OK`, `KNOWN` or `LOST`.
        """
        return Verdict(self.scripts.run("commit", claim.job_id, claim.step, claim.token, facts, reuse))

    def fail(self, claim: Claim, failure: Failure) -> bool:
        """Reports that this attempt failed. False when the claim is no longer valid."""
        report = failure.model_dump_json()
        return bool(self.scripts.run("fail", claim.job_id, claim.step, claim.token, report) == Verdict.OK)

    def defer(self, claim: Claim, outcome: Later | Unknown, progress: float) -> bool:
        """Hands the step back because its work goes on elsewhere. False when the claim is no longer valid.

        A ticket that is of no use then is called off.
        """
        ticket, seconds, note = outcome
        state = DEFERRED if isinstance(outcome, Later) else UNKNOWN
        after = milliseconds(seconds)
        who = claim.job_id, claim.step, claim.token, claim.owner
        about = after, note, progress, claim.spec, claim.fingerprint
        return bool(self.scripts.run("defer", *who, state, ticket, *about) == Verdict.OK)

    def keep_ticket(self, claim: Claim, ticket: str) -> bool:
        """Notes what goes on elsewhere, while the step goes on; empty: nothing any more. Otherwise as `defer`."""
        who = claim.job_id, claim.step, claim.token, claim.owner
        return bool(self.scripts.run("keep_ticket", *who, ticket, claim.spec, claim.fingerprint) == Verdict.OK)

    def rouse(self, job_id: str, step: str, ticket: str) -> bool:
        """Runs a step that waits under this ticket, since there is news. False when it does not wait any more.

        For whoever hears the news: the receiver of a provider's messages, a person who has asked, a run of chaos.
        """
        return bool(self.scripts.run("rouse", job_id, step, ticket) == Verdict.OK)

    def take_call_off(self, queue: str, hold: float) -> CallOff | None:
        """A ticket that is to be called off now; it comes again after `hold` seconds, unless it is `called_off`."""
        entries = self.scripts.run("take", f"calloff:{queue}", 1, milliseconds(hold))
        return _call_off_of(entries[0]) if entries else None

    def is_still_done(self, call_off: CallOff) -> bool:
        """True if the step is about to do the very work that the ticket was for, and may find the same order."""
        text = self.scripts.ask(lambda client: client.hget(f"job:{call_off.job}", f"step:{call_off.step}"))
        step = json.loads(text) if text and call_off.work else {}
        return step.get("work") == call_off.work and step.get("state") in UNSETTLED

    def called_off(self, queue: str, call_off: CallOff) -> None:
        """The other side knows, or will never be told: the ticket is forgotten."""
        self.scripts.ask(lambda client: client.zrem(f"calloff:{queue}", call_off.entry))

    def release(self, claim: Claim) -> bool:
        """Hands the step back unfinished; it is ready at once and nothing is counted. False when the claim is over."""
        queue = STEP_KINDS[StepName(claim.step).kind].queue
        return bool(self.scripts.run("release", claim.job_id, claim.step, claim.token, queue) == Verdict.OK)

    def lost(self, job_id: str, step: str, worker: str) -> bool:
        """Ends the lease of a worker that is known to be dead. False when it held none on this step."""
        return self.scripts.run("lost", job_id, step, worker) == 1


def _call_off_of(entry: str) -> CallOff:
    """Another release may have written more or fewer fields."""
    data = json.loads(entry)
    owner, job, step, ticket, spec, work = (
        str(data.get(name, "")) for name in ("owner", "job", "step", "ticket", "spec", "work")
    )
    return CallOff(entry, owner, job, step, ticket, spec, int(data.get("at", 0)), work)
