"""From the fitted forest to the ONNX graph that is served, and the proof that both answer alike."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from onnx import ModelProto
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestClassifier

from container.predictor import Predictor, Rows
from container.training.faults import ExportDiffers

# Probabilities nearer than this count as equal. The graph adds up 32-bit shares: seen were differences up to 6e-7,
# and two of them may differ in opposite directions.
TIE: Final = 2e-6
# TreeEnsembleClassifier as ONNX Runtime has known it since 1.0; newer forms bring this forest nothing.
_OPSETS: Final = {"": 18, "ai.onnx.ml": 3}
_DIRECTIONS: Final = "nodes_missing_value_tracks_true"


@dataclass(frozen=True)
class Comparison:
    """How the graph's answers agreed with the estimator's."""

    rows: int
    ties: int
    """Rows whose two best classes are equally probable: either answer is right."""


def export_forest(forest: RandomForestClassifier) -> bytes:
    """The forest as an ONNX model. The same forest gives the same bytes."""
    # skl2onnx reads every property of the forest; the importances of one that found nothing to split on are 0/0.
    with np.errstate(invalid="ignore"):
        model = convert_sklearn(
            forest,
            name="forest",  # else a random one
            initial_types=[("features", FloatTensorType([None, forest.n_features_in_]))],
            options={id(forest): {"zipmap": False}},
            target_opset=_OPSETS,
        )
    _write_missing_value_directions(model, forest)
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _write_missing_value_directions(model: ModelProto, forest: RandomForestClassifier) -> None:
    """skl2onnx leaves the side a missing value takes at 0 in every node, and says nothing."""
    (node,) = [node for node in model.graph.node if node.op_type == "TreeEnsembleClassifier"]
    attributes = {attribute.name: attribute for attribute in node.attribute}
    trees = [estimator.tree_.missing_go_to_left for estimator in forest.estimators_]
    places = zip(attributes["nodes_treeids"].ints, attributes["nodes_nodeids"].ints, strict=True)
    directions = [int(trees[tree][place]) for tree, place in places]
    del attributes[_DIRECTIONS].ints[:]
    attributes[_DIRECTIONS].ints.extend(directions)


def compare(forest: RandomForestClassifier, predictor: Predictor, rows: Rows) -> Comparison:
    """Check that the graph answers every row with a class that the forest finds most probable.

    Raises:
        ExportDiffers: it does not; names the first row.
    """
    probabilities = forest.predict_proba(rows)
    answers = predictor.answer(rows)
    ranked = np.sort(probabilities, axis=1)
    chosen = probabilities[np.arange(len(rows)), answers]
    differing = np.flatnonzero(chosen < ranked[:, -1] - TIE)
    if len(differing):
        raise ExportDiffers(
            f"the exported model answers {len(differing)} of {len(rows)} rows differently from the estimator, "
            f"first row {differing[0] + 1}"
        )
    return Comparison(len(rows), int(np.count_nonzero(ranked[:, -1] - ranked[:, -2] <= TIE)))
