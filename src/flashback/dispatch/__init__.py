"""Dispatch: a plan becomes deliveries; each is claimed, built, sent and settled."""
