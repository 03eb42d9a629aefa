"""The algorithms a model can be trained with, and their hyperparameters.

The one table that the settings are checked against before anything runs, that the training job reads by, and that
docs/training.md shows. XGBoost's names, ranges and defaults: "XGBoost Parameters" of its documentation and "XGBoost
hyperparameters" of the SageMaker Developer Guide; the forest's: scikit-learn's RandomForestClassifier, with the number
and depth of trees that the course began with.
"""

from collections.abc import Mapping
from typing import Final, Literal

from contracts.hyperparameters import Deprecated, Hyperparameter, Table

AlgorithmName = Literal["random-forest", "xgboost"]
DEFAULT_ALGORITHM: Final = "random-forest"

_THREADS: Final = "as many as there are CPUs"
_SEED: Final = "`seed` of the data settings"


def _seed(*aliases: str) -> Hyperparameter:
    return Hyperparameter(
        "seed",
        "integer",
        "of everything that is random",
        otherwise=_SEED,
        minimum=0,
        aliases=aliases,
    )


_FOREST: Final = Table(
    (
        Hyperparameter("n_estimators", "integer", "trees", 120, minimum=1, maximum=10_000),
        Hyperparameter("max_depth", "integer", "levels of a tree", 10, minimum=1, maximum=64),
        Hyperparameter("min_samples_split", "integer", "rows that a node needs to be split", 2, minimum=2),
        Hyperparameter("min_samples_leaf", "integer", "rows that a leaf needs", 1, minimum=1),
        Hyperparameter(
            "max_leaf_nodes",
            "integer",
            "leaves of a tree, the most useful first",
            otherwise="no limit",
            minimum=2,
        ),
        Hyperparameter("min_impurity_decrease", "number", "the least that a split must gain", 0.0, minimum=0),
        Hyperparameter(
            "max_features",
            "number",
            "features that are looked at for a split: a share, or their number's square root or logarithm",
            otherwise="sqrt for classes, all for a regression",
            above=0,
            maximum=1,
            words=("sqrt", "log2", "all"),
        ),
        Hyperparameter(
            "criterion",
            "text",
            "what a split is judged by: the first three for classes, the others for a regression",
            otherwise="gini, or squared_error",
            words=("gini", "entropy", "log_loss", "squared_error", "absolute_error", "poisson"),
        ),
        Hyperparameter(
            "class_weight",
            "text",
            "weights classes by their rarity, over all rows or over those of each tree",
            "none",
            words=("none", "balanced", "balanced_subsample"),
        ),
        Hyperparameter("bootstrap", "boolean", "whether each tree draws its rows, with replacement", default=True),
        Hyperparameter("max_samples", "number", "share of the rows that a tree draws", 1.0, above=0, maximum=1),
        Hyperparameter("n_jobs", "integer", "threads", otherwise=_THREADS, minimum=1, maximum=1_024),
        _seed("random_state"),
    )
)

_XGBOOST: Final = Table(
    (
        Hyperparameter(
            "num_round", "integer", "rounds of boosting", 100, minimum=1, maximum=10_000, aliases=("n_estimators",)
        ),
        Hyperparameter(
            "objective",
            "text",
            "what is learnt; all `multi` and `binary` are for classes, the others for a regression",
            otherwise="binary:logistic, multi:softprob from three classes on, or reg:squarederror",
            words=(
                "binary:logistic",
                "multi:softmax",
                "multi:softprob",
                "reg:squarederror",
                "reg:absoluteerror",
                "reg:pseudohubererror",
                "count:poisson",
                "reg:gamma",
            ),
        ),
        Hyperparameter(
            "num_class",
            "integer",
            "classes; must be as many as the dataset has",
            otherwise="the dataset's",
            minimum=2,
        ),
        Hyperparameter(
            "eta", "number", "how much of each round counts", 0.3, minimum=0, maximum=1, aliases=("learning_rate",)
        ),
        Hyperparameter(
            "gamma", "number", "the least that a split must gain", 0.0, minimum=0, aliases=("min_split_loss",)
        ),
        Hyperparameter("max_depth", "integer", "levels of a tree; 0 is no limit", 6, minimum=0, maximum=64),
        Hyperparameter("min_child_weight", "number", "the least weight of a child", 1.0, minimum=0),
        Hyperparameter("max_delta_step", "number", "bound of a leaf's value; 0 is none", 0.0, minimum=0),
        Hyperparameter("subsample", "number", "share of the rows of each round", 1.0, above=0, maximum=1),
        Hyperparameter("colsample_bytree", "number", "share of the features of each tree", 1.0, above=0, maximum=1),
        Hyperparameter("colsample_bylevel", "number", "share of them of each level", 1.0, above=0, maximum=1),
        Hyperparameter("colsample_bynode", "number", "share of them of each split", 1.0, above=0, maximum=1),
        Hyperparameter("lambda", "number", "L2 regularisation", 1.0, minimum=0, aliases=("reg_lambda",)),
        Hyperparameter("alpha", "number", "L1 regularisation", 0.0, minimum=0, aliases=("reg_alpha",)),
        Hyperparameter("scale_pos_weight", "number", "weight of the second of two classes", 1.0, above=0),
        Hyperparameter(
            "tree_method", "text", "how splits are found", "hist", words=("auto", "exact", "approx", "hist")
        ),
        Hyperparameter("max_bin", "integer", "bins of a feature", 256, minimum=2, maximum=65_536),
        Hyperparameter(
            "grow_policy",
            "text",
            "which node is split next: by level or by gain",
            "depthwise",
            words=("depthwise", "lossguide"),
        ),
        Hyperparameter("max_leaves", "integer", "leaves of a tree; 0 is no limit", 0, minimum=0),
        Hyperparameter("booster", "text", "what is boosted", "gbtree", words=("gbtree",)),
        Hyperparameter(
            "nthread", "integer", "threads", otherwise=_THREADS, minimum=1, maximum=1_024, aliases=("n_jobs",)
        ),
        _seed("random_state"),
    ),
    deprecated=(
        Deprecated("silent", "silent is deprecated and does nothing: XGBoost's own messages are not shown"),
        Deprecated("verbosity", "verbosity does nothing: XGBoost's own messages are not shown"),
        Deprecated(
            "objective",
            "objective reg:linear is deprecated; reg:squarederror is used, which is the same",
            text="reg:linear",
            replacement="reg:squarederror",
        ),
    ),
)

ALGORITHMS: Final[Mapping[AlgorithmName, Table]] = {"random-forest": _FOREST, "xgboost": _XGBOOST}
