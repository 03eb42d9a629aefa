"""A container in miniature: SageMaker's contract without a model, misbehaving on request.

Training obeys the hyperparameter `do`; serving answers with the text in `model/answer.txt` and obeys the variable `DO`.
"""

import json
import os
import pathlib
import signal
import socket
import sys
import threading
import time

ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
BASE = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
_TURN = threading.Lock()


def train() -> int:
    hyperparameters = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    print("training", flush=True)
    return getattr(Training, hyperparameters.get("do", "succeed").replace("-", "_"))(hyperparameters)


class Training:
    @staticmethod
    def succeed(hyperparameters: dict) -> int:
        files = sorted(path for path in (BASE / "input/data").rglob("*") if path.is_file())
        listing = {path.relative_to(BASE / "input/data").as_posix(): path.read_text() for path in files}
        (BASE / "model/answer.txt").write_text(hyperparameters.get("answer", "answer"))
        (BASE / "output/data/seen.json").write_text(json.dumps({"files": listing, "environment": dict(os.environ)}))
        for line in hyperparameters.get("print", "").split("|"):
            print(line, flush=True)
        return 0

    @staticmethod
    def fail(hyperparameters: dict) -> int:
        if "failure" in hyperparameters:
            (BASE / "output/failure").write_text(hyperparameters["failure"])
        return 3

    @staticmethod
    def save_when_told(_: dict) -> int:
        def save(*_: object) -> None:
            (BASE / "model/answer.txt").write_text("half trained")
            sys.exit(0)

        signal.signal(signal.SIGTERM, save)
        print("waiting", flush=True)
        time.sleep(600)
        return 0

    @staticmethod
    def ignore_signals(_: dict) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "600")  # noqa: S606
        print(f"child={child};", flush=True)
        print("waiting", flush=True)
        time.sleep(600)
        return 0


class Connection:
    """One client of the server: HTTP as far as SageMaker needs it. `http.server` would take longer to import than the
    rest of this container to start."""

    def __init__(self, accepted: socket.socket, answer: str) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = accepted.makefile("rwb")
        self._answer = answer

    def talk(self) -> None:
        while request_line := self._stream.readline():
            headers: dict[str, str] = {}
            while (line := self._stream.readline().strip()) != b"":
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            body = self._stream.read(int(headers.get("content-length", 0)))
            status, content = self._ping() if request_line.startswith(b"GET") else self._invocation(headers, body)
            own = "X-Amzn-SageMaker-Custom-Attributes: seen\r\n" if ATTRIBUTES in headers else ""
            self._stream.write(
                f"HTTP/1.1 {status} -\r\nContent-Type: text/csv; charset=utf-8\r\n{own}"
                f"Content-Length: {len(content)}\r\n\r\n".encode()
                + content
            )
            self._stream.flush()

    def _ping(self) -> tuple[int, bytes]:
        return (500 if os.environ.get("DO") == "be-unhealthy" else 200), b""

    def _invocation(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        command, _, argument = body[:100].decode(errors="replace").partition(" ")
        if command == "sleep":
            time.sleep(float(argument))
        if command == "take-turns":  # one request after the other, so that queues form
            with _TURN:
                time.sleep(float(argument))
        if command == "die":
            os._exit(9)
        if command == "status":
            return int(argument), b"refused, says the model"
        if command == "environment":
            return 200, json.dumps(dict(os.environ)).encode()
        if command == "headers":
            return 200, json.dumps(headers).encode()
        return 200, f"{self._answer} {os.getpid()}".encode()


def serve() -> int:
    do, _, marker = os.environ.get("DO", "").partition(" ")
    if do == "exit" or (do == "exit-if" and pathlib.Path(marker).exists()):
        print("no such model", flush=True)
        return 1
    answer = BASE / "model/answer.txt"
    text = answer.read_text() if answer.exists() else "nothing"
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with socket.create_server(
        (os.environ["SERVE_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"])), backlog=128
    ) as server:
        print("serving", flush=True)
        while True:
            accepted, _ = server.accept()
            threading.Thread(target=Connection(accepted, text).talk, daemon=True).start()


if __name__ == "__main__":
    sys.exit({"train": train, "serve": serve}[sys.argv[1]]())
