"""Agents in Python; README.md beside this tells what they do, and how to run them."""
