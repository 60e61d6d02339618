"""How Kafka's clients get in: one file in the names of its Java client, read, checked, translated.

Nothing here talks to Kafka. Secrets stay in their files: the JVM gets references to them.
"""
