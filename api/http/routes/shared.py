"""The owner of every request, and parts of answers that several blueprints give."""

from typing import Any

from flask import jsonify, url_for
from flask.typing import ResponseReturnValue

from api.one_step import Outcome
from api.views.scenes import RENDERED

OWNER = "local"
"Everybody is the same owner until there are keys."
PREFIX = "/mcp"


def accepted(where: str, body: dict[str, Any], status: int = 202) -> ResponseReturnValue:
    """The answer to a wish; `where` is the address at which to follow it."""
    return jsonify(body), status, {"Location": where}


def result_address(job_id: str) -> str:
    return url_for("films.result", job_id=job_id)


def awaited(outcome: Outcome) -> ResponseReturnValue:
    """The answer to a request that waited for its job: what came of it, or where to look for that later (202)."""
    where = result_address(outcome.job_id)
    if outcome.view is None:
        message = f"it is not finished yet; its result will be at {where}"
        return accepted(where, {"job_id": outcome.job_id, "status": "accepted", "message": message})
    return jsonify(outcome.view), 200, {"Content-Location": where}


def with_links(view: dict[str, Any]) -> dict[str, Any]:
    """The view of a film, or of another job, with a link in every scene that is rendered.

    The links lead to this service: signing one for every scene at once would take too long.
    """
    if "scenes" in view:
        view["scenes"] = [with_link(scene, view["job_id"], view["version"]) for scene in view["scenes"]]
    return view


def with_link(scene: dict[str, Any], job_id: str, version: int) -> dict[str, Any]:
    """The view of a scene with the address of its video; None until it is rendered."""
    names = {"job_id": job_id, "scene_id": scene["id"], "version": version}
    rendered = scene["state"] == RENDERED
    return {**scene, "download_url": url_for("films.scene_video", **names, _external=True) if rendered else None}
