"""The JVM of this process, with a user that Hadoop knows."""

from __future__ import annotations

import os
import pwd
from typing import Any

from pyspark import SparkContext


def connected() -> Any:
    """The JVM that the session uses, or will use; started where there is none.

    Where the system has no name for this user's id, as in some containers, Hadoop's own login ends
    in a stack trace. It is then told a name: that of `HADOOP_USER_NAME`, or `uid` and the number.
    """
    # Starts the JVM alone; a SparkContext would already ask the cluster for executors.
    SparkContext._ensure_initialized()
    assert SparkContext._jvm is not None
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        users = SparkContext._jvm.org.apache.hadoop.security.UserGroupInformation
        name = os.environ.get("HADOOP_USER_NAME") or f"uid{os.getuid()}"
        users.setLoginUser(users.createRemoteUser(name))
    return SparkContext._jvm
