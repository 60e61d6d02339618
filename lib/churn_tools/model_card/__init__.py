"""A model's card: figures and plots as a page for people. The manifest has all that it says."""
