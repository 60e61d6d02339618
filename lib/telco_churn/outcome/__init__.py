"""What becomes of a record: a prediction or a dead letter, how it is counted, how it is logged.

Each record has exactly one fate. No line or label holds what a message says.
"""
