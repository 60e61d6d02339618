"""Models of one's own: taken over from elsewhere, judged, kept side by side, put to use and back.

The job reads one directory; what lies there is replaced as a whole. No model that the job would
refuse gets that far.
"""
