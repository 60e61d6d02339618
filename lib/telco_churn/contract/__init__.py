"""Which messages are events: a JSON Schema contract, compiled into Spark expressions.

It answers with every broken rule of a message. It never decides where a record goes.
"""
