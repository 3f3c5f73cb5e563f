"""The address of uploads."""

from typing import cast

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from api.assets import Assets
from api.http.parsing import UploadRequest, uploaded
from api.http.routes.shared import OWNER, PREFIX
from common.settings import Settings

FORM_OVERHEAD = 64 * 1024
"Bytes that a form may need around its file."


def asset_routes(assets: Assets, settings: Settings) -> Blueprint:
    routes = Blueprint("assets", __name__, url_prefix=PREFIX)

    @routes.post("/assets")
    def upload() -> ResponseReturnValue:
        request.max_content_length = settings.max_upload_mb * 2**20 + FORM_OVERHEAD
        file, name = uploaded(cast(UploadRequest, request))
        asset = assets.keep(OWNER, file, name)
        return jsonify(asset_id=asset.id, media_type=asset.media_type, size=asset.size), 201

    return routes
