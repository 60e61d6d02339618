"""The streaming query and its surroundings: session, topics, source and sink, checkpoint.

It checks them before the start and when something is wrong. What happens to a record is in
`pipeline.py`.
"""
