"""A container in miniature: SageMaker's contract without a model, misbehaving on request.

Training obeys the hyperparameter `do`; serving answers with the text in `model/answer.txt` and obeys the variable `DO`.
"""

import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

BASE = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])


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
        child = subprocess.Popen(["sleep", "600"])
        print(f"child={child.pid};", flush=True)
        print("waiting", flush=True)
        time.sleep(600)
        return 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer = ""
    requests = 0

    def do_GET(self) -> None:
        self._reply(500 if os.environ.get("DO") == "be-unhealthy" else 200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        command, _, argument = body.decode(errors="replace").partition(" ")
        if command == "sleep":
            time.sleep(float(argument))
        if command == "die":
            os._exit(9)
        if command == "status":
            self._reply(int(argument), b"refused, says the model")
            return
        if command == "environment":
            self._reply(200, json.dumps(dict(os.environ)).encode())
            return
        if command == "headers":
            self._reply(200, json.dumps({name.lower(): value for name, value in self.headers.items()}).encode())
            return
        self._reply(200, f"{self.answer} {os.getpid()}".encode())

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/csv; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if "X-Amzn-SageMaker-Custom-Attributes" in self.headers:
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", "seen")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def serve() -> int:
    do, _, marker = os.environ.get("DO", "").partition(" ")
    if do == "exit" or (do == "exit-if" and pathlib.Path(marker).exists()):
        print("no such model", flush=True)
        return 1
    answer = BASE / "model/answer.txt"
    Handler.answer = answer.read_text() if answer.exists() else "nothing"
    Handler.disable_nagle_algorithm = True
    server = Server((os.environ["SERVE_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler)
    print("serving", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit({"train": train, "serve": serve}[sys.argv[1]]())
