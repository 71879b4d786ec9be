"""`doctor`: finds the usual misconfigurations, and says why they matter and what to do.

One small function for each, over circumstances that were gathered before: nothing here asks anybody.
"""
