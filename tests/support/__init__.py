"""What several test folders need: a throwaway stack, databases, people, clients."""
