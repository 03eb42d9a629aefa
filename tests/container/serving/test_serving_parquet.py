"""The process that reads Parquet: what breaks it breaks nothing else."""

import contextlib
import io
import os
import signal
from collections.abc import Iterator

import polars as pl
import pytest

from container.serving.parquet_process import ParquetProcess
from container.serving.rejections import RejectedRequest
from tests.container.schemas import classifier


@pytest.fixture
def reader() -> Iterator[ParquetProcess]:
    process = ParquetProcess(classifier(2))
    yield process
    process.close()


def written(**columns: list[float]) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


def test_rows_and_reasons_come_back(reader: ParquetProcess) -> None:
    assert reader.read(written(a=[1.0, 3.0], b=[2.0, 4.0])).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(RejectedRequest, match="row 1: 3 columns, the model takes 2"):
        reader.read(written(a=[1.0], b=[2.0], c=[3.0]))
    assert reader.read(written(a=[1.0], b=[2.0])).tolist() == [[1, 2]]


def test_a_reader_that_died_is_replaced(reader: ParquetProcess) -> None:
    body = written(a=[1.0], b=[2.0])
    reader.read(body)
    assert reader._process is not None
    os.kill(reader._process.pid, signal.SIGKILL)
    reader._process.wait()
    assert reader.read(body).tolist() == [[1, 2]]


def test_damaged_bytes_are_refused(reader: ParquetProcess) -> None:
    body = written(a=[1.0] * 50, b=[2.0] * 50)
    for place in range(4, len(body), 7):
        damaged = body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]
        with contextlib.suppress(RejectedRequest):
            assert reader.read(damaged).shape[1] == 2
