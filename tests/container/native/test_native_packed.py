"""Damaged files end in a fault, or in trees that can be walked: never in a process that crashes or hangs."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.native.build import FLAGS, compile_library, find_compiler
from container.native.packed import NODE, PackedTrees, UnreadableTrees
from container.training.forest import FittedForest
from container.training.packing import pack_trees
from tests.container.fits import classification, fitted

PROJECT = Path(__file__).parents[3]
SANITIZED = ("-O1", "-g", "-std=c11", "-fPIC", "-shared", "-ffp-contract=off", "-fsanitize=address,undefined")
SECONDS = 250
MAGIC, HEADER = 8, 56


@pytest.fixture(scope="module")
def packed(complete: Any) -> PackedTrees:
    return pack_trees(FittedForest(complete.forest).ensemble())


def test_what_is_written_is_read_again(packed: PackedTrees) -> None:
    content = packed.to_bytes()
    again = PackedTrees.from_bytes(content)
    assert again.to_bytes() == content
    assert (again.feature_count, again.output_count, again.link, again.wide) == (4, 3, "shares", True)
    np.testing.assert_array_equal(again.nodes, packed.nodes)


def with_nodes(packed: PackedTrees, **changed: Any) -> PackedTrees:
    """The same with one field of the first node other than it was."""
    nodes = packed.nodes.copy()
    for name, value in changed.items():
        nodes[name][0] = value
    return PackedTrees(**{**vars(packed), "nodes": nodes})


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda p: with_nodes(p, child=2), "not a pair after it"),
        (lambda p: with_nodes(p, child=2**32 - 1), "not a pair after it"),
        (lambda p: with_nodes(p, child=int(p.roots[1]) + 1), "not a pair after it"),
        (lambda p: with_nodes(p, threshold=np.nan), "a threshold"),
        (lambda p: with_nodes(p, threshold=np.inf), "a threshold"),
        (lambda p: with_nodes(p, slot=8), "a feature that is not there"),
        (lambda p: with_nodes(p, leaf=len(p.values)), "a leaf that is not there"),
        (lambda p: PackedTrees(**{**vars(p), "roots": p.roots[::-1]}), "a root and pairs"),
        (lambda p: PackedTrees(**{**vars(p), "roots": p.roots + 2}), "a root and pairs"),
        (lambda p: PackedTrees(**{**vars(p), "first_output": p.first_output + 1}), "a sum that is not there"),
        (lambda p: PackedTrees(**{**vars(p), "values": p.values * np.inf}), "not finite"),
        (lambda p: PackedTrees(**{**vars(p), "link": "logistic"}), "3 sums for a logistic link"),
        (lambda p: PackedTrees(**{**vars(p), "feature_count": 2**25}), "sizes that no trees have"),
        (lambda p: PackedTrees(**{**vars(p), "output_count": 2}), "sizes that no trees have"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_could_not_be_walked_is_refused(packed: PackedTrees, damage: Any, fault: str) -> None:
    with pytest.raises(UnreadableTrees, match=fault):
        PackedTrees.from_bytes(damage(packed).to_bytes())


@pytest.mark.parametrize("kept", [0, 1, HEADER - 1, HEADER, HEADER + 10, -1])
def test_half_a_file_is_refused(packed: PackedTrees, kept: int) -> None:
    with pytest.raises(UnreadableTrees):
        PackedTrees.from_bytes(packed.to_bytes()[:kept])
    with pytest.raises(UnreadableTrees):
        PackedTrees.from_bytes(packed.to_bytes() + b"\0")


def damaged(whole: bytes, random: np.random.Generator) -> bytes:
    """With a part cut off or out, with other bits, or with other numbers where numbers are."""
    content = bytearray(whole)
    match random.integers(4):
        case 0:
            del content[int(random.integers(len(content))) :]
        case 1:
            for place in random.integers(0, len(content), random.integers(1, 5)):
                content[place] ^= 1 << int(random.integers(8))
        case 2:  # small numbers pass more checks than any bits
            for place in random.integers(0, len(content) // 4, random.integers(1, 4)):
                number = int(random.choice([0, 1, 2, 3, 8, 9, 2**31 - 1, 2**32 - 1, int(random.integers(200))]))
                content[4 * place : 4 * place + 4] = number.to_bytes(4, "little")
        case 3:
            for place in random.integers(0, HEADER - MAGIC, random.integers(1, 4)):
                content[MAGIC + place] = int(random.integers(256))
    return bytes(content)


def walk_damaged(models: list[bytes], seed: int, count: int) -> int:
    """Ask what can be read; how many that were. Run in a process of its own, which is seen to end well."""
    from container.native.evaluator import Evaluator

    random = np.random.default_rng(seed)
    walked = 0
    for _ in range(count):
        content = damaged(models[random.integers(len(models))], random)
        try:
            packed = PackedTrees.from_bytes(content)
        except UnreadableTrees:
            continue
        if packed.feature_count > 1_000 or packed.output_count > 1_000:
            continue  # a schema says otherwise
        rows = random.normal(size=(11, packed.feature_count)).astype(np.float32)
        rows[random.random(rows.shape) < 0.2] = np.nan
        evaluator = Evaluator(packed, missing_allowed=True)
        evaluator.positions_and_shares(rows)
        evaluator.positions(rows[:1])
        line = b",".join([b"1.5"] * packed.feature_count)
        evaluator.position_of_text(line)
        evaluator.positions_of_text(b"\n".join([line] * 11))
        walked += 1
    return walked


def texts(random: np.random.Generator) -> Iterator[bytes]:
    """Near to what is plain, and cut anywhere."""
    parts = [
        b"1",
        b"23.5",
        b"-4e-7",
        b",",
        b",",
        b",",
        b"\n",
        b"\r\n",
        b"",
        b"e",
        b".",
        b"9" * 70,
        b"1e400",
        b"\0",
        b"x",
    ]
    while True:
        yield b"".join(parts[place] for place in random.integers(0, len(parts), random.integers(0, 12)))


def run_here(folder: Path) -> None:
    """What the sanitized process does: `folder` has the library and the models."""
    from container.native import library
    from container.native.plain_csv import parse_csv

    library.library_path = lambda: folder / "library.so"
    models = [file.read_bytes() for file in sorted(folder.glob("*.trees"))]
    assert walk_damaged(models, seed=1, count=3_000) > 100
    random = np.random.default_rng(2)
    for _, text in zip(range(20_000), texts(random), strict=False):
        # Without the byte after the end that Python's own bytes have: reading on is seen.
        parse_csv(text * 9, int(random.integers(1, 4)))
    csv_read = library.function("csv_read")
    csv_read.argtypes = None
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    for _, text in zip(range(20_000), texts(random), strict=False):
        exact = ctypes.c_void_p(libc.malloc(len(text) or 1))
        ctypes.memmove(exact, text, len(text))
        rows = np.empty(64, np.float32)
        csv_read(exact, ctypes.c_int64(len(text)), 2, 1, ctypes.c_void_p(rows.ctypes.data), ctypes.c_int64(4))
        libc.free(exact)
    print("ended well")


@pytest.fixture(scope="module")
def models(complete: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "forest.trees").write_bytes(pack_trees(FittedForest(complete.forest).ensemble()).to_bytes())
    for classes in (2, 3):
        estimator, _ = fitted(classification(classes=classes), algorithm="xgboost", num_round=4, max_depth=4)
        (folder / f"boosted-{classes}.trees").write_bytes(pack_trees(estimator.ensemble()).to_bytes())
    return folder


def test_no_damaged_file_or_text_leads_out_of_bounds(models: Path) -> None:
    """With the sanitizers of gcc, which end the process at the first step beyond an array or an undefined result."""
    compiler = find_compiler()
    assert compiler
    library = models / "library.so"
    found = subprocess.run([*compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=False)
    runtime = Path(found.stdout.strip())
    sanitizers = runtime.is_absolute()
    # Without them a process that ends well still shows something.
    compile_library(compiler, library, SANITIZED if sanitizers else FLAGS)
    environment = {
        **os.environ,
        **({"LD_PRELOAD": str(runtime.resolve())} if sanitizers else {}),
        # Python itself leaks at its end; and it maps more than a limit of memory would allow.
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    program = f"from pathlib import Path; from tests.container.native.test_native_packed import run_here; run_here(Path({str(models)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ended well\n"), done.stderr[-3_000:]


def test_the_layout_of_a_node_is_that_of_the_library() -> None:
    assert NODE.itemsize == 16
