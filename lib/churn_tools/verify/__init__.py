"""Checks that no record is lost: reads a job's topics and strikes a balance.

It only reads, and needs no part of the running job.
"""
