"""The citizen's side: each channel translates between its wire format and our messages, nothing else."""
