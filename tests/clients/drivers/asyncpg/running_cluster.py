"""A pytest plugin: the cluster that asyncpg's tests share is one that runs already.

asyncpg does the same when PGHOST is set, but then leaves out all tests that start a server of
their own. With ONLY_SHARED set, these are skipped: what does not use the proxy need not run twice.
"""

import os
import unittest

from asyncpg import _testbase
from asyncpg.cluster import RunningCluster

_testbase._default_cluster = RunningCluster(host=os.environ["SERVER_HOST"], port=int(os.environ["SERVER_PORT"]))


def no_cluster(*_args: object, **_options: object) -> None:
    # compare.py knows this text.
    raise unittest.SkipTest("has a server of its own")


if os.environ.get("ONLY_SHARED"):
    _testbase._init_cluster = no_cluster
