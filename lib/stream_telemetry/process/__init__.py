"""The driver's two processes, Python and its JVM, and what signals ask of them.

Under `spark-submit` the JVM is the parent, so most signals reach it alone.
"""
