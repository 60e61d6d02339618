"""The life of a query: Spark's events, signals, restarts, and the threads beside it.

It decides when a query starts again or ends. What a failure means is said by whoever runs it.
"""
