"""The local stack: commands, gateway, and what no recording of the real servers shows."""
