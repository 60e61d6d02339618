"""How a second model would have decided, beside the one that does.

The plan counts where both agree and where they do not; only metrics tell of it.
"""
