"""Where figures leave the process: the HTTP server and its pages, and the Pushgateway.

Each outlet owns its settings and its failures. None of them can hold up the query or each other.
"""
