"""Runs the judge: ``python -m benchmarks.judge``. The four cases run side by side and take six minutes."""

import sys
from concurrent.futures import ThreadPoolExecutor

from benchmarks.judge.limiter import judge
from config.local.redis import LocalRedis

_CASES = [(60_000, False), (30_000, False), (60_000, True), (30_000, True)]


def main() -> int:
    """Print a line for each case, and what llmock found wrong. Returns 1 if a case misses its goal."""
    with LocalRedis() as server, ThreadPoolExecutor(len(_CASES)) as pool:
        running = [pool.submit(judge, tokens, server.url, faults=faults) for tokens, faults in _CASES]
        results = [each.result() for each in running]
    for result in results:
        print(result)
        if result.verdict.fails or result.verdict.warnings:
            print(result.verdict.text)
    return 0 if all(result.is_good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
