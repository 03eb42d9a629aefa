"""What most containers do: pandas reads, scikit-learn splits and grows. Runs where nothing of ours is installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pandas as pd
from measured import measure
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

DATASET, TREES, CPUS = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


# What a library loads and allocates at its first use is its own, whatever the table's size.
RandomForestClassifier(n_estimators=2, n_jobs=CPUS).fit(pd.DataFrame({"a": range(200)}).astype("float32"), [0, 1] * 100)


def train() -> dict[str, object]:
    frame = pd.read_csv(DATASET, header=None, dtype="float32")
    labels = frame[0].astype(int)
    split = train_test_split(frame.drop(columns=0), labels, test_size=0.33, random_state=42, stratify=labels)
    train_rows, test_rows, train_labels, test_labels = split
    forest = RandomForestClassifier(n_estimators=TREES, max_depth=11, n_jobs=CPUS, random_state=42)
    forest.fit(train_rows.to_numpy(), train_labels)
    return {"accuracy": forest.score(test_rows.to_numpy(), test_labels), "trees": TREES}


measure(train)
