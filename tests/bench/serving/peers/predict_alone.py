"""What scikit-learn's predict takes for rows that are numbers already: prints the median of rows per CPU second."""

import statistics
import sys
import time

import joblib
import numpy as np

MODEL = joblib.load(sys.argv[1])
ROWS = np.loadtxt(sys.stdin, delimiter=",", dtype=np.float32)


def rate() -> float:
    begun = time.process_time()
    MODEL.predict(ROWS)
    return len(ROWS) / (time.process_time() - begun)


rate()
print(statistics.median(rate() for _ in range(int(sys.argv[2]))))
