"""The conformance kit: does a system at a URL keep the contract that an app of a dialect relies on?

It asks what any client may ask. Unless told to read only, it files one clearly marked report, or books one
place and gives it back.
"""
