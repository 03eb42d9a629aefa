"""One cloud per port and one per state directory: a second start says who is there and what to do."""

import fcntl
import json
import os
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from local.configuration import Configuration


class Occupied(RuntimeError):
    """Another process holds the port or the state directory; the message is one line with what to do."""


def claim_port(configuration: Configuration) -> socket.socket:
    """The listening address, taken at once so that two starts cannot race. Raises Occupied."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", configuration.port))
        listener.listen(256)
    except PermissionError:
        listener.close()
        raise Occupied(f"Port {configuration.port} is reserved on this machine: choose another GATEWAY_PORT.") from None
    except OSError:
        listener.close()
        raise Occupied(_who_holds(configuration)) from None
    return listener


def claim_state(state_dir: Path, port: int) -> IO[str]:
    """A lock on the state directory that ends with this process, however it ends. Raises Occupied."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    holder = (state_dir / "holder.json").open("a+")
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder.seek(0)
        who = _readable(holder.read())
        holder.close()
        raise Occupied(
            f"The state in {state_dir} is in use by another embedded cloud ({who}): "
            "stop that one, or choose another STATE_DIR."
        ) from None
    holder.seek(0)
    holder.truncate()
    json.dump({"pid": os.getpid(), "port": port}, holder)
    holder.flush()
    return holder


def _readable(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['pid']}, port {holder['port']}"
    except (ValueError, KeyError, TypeError):
        return "it does not say which"


def _who_holds(configuration: Configuration) -> str:
    port = configuration.port
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_cloud/health", timeout=1) as answer:
            pid = json.load(answer)["pid"]
    except (OSError, ValueError, KeyError, TypeError, urllib.error.URLError):
        return f"Port {port} is in use by another program: stop it, or choose another GATEWAY_PORT."
    return (
        f"An embedded cloud runs on port {port} already (process {pid}): "
        f"use it, stop it with `kill {pid}`, or choose another GATEWAY_PORT."
    )
