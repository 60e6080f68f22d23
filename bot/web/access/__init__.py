"""Who may enter the consoles: passwords, codes, sessions, and the pages where people sign in."""
