"""What does the sandbox show beside the job? Prometheus and its like, and faults that are played.

Nothing here touches the job: it sees what anybody would see from outside.
"""
