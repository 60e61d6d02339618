"""Publishes customer events to Kafka, made-up ones or those of a CSV file, at a steady rate.

Each event that is sent is acknowledged or counted as failed. The producer never creates a topic.
"""
