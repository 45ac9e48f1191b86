"""Flashback: write a newsletter as a text file, and send it with every copy accounted for."""

__version__ = "0.1.0"
