"""Pipelines of Spark ML that end in trees, computed without their stages; nothing here is of churn.

Start reading in `compiled_trees`. What cannot be restated is left to the stages themselves.
"""
