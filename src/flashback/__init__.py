"""Flashback: write a curated newsletter as a text file, and send it so that every copy is accounted for."""

__version__ = "0.1.0"
