"""Hostile octets, and the promises that hold in spite of them."""
