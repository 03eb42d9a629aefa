"""Modules of the emulator that come late are whole for every thread that asks them."""

import importlib
import sys
import threading

import pytest

from local.gateway import loading


@pytest.fixture
def slow_module(tmp_path, monkeypatch):
    (tmp_path / "slow_to_come.py").write_text("import time\nfirst = 1\ntime.sleep(0.2)\nlast = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(loading._finder, "late", {"slow_to_come"})
    monkeypatch.setattr(sys, "meta_path", [loading._finder, *sys.meta_path])
    yield importlib.import_module("slow_to_come")
    sys.modules.pop("slow_to_come")


def test_a_late_module_is_executed_when_it_is_asked(slow_module):
    assert not loading.is_loaded(slow_module)
    assert slow_module.last == 2
    assert loading.is_loaded(slow_module)
    assert type(slow_module).__name__ == "module"


def test_no_thread_sees_half_a_module(slow_module):
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(slow_module.last)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [2, 2, 2, 2]
