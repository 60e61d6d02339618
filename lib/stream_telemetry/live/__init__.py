"""The page that shows a query to a person, and the summary that it is drawn from.

Nothing here asks Spark or Kafka: what is shown is what metrics, health and the latest batches say.
"""
