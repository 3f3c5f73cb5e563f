"""The storyboard and the timeline of a few requests, as files one can read."""

import json

import pytest

from common.contracts.request import VideoRequest
from orchestrator.planners.rules import plan
from tests.support.golden import check_golden
from tests.support.sim import ATTEMPT, Sim
from tests.unit.orchestrator.test_workflow import REQUESTS

SCRIPT = """The lighthouse was built in 1852. It is forty metres tall, and its lamp, says Dr. Hale, can be seen
from thirty miles away when the night is clear. Who keeps it now? Nobody. The light has been automatic since 1978,
but every spring a few volunteers climb the stairs, clean the glass and paint the railings."""

PLANS = {
    "prompt": VideoRequest(prompt="A beautiful sunset over the ocean with waves crashing on the beach"),
    "instruction": VideoRequest(prompt="please make a short video about honey bees", duration_target=12),
    "script": VideoRequest(script=SCRIPT, aspect="9:16"),
    "script-in-a-hurry": VideoRequest(script=SCRIPT, duration_target=15),
    "scenes": VideoRequest(
        scenes=[
            {"narration": "The harbour wakes before the sun.", "show": "fishing boats at dawn"},
            {"media": {"asset": "ast_" + "1" * 32}, "duration": 4},
            {"narration": "By noon the quay is empty.", "media": {"url": "https://example.org/quay.mp4"}},
            {"show": "gulls over the water"},
        ]
    ),
    "japanese": VideoRequest(script="海は静かです。波が浜辺に寄せています。空は赤く染まりました。", language="ja"),
}


@pytest.mark.parametrize("name", PLANS)
def test_storyboard(name: str) -> None:
    text = json.dumps(plan(PLANS[name]).model_dump(mode="json"), indent=1, ensure_ascii=False)
    check_golden(f"storyboard-{name}.json", text + "\n")


@pytest.mark.parametrize("index", range(len(REQUESTS)))
def test_timeline(index: int) -> None:
    sim = Sim(REQUESTS[index]).run()
    told = {
        name: sim.specs[step.fingerprint].model_dump(mode="json")
        for name, step in sorted(sim.job.steps.items())
        if name.startswith(("segment", "mix", "assemble"))
    }
    text = ATTEMPT.sub('"', json.dumps(told, indent=1, ensure_ascii=False))
    check_golden(f"timeline-{index}.json", text + "\n")
