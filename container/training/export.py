"""From the fitted trees to an ONNX graph, the form in which any program can take a model.

The graph computes with the numbers the library computes with. A forest of scikit-learn compares its 64-bit thresholds
and adds up 64-bit shares, so its graph does. XGBoost does both in 32 bits, beginning with the base score, and so does
its graph: the sums are the same to the last bit.
"""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from container.training.ensemble import Ensemble, Tree
from container.training.graph import INPUT, LABEL_OUTPUT, PROBABILITIES_OUTPUT, VALUE_OUTPUT

TIE: Final = 1e-6
"""Classes whose probabilities differ by more are told apart by the graph as by the library."""
# Classes whose probabilities, 32-bit numbers, differ by no more are tied. Such numbers of two that are equal in truth
# may differ by a unit in the last place, 2**-24; those of two that differ by TIE never come so near.
_TIED: Final = 2.0**-22
# ONNX Runtime has known both since 1.0; newer forms of TreeEnsemble bring these trees nothing.
_OPSETS: Final = {"": 18, "ai.onnx.ml": 3}
_IR_VERSION: Final = 8
_SUMS: Final = "sums"


def export_ensemble(ensemble: Ensemble) -> bytes:
    """The trees as an ONNX model, see `GraphPredictor` for its outputs. The same trees give the same bytes."""
    if ensemble.link in ("value", "exponential"):
        nodes, outputs = _value_nodes(ensemble), [_output(VALUE_OUTPUT, TensorProto.FLOAT)]
    else:
        nodes = [*_probability_nodes(ensemble), *_label_nodes()]
        classes = 2 if ensemble.link == "logistic" else ensemble.output_count
        outputs = [_output(LABEL_OUTPUT, TensorProto.INT64), _output(PROBABILITIES_OUTPUT, TensorProto.FLOAT, classes)]
    graph = helper.make_graph(
        [*_sum_nodes(ensemble), *nodes],
        "trees",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, ensemble.feature_count])],
        outputs,
        [
            numpy_helper.from_array(np.array(_TIED, np.float32), "tied_within"),
            numpy_helper.from_array(np.array(1, np.float32), "one"),
            numpy_helper.from_array(np.array([1], np.int64), "last_axis"),
        ],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="mlops")
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _output(name: str, kind: int, *width: int) -> Any:  # noqa: ANN401 - a protobuf message
    return helper.make_tensor_value_info(name, kind, [None, *width])


def _sum_nodes(ensemble: Ensemble) -> list[NodeProto]:
    """The sums, of shape (rows, outputs): 32-bit numbers, whatever they were added up in."""
    attributes = _tree_attributes(ensemble)
    source = INPUT
    nodes = []
    if ensemble.wide:
        source = "wide_features"
        nodes.append(helper.make_node("Cast", [INPUT], [source], to=TensorProto.DOUBLE))
    nodes.append(
        helper.make_node("TreeEnsembleRegressor", [source], [_SUMS], domain="ai.onnx.ml", name="trees", **attributes)
    )
    return nodes


def _probability_nodes(ensemble: Ensemble) -> list[NodeProto]:
    match ensemble.link:
        case "softmax":
            return [helper.make_node("Softmax", [_SUMS], [PROBABILITIES_OUTPUT], axis=1)]
        case "logistic":
            return [
                helper.make_node("Sigmoid", [_SUMS], ["second"]),
                helper.make_node("Sub", ["one", "second"], ["first"]),
                helper.make_node("Concat", ["first", "second"], [PROBABILITIES_OUTPUT], axis=1),
            ]
        case _:
            return [helper.make_node("Identity", [_SUMS], [PROBABILITIES_OUTPUT])]


def _label_nodes() -> list[NodeProto]:
    """The first class that is as probable as any: what is above the line is cut to it, and the first maximum taken."""
    return [
        helper.make_node("ReduceMax", [PROBABILITIES_OUTPUT, "last_axis"], ["most"], keepdims=1),
        helper.make_node("Sub", ["most", "tied_within"], ["enough"]),
        helper.make_node("Min", [PROBABILITIES_OUTPUT, "enough"], ["cut"]),
        helper.make_node("ArgMax", ["cut"], [LABEL_OUTPUT], axis=1, keepdims=0, select_last_index=0),
    ]


def _value_nodes(ensemble: Ensemble) -> list[NodeProto]:
    if ensemble.link == "value":
        return [helper.make_node("Squeeze", [_SUMS, "last_axis"], [VALUE_OUTPUT])]
    return [
        helper.make_node("Exp", [_SUMS], ["exponential"]),
        helper.make_node("Squeeze", ["exponential", "last_axis"], [VALUE_OUTPUT]),
    ]


def _tree_attributes(ensemble: Ensemble) -> dict[str, Any]:
    # ONNX Runtime takes a node to which no way leads for another root, and a number beyond the nodes' count for none.
    trees = tuple(tree.without_pruned() for tree in ensemble.trees)
    leaves = np.concatenate([tree.is_leaf for tree in trees])
    branch = {"<=": "BRANCH_LEQ", "<": "BRANCH_LT"}[ensemble.comparison]
    sizes = [len(tree.left) for tree in trees]

    def joined(arrays: Iterable[NDArray[Any]]) -> list[int]:
        numbers: list[int] = np.where(leaves, 0, np.concatenate(list(arrays))).astype(np.int64).tolist()
        return numbers

    attributes = {
        "n_targets": ensemble.output_count,
        "nodes_treeids": np.repeat(np.arange(len(trees)), sizes).tolist(),
        "nodes_nodeids": np.concatenate([np.arange(size) for size in sizes]).tolist(),
        "nodes_modes": np.where(leaves, "LEAF", branch).tolist(),
        "nodes_featureids": joined(tree.feature for tree in trees),
        "nodes_truenodeids": joined(tree.left for tree in trees),
        "nodes_falsenodeids": joined(tree.right for tree in trees),
        "nodes_missing_value_tracks_true": joined(tree.missing_left for tree in trees),
        **_target_attributes(trees),
    }
    thresholds = np.where(leaves, 0, np.concatenate([tree.threshold for tree in trees]))
    weights = attributes.pop("target_weights")
    if ensemble.wide:
        attributes["nodes_values_as_tensor"] = numpy_helper.from_array(thresholds)
        attributes["target_weights_as_tensor"] = numpy_helper.from_array(weights)
    else:
        attributes["nodes_values"] = thresholds.tolist()
        attributes["target_weights"] = weights.tolist()
    return attributes


def _target_attributes(trees: tuple[Tree, ...]) -> dict[str, Any]:
    """What each leaf adds to which sum. Zeros are left out, but for one: no leaf is without an entry."""
    places, weights = [], []
    for number, tree in enumerate(trees):
        nodes = np.flatnonzero(tree.is_leaf)
        adds = tree.value[nodes] != 0
        adds[:, 0] |= ~adds.any(axis=1)
        leaf, column = np.nonzero(adds)
        places.append(np.stack([np.full(len(leaf), number), nodes[leaf], tree.outputs[column]]))
        weights.append(tree.value[nodes[leaf], column])
    treeids, nodeids, targets = np.concatenate(places, axis=1).tolist()
    return {
        "target_treeids": treeids,
        "target_nodeids": nodeids,
        "target_ids": targets,
        "target_weights": np.concatenate(weights),
    }
