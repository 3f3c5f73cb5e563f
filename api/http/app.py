"""The application: use cases, routes and error handlers put together."""

from urllib.parse import urlsplit

from flask import Flask, Response, request

from api.assets import Assets
from api.batches import Batches
from api.edit.revisions import Revisions
from api.errors import Forbidden
from api.export.archive import Exports
from api.films import Films
from api.http import problems
from api.http.inputs import refuse_unknown
from api.http.lingering import Lingering
from api.http.parsing import UploadRequest
from api.http.routes.assets import asset_routes
from api.http.routes.batches import batch_routes
from api.http.routes.exports import export_routes
from api.http.routes.films import film_routes
from api.http.routes.health import health_routes
from api.http.routes.jobs import job_routes
from api.http.routes.revisions import revision_routes
from api.http.routes.transcriptions import transcription_routes
from api.http.routes.voices import voice_routes
from api.jobs import Jobs
from api.previews import Previews
from api.records import Records
from api.results import Makers, Results, views_of
from api.submission import Submissions
from api.transcriptions import Transcriptions
from api.voices import Voices
from common.jobs.store import RequestStore
from common.settings import Settings
from common.storage.port import Storage

MAX_JSON_BYTES = 4 * 2**20


def create_app(settings: Settings, store: RequestStore, storage: Storage, uploads: Storage | None = None) -> Flask:
    """`uploads` is a store with more patience, for large files; None: the same."""
    app = Flask("reelwright", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_JSON_BYTES
    app.wsgi_app = Lingering(app.wsgi_app)  # type: ignore[method-assign]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    assets = Assets(uploads or storage, settings)
    app.request_class = type("AssetRequest", (UploadRequest,), {"assets": assets})
    app.before_request(_refuse_other_sites)
    app.before_request(refuse_unknown)
    app.after_request(_add_headers)
    problems.register(app)
    records = Records(store, storage, settings)
    submissions = Submissions(store, records, assets, settings)
    app.register_blueprint(job_routes(Jobs(store, records, submissions)))
    of_one_step = store, storage, records, submissions, settings
    makers = Makers(Films(storage, records, settings), Previews(*of_one_step), Transcriptions(*of_one_step))
    app.register_blueprint(film_routes(makers.films, Results(records, views_of(makers))))
    app.register_blueprint(export_routes(Exports(storage, records, settings)))
    app.register_blueprint(revision_routes(Revisions(store, records, submissions)))
    app.register_blueprint(batch_routes(Batches(store, storage, records, submissions, settings)))
    app.register_blueprint(asset_routes(assets, settings))
    app.register_blueprint(voice_routes(Voices(store), makers.previews))
    app.register_blueprint(transcription_routes(makers.transcriptions))
    app.register_blueprint(health_routes(store, storage, settings))
    return app


def _refuse_other_sites() -> None:
    """A web page somewhere else must not make this service work through its reader's browser."""
    origin = request.headers.get("Origin")
    if origin is not None and request.method != "GET" and urlsplit(origin).netloc != request.host:
        raise Forbidden("requests from pages of another site are refused")


def _add_headers(response: Response) -> Response:
    response.headers.extend(problems.HEADERS)
    return response
