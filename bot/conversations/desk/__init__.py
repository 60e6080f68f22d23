"""Where people answer: the queue and its honest news, who takes what, what they write, how it ends."""
