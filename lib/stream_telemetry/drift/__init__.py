"""Whether what a model sees is still what it was fitted to, and whether it is still right.

The plan counts, windows keep the latest counts, and each scrape computes its figures from them. It
knows nothing of any model but its features, its training distribution and its threshold.
"""
