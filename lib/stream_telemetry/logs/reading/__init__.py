"""Reading the JSON logs: `python -m stream_telemetry.logs --help`.

Needs neither Spark nor Kafka, and no job that runs.
"""
