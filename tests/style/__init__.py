"""The rules that a reader relies on."""
