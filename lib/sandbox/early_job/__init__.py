"""The job, started before there is anything for it to read.

Spark's JVM and the job's Python take seconds to load, in which the broker starts and is fed.
"""
