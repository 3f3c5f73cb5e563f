"""The service as a Python program sees it: one method per call, patient with short absences."""

import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from api.sdk.errors import NotWritten, Refused, ServiceError

TIMEOUT = (5, 60)
"Seconds to connect, and to wait for an answer."
PATIENCE = 30.0
"Seconds that a service may be away before we give up on it."
CHUNK = 256 * 1024
HERE = ("127.0.0.1", "localhost", "::1")


class Client:
    """One Reelwright. Raises `Refused` when it refuses a request, `ServiceError` when it does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise Refused(f"{url} is not an http or https address")
        self._session = requests.Session()
        self._session.trust_env = urlsplit(self.url).hostname not in HERE  # no proxy on the way to ourselves

    def close(self) -> None:
        """Lets go of the connections, so that a service which ends need not wait for us."""
        self._session.close()

    def answers(self) -> bool:
        """True if a Reelwright answers there."""
        try:
            reply = self._session.get(f"{self.url}/healthz", timeout=2)
            return reply.ok and reply.json().get("service") == "reelwright"
        except (requests.RequestException, ValueError, AttributeError):
            return False

    def generate(self, body: dict[str, Any], key: str) -> str:
        """Starts a job. `key` makes it safe to ask again when an answer gets lost."""
        headers = {"Idempotency-Key": key}
        reply = self._patiently(
            lambda: self._session.post(self._at("generate"), json=body, headers=headers, timeout=TIMEOUT)
        )
        return str(self._json(reply)["job_id"])

    def preview(self, text: str, voice: str | None = None, language: str = "en") -> bytes:
        """One sentence as the voice speaks it (None: the usual one of the language): WAV."""
        body = {"text": text, "voice": voice, "language": language}
        address = self._at("voices/preview")
        reply = self._patiently(lambda: self._session.post(f"{address}?wait=30", json=body, timeout=TIMEOUT))
        if reply.status_code == HTTPStatus.ACCEPTED:
            raise ServiceError("the sentence was not spoken in time; is a speech worker running?")
        return _checked(reply).content

    def sample(self, voice: str) -> bytes:
        """The sample sentence of a voice: WAV. Voices that cost money have none."""
        address, parameters = self._at("voices/sample"), {"voice": voice, "wait": "30"}
        reply = self._patiently(lambda: self._session.get(address, params=parameters, timeout=TIMEOUT))
        if reply.status_code == HTTPStatus.ACCEPTED:
            raise ServiceError("the sentence was not spoken in time; is a speech worker running?")
        return _checked(reply).content

    def transcribe(self, body: dict[str, Any], key: str, waiting: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """The words of an upload, however long it takes; `waiting` is called once if that is more than a moment."""
        address, headers = f"{self._at('transcribe')}?wait=30", {"Idempotency-Key": key}
        told = False
        while True:
            reply = self._patiently(lambda: self._session.post(address, json=body, headers=headers, timeout=TIMEOUT))
            if reply.status_code != HTTPStatus.ACCEPTED:
                return self._json(reply)
            if not told:
                waiting()
                told = True

    def status(self, job_id: str) -> dict[str, Any]:
        return self._get(f"status/{job_id}")

    def result(self, job_id: str) -> dict[str, Any]:
        return self._get(f"result/{job_id}")

    def voices(self, language: str = "", engine: str = "") -> list[dict[str, str]]:
        """The voices that narrations can have: of a language, of one speech engine, or all."""
        wanted = {name: value for name, value in (("language", language), ("engine", engine)) if value}
        return list(self._get("voices", **wanted)["voices"])

    def export(self, job_id: str, path: Path) -> None:
        """Downloads the film's timeline with its media."""
        self.download(self._at(f"export/{job_id}"), path)

    def cancel(self, job_id: str) -> None:
        """Asks once, and shortly: whoever cancels is in a hurry."""
        try:
            self._session.post(self._at(f"cancel/{job_id}"), timeout=3)
        except requests.RequestException:
            pass  # the service is gone, and the job's deadline will end it

    def upload(self, path: Path) -> str:
        """Sends a file; returns its asset id."""
        try:
            with path.open("rb") as file:
                headers = {"Content-Type": "application/octet-stream"}
                reply = self._session.post(self._at("assets"), data=file, headers=headers, timeout=TIMEOUT)
        except OSError as error:
            if isinstance(error, requests.RequestException):
                raise ServiceError(f"{path} could not be uploaded; it may be larger than the server allows") from None
            raise Refused(f"{path} cannot be read ({error.strerror})") from None
        if reply.status_code in (413, 415, 422):
            raise Refused(f"{path}: {_detail(reply)}")
        return str(self._json(reply)["asset_id"])

    def download(self, address: str, path: Path) -> None:
        """Downloads a link of a result; `path` is complete or not there."""
        part = path.with_name(f".{path.name}.part")
        try:
            with self._session.get(address, stream=True, timeout=TIMEOUT) as reply, part.open("wb") as file:
                if not reply.ok:
                    raise ServiceError(f"the server refuses the download ({reply.status_code})")
                for chunk in reply.iter_content(CHUNK):
                    file.write(chunk)
            part.replace(path)
        except requests.RequestException:
            raise ServiceError("the download broke off") from None
        except OSError as error:
            raise NotWritten(path, error.strerror or "for no known reason") from None
        finally:
            part.unlink(missing_ok=True)

    def _get(self, where: str, **query: str) -> dict[str, Any]:
        return self._json(self._patiently(lambda: self._session.get(self._at(where), params=query, timeout=TIMEOUT)))

    def _at(self, where: str) -> str:
        return f"{self.url}/mcp/{where}"

    def _patiently(self, call: Callable[[], requests.Response]) -> requests.Response:
        """Asks again while the service is away for a moment."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                reply = call()
                if reply.status_code not in (502, 503, 504) or time.monotonic() > give_up:
                    return reply
            except (requests.ConnectionError, requests.Timeout):
                if time.monotonic() > give_up:
                    raise ServiceError(f"{self.url} does not answer") from None
            time.sleep(1.0)

    def _json(self, reply: requests.Response) -> dict[str, Any]:
        try:
            return dict(_checked(reply).json())
        except ValueError:
            raise ServiceError(f"{self.url} is not a Reelwright") from None


def _checked(reply: requests.Response) -> requests.Response:
    if reply.status_code in (400, 422):
        raise Refused(_detail(reply))
    if not reply.ok:
        raise ServiceError(_detail(reply))
    return reply


def _detail(reply: requests.Response) -> str:
    """What is wrong; all faults of the request, a line each."""
    try:
        body = reply.json()
        faults = [f"{fault['field']}: {fault['message']}" for fault in body.get("errors", ())]
        return "\n".join(faults) or str(body["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"the server answered {reply.status_code} {reply.reason}"
