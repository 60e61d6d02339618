"""What Kafka's broker is asked while the query runs: offsets, lag, records of a topic.

It reads, and commits progress to a consumer group. It never joins a group and creates nothing.
"""
