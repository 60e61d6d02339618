"""What is said of each alert, once: rules, runbook and tests are made from it."""
