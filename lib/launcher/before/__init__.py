"""What runs before there is an environment: `environment.sh`, which makes it, and its helper.

Nothing here imports anything of the project.
"""
