#!/bin/sh
# The demo of a git repository's history: demo.sh [REPO]. See demo.py.
root=$(cd "$(dirname "$0")/../.." && pwd)
PYTHONPATH="$root" exec "$root/.venv/bin/python" -m examples.git_history.demo "$@"
