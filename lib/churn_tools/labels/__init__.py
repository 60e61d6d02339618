"""How right the model was, by labels that come after the predictions, on a topic of their own.

A query of its own beside the job, which knows nothing of it. Read `label_plan.py` first.
"""
