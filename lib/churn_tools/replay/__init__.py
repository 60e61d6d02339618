"""Sends dead letters in again: which ones, mended how, and none of them twice.

What was sent is known by a topic of its own, written in the same transactions as the events.
"""
