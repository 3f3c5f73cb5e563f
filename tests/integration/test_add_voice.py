"""`./reel voices add` against a server on this machine that has the files as the makers of Piper keep them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cli.main import main
from infra import voices as own_voices

NAME = "de_DE-thorsten-medium"
FOLDER = "/rhasspy/piper-voices/resolve/main/de/de_DE/thorsten/medium"


class Server(ThreadingHTTPServer):
    files: dict[str, bytes]
    status = 404
    "For what it has not."


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        found = self.server.files.get(urlsplit(self.path).path)
        self.send_response(self.server.status if found is None else 200)
        self.send_header("Content-Length", str(len(found or b"")))
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.files = {f"{FOLDER}/{NAME}.onnx": b"a model", f"{FOLDER}/{NAME}.onnx.json": b'{"audio": {}}'}
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def add(server: Server, folder: Path, name: str = NAME) -> int:
    source = f"http://127.0.0.1:{server.server_address[1]}/"
    return main(["voices", "add", name, "--folder", str(folder), "--source", source])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The last line for the user."""
    return capsys.readouterr().err.splitlines()[-1]


def test_both_files_of_a_voice_are_put_into_the_folder(server, tmp_path, capsys):
    assert add(server, tmp_path / "voices") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'voices' / NAME}.onnx\n"
    assert sorted(path.name for path in (tmp_path / "voices").iterdir()) == [f"{NAME}.onnx", f"{NAME}.onnx.json"]
    assert (tmp_path / "voices" / f"{NAME}.onnx").read_bytes() == b"a model"


def test_without_a_folder_they_go_where_the_setting_says(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PIPER_VOICES", str(tmp_path / "set"))
    assert main(["voices", "add", NAME, "--source", f"http://127.0.0.1:{server.server_address[1]}"]) == 0
    assert (tmp_path / "set" / f"{NAME}.onnx").exists()


@pytest.mark.parametrize("missing", ["onnx", "onnx.json"])
def test_a_voice_that_is_not_there_is_said_and_leaves_nothing(server, tmp_path, capsys, missing):
    del server.files[f"{FOLDER}/{NAME}.{missing}"]
    assert add(server, tmp_path) == 2
    assert f'there is no voice "{NAME}" at http://127.0.0.1' in said(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["thorsten", "../../x", "de_DE-a/b-low", "de_DE-a?b-low", ""])
def test_what_is_no_name_is_said_and_nothing_is_asked_for(server, tmp_path, capsys, name):
    server.files.clear()
    assert add(server, tmp_path, name) == 2
    assert f'"{name}" is no name of a voice; one is en_US-ljspeech-medium' in said(capsys)


def test_a_server_that_refuses_is_one_sentence_with_the_other_way(server, tmp_path, capsys):
    server.files.clear()
    server.status = 503
    assert add(server, tmp_path) == 1
    line = said(capsys)
    assert "could not be fetched" in line
    assert f"(it answered 503); get {NAME}.onnx and {NAME}.onnx.json yourself and put both into {tmp_path}" in line


def test_what_is_no_voice_is_refused(server, tmp_path, capsys):
    server.files[f"{FOLDER}/{NAME}.onnx.json"] = b"<html>"
    assert add(server, tmp_path) == 1
    assert "what came is no voice" in said(capsys)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_it_says_so_in_one_sentence(tmp_path, capsys):
    assert main(["voices", "add", NAME, "--folder", str(tmp_path), "--source", "http://127.0.0.1:9"]) == 1
    assert "(Connection refused); get de_DE-thorsten-medium.onnx" in said(capsys)


def test_a_folder_that_cannot_be_used_is_said(server, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert add(server, tmp_path / "file") == 1
    assert "cannot be used" in said(capsys)


def test_a_stack_of_this_machine_finds_what_was_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(own_voices, "FETCHED", tmp_path / "fetched")
    assert own_voices.with_fetched_voices({"A": "b"}) == {"A": "b"}
    (tmp_path / "fetched").mkdir()
    assert own_voices.with_fetched_voices({}) == {"PIPER_VOICES": str(tmp_path / "fetched")}
    assert own_voices.with_fetched_voices({"PIPER_VOICES": "/own"}) == {"PIPER_VOICES": "/own"}
