"""OpenTelemetry: the metrics, and a span for each batch, for a collector that speaks OTLP.

All but the settings needs the extra otel. A collector that is away delays nothing but itself.
"""
