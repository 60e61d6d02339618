"""Made-up customers, whole and broken.

They agree with the published figures of the public Telco set, or break the contract in every way
that is known. Nothing here knows of Kafka or of the model.
"""
