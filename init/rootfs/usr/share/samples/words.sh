#!/bin/sh
# Which words are in a text, and how often: a pipeline.
tr -cs 'A-Za-z' '\n' | tr A-Z a-z | sort | uniq -c | sort -r -n | head -n "${1:-10}"
