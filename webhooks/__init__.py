"""The Flask app: what has to talk HTTP to somebody else, and the clean-up at login."""
