"""Agents that work with everlog: they read events, and speak by events."""
