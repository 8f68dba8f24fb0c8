"""Who may do what, as a whole."""
