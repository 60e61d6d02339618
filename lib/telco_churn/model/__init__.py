"""What the model sees, what it says of itself, how it is loaded and how it scores.

Nothing of a model is loaded before its files are verified. No step here drops a row.
"""
