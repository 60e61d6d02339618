"""From a command line to a running Spark: Java, jars, options, environment.

It prepares and hands over; nothing of it runs while records are scored.
"""
