"""What citizens can say, and the pipeline that understands it.

Both environments load these modules: what they import must be light and in both.
"""
