"""Trees in the form in which they are stored and walked: `model.trees`.

A header, then four arrays without gaps, all little-endian. Reading trusts nothing: whatever the file's bytes are, what
has been read can be walked without leaving the arrays and without walking for ever.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from container.native.flat import FlatTrees, flatten

Nodes = NDArray[np.void]
"""Of dtype `NODE`."""
LINKS: Final = ("shares", "softmax", "logistic", "value", "exponential")
"""See `container.training.ensemble.Link`; in the order of trees.h."""
NODE: Final = np.dtype([("threshold", "<f4"), ("child", "<u4"), ("slot", "<u4"), ("leaf", "<u4")])
_MAGIC: Final = b"trees 1\n"
_HEADER: Final = np.dtype(
    [
        ("magic", "S8"),
        *((name, "<i4") for name in ("features", "outputs", "width", "link", "wide", "unused")),
        *((name, "<i8") for name in ("trees", "nodes", "leaves")),
    ]
)
# Far beyond any dataset, and far from where 32-bit indices end.
_MOST_COLUMNS: Final = 2**24
_MOST_NODES: Final = 2**29
_SIGN: Final = np.uint32(2**31)
_HIGHEST_KEY: Final = np.int32(2**31 - 1)
_LANES: Final = 8  # of trees.h


class UnreadableTrees(ValueError):
    """The bytes are no trees."""


@dataclass(frozen=True)
class PackedTrees:
    """An ensemble whose nodes lie in one array, tree after tree: the root, then pairs of siblings after their parent.

    A row goes from a node to its `child` when its value is no greater than `threshold`, else to the node after that. A
    leaf is its own child. `slot` is the feature that is compared, plus `feature_count` where a missing value does not
    go to `child`. `leaf` is the row of `values` that a leaf adds; 0 in other nodes.
    """

    feature_count: int
    output_count: int
    """How many sums the trees add to."""
    link: str
    """One of `LINKS`."""
    wide: bool
    """Whether the sums are 64-bit numbers; else each addition is rounded to 32 bits."""
    roots: NDArray[np.uint32]
    """Shape (trees,), ascending."""
    first_output: NDArray[np.uint32]
    """Shape (trees,): a tree's leaves add to this sum and the ones after it, as many as `values` has columns."""
    nodes: Nodes
    values: NDArray[np.float64]
    """Shape (leaves, width)."""

    def to_bytes(self) -> bytes:
        """The content of the file; the same trees give the same bytes."""
        header = np.zeros((), dtype=_HEADER)
        leaves, width = self.values.shape
        header[()] = (
            *(_MAGIC, self.feature_count, self.output_count, width, LINKS.index(self.link), self.wide, 0),
            *(len(self.roots), len(self.nodes), leaves),
        )
        arrays = (
            self.roots.astype("<u4"),
            self.first_output.astype("<u4"),
            self.nodes.astype(NODE),
            self.values.astype("<f8"),
        )
        return b"".join([header.tobytes(), *(array.tobytes() for array in arrays)])

    @classmethod
    def from_bytes(cls, content: bytes) -> "PackedTrees":
        """Raises: UnreadableTrees."""
        header = _read_header(content)
        trees, nodes, leaves, width = (int(header[name]) for name in ("trees", "nodes", "leaves", "width"))
        offset = _HEADER.itemsize

        def read(dtype: Any, count: int) -> NDArray[Any]:  # noqa: ANN401 - whatever numpy takes for a type
            nonlocal offset
            part = np.frombuffer(content, dtype, count, offset)
            offset += part.nbytes
            # A copy lies where numbers of its size may lie, in the processor's byte order.
            return part.astype(part.dtype.newbyteorder("="))

        packed = cls(
            int(header["features"]),
            int(header["outputs"]),
            LINKS[int(header["link"])],
            bool(header["wide"]),
            roots=read("<u4", trees),
            first_output=read("<u4", trees),
            nodes=read(NODE, nodes),
            values=read("<f8", leaves * width).reshape(leaves, width),
        )
        _check(packed)
        return packed

    def walked(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Nodes and roots as the library walks them: shape (pairs, 4, 2), `union half` of trees.h, and (trees,)."""
        sizes = np.diff(self.roots, append=np.uint32(len(self.nodes))).astype(np.int64)
        pairs = (sizes + 1) // 2  # a root has a pair for itself
        first_pair = np.cumsum(pairs) - pairs
        place = np.arange(len(self.nodes)) - np.repeat(self.roots, sizes) + 1
        at = (4 * (np.repeat(first_pair, sizes) + place // 2) + place % 2).astype(np.uint32)
        at[self.roots] = 4 * first_pair
        halves = np.zeros((4 * int(pairs.sum()), 2), dtype=np.uint32)
        halves[at, 0] = _keys(self.nodes).view(np.uint32)
        halves[at, 1] = at[self.nodes["child"]]
        halves[at + 2, 0] = self.nodes["slot"] * _LANES
        halves[at + 2, 1] = self.nodes["leaf"]
        return halves.reshape(-1, 4, 2), (4 * first_pair).astype(np.uint32)

    def flattened(self) -> FlatTrees:
        """The small ones among them as the library asks many rows."""
        slots = self.nodes["slot"] * np.uint32(_LANES)
        return flatten(self.roots, self.nodes["child"], _keys(self.nodes), slots, self.nodes["leaf"])


def _keys(nodes: Nodes) -> NDArray[np.int32]:
    """The thresholds as integers of the same order, see `key_of` in trees.c."""
    bits = nodes["threshold"].copy().view(np.uint32)
    bits[bits == _SIGN] = 0  # both zeros are one
    keys = np.where(bits & _SIGN, bits ^ ~_SIGN, bits).view(np.int32)
    keys[_is_leaf(nodes)] = _HIGHEST_KEY
    return keys


def _read_header(content: bytes) -> Any:  # noqa: ANN401 - a record
    if len(content) < _HEADER.itemsize:
        raise UnreadableTrees("it is shorter than its header")
    header = np.frombuffer(content, _HEADER, 1)[0]
    sizes = {name: int(header[name]) for name in ("trees", "nodes", "leaves", "features", "outputs", "width")}
    if header["magic"] != _MAGIC:
        raise UnreadableTrees("it does not begin as one of this version")
    if (
        not all(size >= 1 for size in sizes.values())
        or max(sizes["features"], sizes["outputs"]) > _MOST_COLUMNS
        or sizes["nodes"] > _MOST_NODES
        or sizes["width"] > sizes["outputs"]
        or not 0 <= header["link"] < len(LINKS)
        or header["wide"] not in (0, 1)
    ):
        raise UnreadableTrees("its header names sizes that no trees have")
    expected = _HEADER.itemsize + 8 * sizes["trees"] + NODE.itemsize * sizes["nodes"]
    expected += 8 * sizes["leaves"] * sizes["width"]
    if len(content) != expected:
        raise UnreadableTrees(f"it has {len(content)} bytes, its header says {expected}")
    return header


def _is_leaf(nodes: Nodes) -> NDArray[np.bool_]:
    return np.asarray(nodes["child"] == np.arange(len(nodes)))


def _check(packed: PackedTrees) -> None:
    """Raises: UnreadableTrees, when the trees are none that can be walked."""
    leaf = _is_leaf(packed.nodes)
    _check_ways(packed, leaf)
    thresholds, values = packed.nodes["threshold"][~leaf], packed.values
    _require((thresholds < np.inf).all(), "a threshold is no number, or infinite")
    _require((packed.nodes["slot"] < 2 * packed.feature_count).all(), "a node compares a feature that is not there")
    _require((packed.nodes["leaf"] < len(values)).all(), "a node names a leaf that is not there")
    last_outputs = packed.first_output.astype(np.int64) + values.shape[1]
    _require((last_outputs <= packed.output_count).all(), "a tree adds to a sum that is not there")
    _require(np.isfinite(values).all(), "a leaf's value is not finite")
    several = packed.link in ("shares", "softmax")
    _require(several or packed.output_count == 1, f"it has {packed.output_count} sums for a {packed.link} link")


def _check_ways(packed: PackedTrees, leaf: NDArray[np.bool_]) -> None:
    count = len(packed.nodes)
    roots = packed.roots.astype(np.int64)
    ends = np.append(roots[1:], count)
    whole = roots[0] == 0 and (ends > roots).all() and ((ends - roots) % 2 == 1).all()
    _require(whole, "its trees are not a root and pairs of nodes each")
    tree = np.repeat(np.arange(len(roots)), ends - roots)[~leaf]
    children = packed.nodes["child"][~leaf].astype(np.int64)
    # So every walk comes nearer to the tree's last node, and ends there at the latest, which cannot be but a leaf.
    after = (children > np.arange(count)[~leaf]) & (children + 1 < ends[tree])
    _require((after & ((children - roots[tree]) % 2 == 1)).all(), "a node's children are not a pair after it")
    pairs = (count - len(roots)) // 2
    once = len(children) == pairs and len(np.unique(children)) == pairs
    _require(once, "a pair of nodes has no parent, or more than one")


def _require(holds: np.bool_ | bool, fault: str) -> None:  # noqa: FBT001 - the first of two words of a sentence
    if not holds:
        raise UnreadableTrees(fault)
