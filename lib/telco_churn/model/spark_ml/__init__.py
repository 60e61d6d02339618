"""Pipelines of Spark ML: as they lie on the disk, and as they score.

What is read here was verified before. Only the driver reads it, and no Spark job runs.
"""
