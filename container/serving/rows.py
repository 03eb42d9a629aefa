"""From a request's body to the rows that the model takes, whatever form it came in."""

from collections.abc import Callable, Mapping

from container.predictor import Rows
from container.schema import Schema
from container.serving.csv_rows import CsvReader
from container.serving.json_rows import JsonReader
from container.serving.media import CSV, JSON, JSON_LINES, NPY, PARQUET, content_media
from container.serving.npy_rows import read_npy
from container.serving.parquet_process import ParquetProcess

Read = Callable[[bytes], Rows]


class RowReader:
    """Reads bodies for the model that has this schema."""

    def __init__(self, schema: Schema) -> None:
        json_reader = JsonReader(schema)
        self._readers: Mapping[str, Read] = {
            CSV: CsvReader(schema).read,
            JSON: json_reader.read,
            JSON_LINES: json_reader.read_lines,
            NPY: lambda body: read_npy(body, schema),
            PARQUET: ParquetProcess(schema).read,
        }

    def read(self, body: bytes, content_type: bytes | None) -> Rows:
        """The rows in `body`.

        Raises:
            RejectedRequest: 415, another content type; 413, more values than fit; 400, the body breaks a rule.
        """
        return self._readers[content_media(content_type)](body)
