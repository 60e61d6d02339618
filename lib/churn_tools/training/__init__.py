"""Fits the model, judges it on customers that it was not fitted to, and saves it.

A model's directory always holds a whole model. The running job never trains.
"""
