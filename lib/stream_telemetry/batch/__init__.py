"""What one batch tells: clocks and counts inside the plan, and Spark's own progress event.

It turns a plan's columns into figures of a batch. It never talks to a broker and writes no metric.
"""
