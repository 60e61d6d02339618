"""Which metrics exist, what they stand at, and which batch moved them.

The catalogue is the only place where a metric is named. Nothing here knows how metrics are shown.
"""
