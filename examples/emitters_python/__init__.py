"""A chat with an agent in one process, whose emitter persists itself."""
