"""Tries the whole job on this machine: a real Kafka, made-up customers, and what came of them.

It starts processes and ends all of them. None of it is needed where the job really runs.
"""
