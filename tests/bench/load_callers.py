"""Call an endpoint so many times and print what it cost this process: `boto3` from threads."""

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

from tests.load.stub import KEY, REGION, SECRET


def main() -> None:
    """Arguments: address, threads, calls, a row, its answer."""
    url, row, expected = sys.argv[1], sys.argv[4], sys.argv[5]
    threads, calls = int(sys.argv[2]), int(sys.argv[3])
    config = Config(max_pool_connections=threads, retries={"total_max_attempts": 1})
    client = boto3.Session(KEY, SECRET, None, REGION).client("sagemaker-runtime", endpoint_url=url, config=config)

    def ask(_: int) -> bool:
        answer = client.invoke_endpoint(EndpointName="iris", ContentType="text/csv", Body=row)
        return bool(answer["Body"].read().decode().strip() == expected)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(ask, range(threads * 2)))  # connections and caches
        before, begun = _cpu_seconds(), time.monotonic()
        right = sum(pool.map(ask, range(calls)))
        print(json.dumps({"right": right, "cpu": _cpu_seconds() - before, "seconds": time.monotonic() - begun}))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
