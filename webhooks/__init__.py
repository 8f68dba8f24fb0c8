"""The Flask app: HTTP to and from other servers, and the clean-up at login."""
