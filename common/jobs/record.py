"""The job record as it is stored in Redis, and its parser. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from common.contracts.base import ObjectRef
from common.contracts.job import Event, Failure, Job, Passed, Pins, Step, Version, VoiceCast, WorkerInfo
from common.contracts.names import StepName

STEP, VERSION = "step:", "version:"


class Reader:
    """Reads one job again and again: parts that have not changed in between are the same objects as before.

    So whoever computes from the parts of a job can tell by identity which of them are new.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, Any]] = {}

    def parsed(self, field: str, text: str, parse: Callable[[str, str], Any]) -> Any:
        seen = self._seen.get(field)
        if seen is not None and seen[0] == text:
            return seen[1]
        value = parse(field, text)
        self._seen[field] = (text, value)
        return value


def job_of(job_id: str, fields: Mapping[str, str], reader: Reader | None = None) -> Job:
    """The job that the fields of its record say."""
    reader = reader or Reader()
    head = json.loads(fields["head"])
    steps: dict[str, Step] = {}
    versions: dict[int, Version] = {}
    for field in sorted(fields):
        if field.startswith(STEP):
            steps[StepName(field[len(STEP) :])] = reader.parsed(field, fields[field], _step)
        elif field.startswith(VERSION):
            versions[int(field[len(VERSION) :])] = reader.parsed(field, fields[field], _version)
    return Job(
        id=job_id,
        owner=head["owner"],
        state=head["state"],
        request=reader.parsed("request", head["request"], _ref),
        created=head["created"],
        deadline=head["deadline"],
        kind=head.get("kind", "film"),
        title=head["title"],
        metadata=json.loads(head["metadata"]),
        rev=head["rev"],
        decisions=head["saved"],
        version=head["version"],
        base=reader.parsed("base", head.get("base", ""), _ref_or_none),
        edit=reader.parsed("edit", head.get("edit", ""), _ref_or_none),
        storyboard=reader.parsed("storyboard", head.get("storyboard", ""), _ref_or_none),
        versions=versions,
        lane=head["lane"],
        started=head["started"],
        decided_version=head.get("looked", 0),
        cancel=bool(head["cancel"]),
        pins=pins_of(head["pins"]),
        failure=_failure(head.get("failure")),
        finished=head["finished"],
        seq=head["seq"],
        token=head["token"],
        steps=steps,
    )


def pins_of(text: str) -> Pins:
    """The pins that `pins_json` wrote."""
    data = json.loads(text)
    return Pins(
        toolchains=data.get("offers", {}),
        casts={key: _cast(cast) for key, cast in data.get("casts", {}).items()},
        build=data.get("build", ""),
        sources=tuple(data.get("sources", ())),
        pace=data.get("pace"),
        paced=data.get("paced", ""),
        left_out=data.get("dropped", {}),
        note=data.get("note", ""),
        seconds=data.get("seconds", 0.0),
    )


def pins_json(pins: Pins) -> str:
    """The same pins have the same text; what is not settled is left out."""
    settled = {
        "offers": pins.toolchains,
        "casts": {key: asdict(cast) for key, cast in pins.casts.items()},
        "build": pins.build,
        "sources": pins.sources,
        "pace": pins.pace,
        "paced": pins.paced,
        "dropped": pins.left_out,
        "note": pins.note,
        "seconds": pins.seconds,
    }
    return json.dumps({name: value for name, value in settled.items() if value}, sort_keys=True)


def _cast(data: Mapping[str, Any]) -> VoiceCast:
    return VoiceCast(**{**data, "passed": tuple(Passed(**one) for one in data["passed"])})


def step_patch(before: Step | None, after: Step) -> dict[str, Any]:
    """Fields of the record that change between two states of a step. Lease, token and worker are never among them."""
    fields = _decided(after)
    old = _decided(before) if before is not None else {}
    return {name: value for name, value in fields.items() if name not in old or value != old[name]}


def event_of(entry: str, fields: Mapping[str, str]) -> Event:
    """The event of a stream entry, whose id is `<number>-0`."""
    return Event(int(entry.partition("-")[0]), int(fields["at"]), fields["type"], json.loads(fields["data"]))


def worker_of(name: str, about: Mapping[str, Any]) -> WorkerInfo:
    """The worker that registered itself so."""
    return WorkerInfo(name, about["service"], about["slots"], about["engines"])


def _step(field: str, text: str) -> Step:
    data = json.loads(text)
    return Step(
        name=StepName(field[len(STEP) :]),
        state=data["state"],
        fingerprint=data.get("work", ""),
        attempt=data["attempt"],
        losses=data.get("losses", 0),
        token=data["token"],
        lease=data["lease"],
        not_before=data["not_before"],
        progress=data["done"],
        facts=data.get("facts", ""),
        failure=_failure(data.get("failure")),
        reused=bool(data.get("reused")),
        worker=data.get("worker", ""),
        toolchain=data.get("needs", ""),
        ran_version=data.get("ran", 0),
        ticket=data.get("ticket", ""),
        note=data.get("note", ""),
    )


def _version(field: str, text: str) -> Version:
    data = json.loads(text)
    return Version(
        number=int(field[len(VERSION) :]),
        at=data["at"],
        cause=data["cause"],
        storyboard=_ref_or_none(field, data.get("storyboard", "")),
        state=data.get("state", ""),
        finished=data.get("finished", 0),
        video=_ref_or_none(field, data.get("video", "")),
        thumbnail=_ref_or_none(field, data.get("thumbnail", "")),
        seconds=data.get("seconds", 0.0),
    )


def _decided(step: Step) -> dict[str, Any]:
    """The fields of a step that a decision may write, as the record has them."""
    return {
        "state": step.state,
        "work": step.fingerprint,
        "attempt": step.attempt,
        "losses": step.losses,
        "not_before": step.not_before,
        "done": step.progress,
        "facts": step.facts,
        "failure": step.failure.model_dump_json() if step.failure else "",
        "reused": int(step.reused),
        "needs": step.toolchain,
        "ran": step.ran_version,
        "ticket": step.ticket,
    }


def _ref(_: str, text: str) -> ObjectRef:
    return ObjectRef.model_validate_json(text)


def _ref_or_none(_: str, text: str) -> ObjectRef | None:
    return ObjectRef.model_validate_json(text) if text else None


def _failure(text: str | None) -> Failure | None:
    return Failure.model_validate_json(text) if text else None
