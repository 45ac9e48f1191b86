"""kill -9 at random instants, and an account that adds up all the same."""
