"""Which rights in Kafka each program needs, and whether its user has them.

docs/security.md has them as a table and as commands, which `python -m telco_churn.rights.page`
writes.
"""
