"""Cloud time across restarts: it goes on where it was, never behind."""

import json
import threading
import time
from pathlib import Path

from local.clock import Clock

_SAVE_EVERY_SECONDS = 1.0
# What a crash may lose is skipped over at the next start: never backwards is worth a small jump.
_CEILING_SECONDS = 2 * _SAVE_EVERY_SECONDS


class TimeKeeper:
    """Saves the clock's lead over real time once a second while it changes."""

    def __init__(self, clock: Clock, path: Path) -> None:
        self._clock = clock
        self._path = path
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="time-keeper", daemon=True)

    def start(self) -> None:
        """Begin saving."""
        self._thread.start()

    def stop(self) -> None:
        """Save the exact time and end."""
        self._stopped.set()
        self._save(0.0)

    def _run(self) -> None:
        saved = None
        while not self._stopped.wait(_SAVE_EVERY_SECONDS):
            current = (round(self._clock.now() - time.time(), 1), self._clock.factor)
            if current != saved:
                self._save(_CEILING_SECONDS * self._clock.factor if current[1] != 1 else 0.0)
                saved = current

    def _save(self, reserve_cloud_seconds: float) -> None:
        part = self._path.with_suffix(".part")
        lead = self._clock.now() - time.time()
        part.write_text(json.dumps({"lead_seconds": lead, "ceiling": self._clock.now() + reserve_cloud_seconds}))
        part.replace(self._path)


def restored_clock(state_dir: Path, time_factor: float) -> tuple[Clock, TimeKeeper]:
    """The clock of an earlier run of this state, or a new one, and what saves it from now on."""
    path = state_dir / "time.json"
    start = time.time()
    if path.exists():
        saved = json.loads(path.read_text())
        start = max(start + saved["lead_seconds"], saved["ceiling"])
    clock = Clock(time_factor, start)
    return clock, TimeKeeper(clock, path)
